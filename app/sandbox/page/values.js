// What an interactive element holds: the wire form of each element's value, its start value, its checks.

const SELECTED = {
  static_select: ["selected_option", "initial_option"],
  external_select: ["selected_option", "initial_option"],
  radio_buttons: ["selected_option", "initial_option"],
  overflow: ["selected_option", null],
  checkboxes: ["selected_options", "initial_options"],
  multi_static_select: ["selected_options", "initial_options"],
  multi_external_select: ["selected_options", "initial_options"],
  users_select: ["selected_user", "initial_user"],
  multi_users_select: ["selected_users", "initial_users"],
  conversations_select: ["selected_conversation", "initial_conversation"],
  multi_conversations_select: ["selected_conversations", "initial_conversations"],
  channels_select: ["selected_channel", "initial_channel"],
  multi_channels_select: ["selected_channels", "initial_channels"],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
  plain_text_input: ["value", "initial_value"],
  email_text_input: ["value", "initial_value"],
  url_text_input: ["value", "initial_value"],
  number_input: ["value", "initial_value"],
  rich_text_input: ["rich_text_value", "initial_value"],
  file_input: ["files", null],
};

export const isStateful = (element) => Object.hasOwn(SELECTED, element.type) && element.type !== "overflow";
export const valueKey = (element) => SELECTED[element.type][0];
export const isPlural = (element) => valueKey(element).endsWith("s");

/** The element's wire value before anybody touched it: {type, <key>: start}. */
export function initialValue(element) {
  const [key, initial] = SELECTED[element.type];
  const start = initial ? element[initial] : undefined;
  return { type: element.type, [key]: start === undefined ? (isPlural(element) ? [] : null) : start };
}

export function wireValue(element, value) {
  return { type: element.type, [valueKey(element)]: value };
}

export function richTextOf(text) {
  if (text === "") return null;
  return { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] };
}

export function textOfRich(value) {
  return ((value && value.elements) || [])
    .flatMap((part) => part.elements || [])
    .map((el) => el.text || "")
    .join("");
}

/** Why Slack's client would not submit this value, or null. */
export function clientError(block, element, wire) {
  const value = wire[valueKey(element)];
  const empty =
    value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
  if (empty) return block.optional ? null : "Please complete this required field.";
  if (typeof value === "string") {
    if (element.min_length && value.length < element.min_length)
      return `Please enter at least ${element.min_length} characters.`;
    if (element.max_length && value.length > element.max_length)
      return `Please enter no more than ${element.max_length} characters.`;
  }
  if (element.type === "email_text_input" && !/^\S+@\S+\.\S+$/.test(value))
    return "Please enter a valid e-mail address.";
  if (element.type === "url_text_input" && !/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(value))
    return "Please enter a valid link, with https://.";
  if (element.type === "number_input") return numberError(element, value);
  if (Array.isArray(value) && element.max_selected_items && value.length > element.max_selected_items) {
    return `Please choose no more than ${element.max_selected_items}.`;
  }
  return null;
}

function numberError(element, value) {
  const number = Number(value);
  if (value.trim() === "" || Number.isNaN(number)) return "Please enter a number.";
  if (!element.is_decimal_allowed && !Number.isInteger(number)) return "Please enter a whole number.";
  if (element.min_value !== undefined && number < Number(element.min_value))
    return `Please enter ${element.min_value} or more.`;
  if (element.max_value !== undefined && number > Number(element.max_value))
    return `Please enter ${element.max_value} or less.`;
  return null;
}
