// Block Kit's interactive elements. Each takes (element, ctx) and answers a node.
// ctx: {blockId, label, describedBy, required, invalid, value() -> wire, change(wire), act(action, control)}.
import { h, icon, uid } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { textObject } from "./mrkdwn.js";
import { confirmDialog, menu } from "./overlay.js";
import { store } from "./store.js";
import { isPlural, richTextOf, textOfRich, valueKey, wireValue } from "./values.js";

const plain = (object) =>
  object ? (object.emoji === false ? object.text : withEmoji(object.text || "")) : "";

function hooks(el, ctx) {
  return {
    "data-action-id": el.action_id || null,
    "aria-label": ctx.label
      ? null
      : plain(el.placeholder) || (el.action_id || "").replaceAll("_", " ") || null,
    "aria-labelledby": ctx.label || null,
    "aria-describedby": ctx.describedBy || null,
    "aria-invalid": ctx.invalid ? "true" : null,
    "aria-required": ctx.required ? "true" : null,
  };
}

async function commit(el, ctx, wire, control) {
  if (el.confirm && !(await confirmDialog(el.confirm))) return false;
  ctx.change(wire);
  ctx.act({ ...wire, action_id: el.action_id }, control);
  return true;
}

function button(el, ctx) {
  const node = h(
    "button",
    {
      class: `button ${el.style === "primary" || el.style === "danger" ? el.style : ""}`,
      type: "button",
      "data-action-id": el.action_id,
      "aria-label": el.accessibility_label || null,
      onclick: async () => {
        if (node.getAttribute("aria-busy") === "true") return;
        if (el.confirm && !(await confirmDialog(el.confirm))) return;
        if (el.url && /^https?:\/\//i.test(el.url)) window.open(el.url, "_blank", "noopener,noreferrer");
        const action = { type: "button", action_id: el.action_id, text: el.text };
        if (el.value !== undefined) action.value = el.value;
        ctx.act(action, node);
      },
    },
    h("span", { class: "button-label", dir: "auto" }, plain(el.text)),
  );
  return node;
}

function overflow(el, ctx) {
  const node = h(
    "button",
    {
      class: "button square",
      type: "button",
      "data-action-id": el.action_id,
      "aria-label": "More actions",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      onclick: async () => {
        const items = (el.options || []).map((option) => ({
          value: option.value,
          label: textObject(option.text),
          detail: option.description ? textObject(option.description) : null,
          option,
        }));
        const chosen = await menu(node, items, "More actions");
        if (!chosen) return;
        if (el.confirm && !(await confirmDialog(el.confirm))) return;
        if (chosen.option.url && /^https?:\/\//i.test(chosen.option.url))
          window.open(chosen.option.url, "_blank", "noopener,noreferrer");
        ctx.act({ type: "overflow", action_id: el.action_id, selected_option: chosen.option }, node);
      },
    },
    icon("dots", 18),
  );
  return node;
}

/** [{group?, key, label, wire}] an element offers. `key` is what a <select> holds, `wire` what Slack sends. */
function choices(el) {
  if (/users_select$/.test(el.type)) {
    return [...store.users.values()]
      .filter((user) => !user.deleted)
      .map((user) => ({ key: user.id, label: user.real_name || user.name, wire: user.id }));
  }
  if (/(conversations|channels)_select$/.test(el.type)) {
    return [...store.channels.values()]
      .filter((channel) => channel.kind === "channel" || /conversations/.test(el.type))
      .map((channel) => ({ key: channel.id, label: `#${channel.name}`, wire: channel.id }));
  }
  const groups = el.option_groups || [{ options: el.options || [] }];
  return groups.flatMap((group) =>
    (group.options || []).map((option) => ({
      group: group.label ? plain(group.label) : null,
      key: option.value,
      label: plain(option.text),
      detail: option.description ? plain(option.description) : null,
      wire: option,
    })),
  );
}

const keyOf = (wire) => (wire && typeof wire === "object" ? wire.value : wire);

function optionNodes(rows) {
  const out = [];
  let group = null;
  for (const row of rows) {
    const node = h("option", { value: row.key }, row.detail ? `${row.label} — ${row.detail}` : row.label);
    if (!row.group) {
      out.push(node);
      continue;
    }
    if (!group || group.label !== row.group) {
      group = h("optgroup", { label: row.group });
      out.push(group);
    }
    group.append(node);
  }
  return out;
}

function select(el, ctx) {
  const rows = choices(el);
  const current = () => keyOf(ctx.value()[valueKey(el)]) || "";
  const none =
    el.type === "external_select"
      ? "Nothing to choose from here"
      : plain(el.placeholder) || "Choose an option";
  const node = h(
    "select",
    { class: "input select", ...hooks(el, ctx) },
    h("option", { value: "" }, none),
    optionNodes(rows),
  );
  node.value = current();
  node.addEventListener("change", async () => {
    const row = rows.find((item) => item.key === node.value);
    const done = await commit(el, ctx, wireValue(el, row ? row.wire : null), node);
    if (!done) node.value = current();
  });
  return node;
}

function multiSelect(el, ctx) {
  const rows = choices(el);
  const key = valueKey(el);
  const chips = h("div", { class: "chips" });
  const adder = h("select", { class: "input select", ...hooks(el, ctx) });
  const keys = () => (ctx.value()[key] || []).map(keyOf);
  const set = async (wires) => {
    await commit(el, ctx, wireValue(el, wires), adder);
    draw();
  };
  const chip = (row) =>
    h(
      "span",
      { class: "chip" },
      h("span", { dir: "auto" }, row.label),
      h(
        "button",
        {
          class: "icon-button small",
          type: "button",
          "aria-label": `Remove ${row.label}`,
          onclick: () => {
            set(
              rows
                .filter((item) => keys().includes(item.key) && item.key !== row.key)
                .map((item) => item.wire),
            );
            adder.focus();
          },
        },
        icon("close", 14),
      ),
    );
  const draw = () => {
    const chosen = keys();
    const full = el.max_selected_items && chosen.length >= el.max_selected_items;
    chips.replaceChildren(...rows.filter((row) => chosen.includes(row.key)).map(chip));
    adder.replaceChildren(
      h("option", { value: "" }, full ? `At most ${el.max_selected_items}` : plain(el.placeholder) || "Add…"),
      ...(full ? [] : optionNodes(rows.filter((row) => !chosen.includes(row.key)))),
    );
    adder.value = "";
  };
  adder.addEventListener("change", () => {
    const chosen = [...keys(), adder.value];
    set(rows.filter((row) => chosen.includes(row.key)).map((row) => row.wire));
  });
  draw();
  return h("div", { class: "multi" }, chips, adder);
}

function choiceList(el, ctx) {
  const many = el.type === "checkboxes";
  const name = uid("choice");
  const key = valueKey(el);
  const chosen = () => (many ? ctx.value()[key] || [] : [ctx.value()[key]]).map(keyOf);
  const inputs = (el.options || []).map((option) =>
    h("input", {
      type: many ? "checkbox" : "radio",
      name,
      value: option.value,
      "data-action-id": el.action_id,
      "data-option": option.value,
      "aria-describedby": ctx.describedBy || null,
    }),
  );
  const sync = () =>
    inputs.forEach((input) => {
      input.checked = chosen().includes(input.value);
    });
  const changed = async (event) => {
    const picked = (el.options || []).filter((_, at) => inputs[at].checked);
    await commit(el, ctx, wireValue(el, many ? picked : picked[0] || null), event.target);
    sync();
  };
  inputs.forEach((input) => input.addEventListener("change", changed));
  sync();
  const rows = (el.options || []).map((option, at) =>
    h(
      "label",
      { class: "choice" },
      inputs[at],
      h(
        "span",
        {},
        h("span", { dir: "auto" }, textObject(option.text)),
        option.description ? h("small", { dir: "auto" }, textObject(option.description)) : null,
      ),
    ),
  );
  return h(
    "div",
    {
      class: "choices",
      role: many ? "group" : "radiogroup",
      "aria-labelledby": ctx.label || null,
      "aria-invalid": ctx.invalid ? "true" : null,
    },
    rows,
  );
}

function counter(node, el) {
  const note = h("small", { class: "counter", "aria-hidden": "true" });
  const draw = () => {
    const left = el.max_length - node.value.length;
    note.textContent =
      node.value.length > el.max_length * 0.5 || el.max_length <= 300
        ? `${node.value.length} / ${el.max_length}`
        : "";
    note.classList.toggle("over", left < 0);
  };
  node.addEventListener("input", draw);
  draw();
  return note;
}

function grow(node) {
  const fit = () => {
    node.style.height = "auto";
    node.style.height = `${Math.min(node.scrollHeight + 2, Math.max(160, innerHeight * 0.5))}px`;
  };
  node.addEventListener("input", fit);
  requestAnimationFrame(fit);
}

const INPUT_TYPES = {
  email_text_input: "email",
  url_text_input: "url",
  number_input: "text",
  datepicker: "date",
  timepicker: "time",
  datetimepicker: "datetime-local",
};

function textInput(el, ctx) {
  const rich = el.type === "rich_text_input";
  const tall = el.multiline || rich;
  const read = () => (rich ? textOfRich(ctx.value().rich_text_value) : ctx.value().value) || "";
  const node = h(tall ? "textarea" : "input", {
    class: "input",
    dir: "auto",
    placeholder: plain(el.placeholder) || null,
    ...hooks(el, ctx),
    type: tall ? null : INPUT_TYPES[el.type] || "text",
    inputmode: el.type === "number_input" ? "decimal" : null,
    rows: tall ? 5 : null,
    autocomplete: "off",
    spellcheck: "true",
  });
  node.value = read();
  const trigger = (el.dispatch_action_config || {}).trigger_actions_on || ["on_enter_pressed"];
  const wire = () => wireValue(el, rich ? richTextOf(node.value) : node.value === "" ? null : node.value);
  node.addEventListener("input", () => {
    ctx.change(wire());
    if (trigger.includes("on_character_entered")) ctx.act({ ...wire(), action_id: el.action_id }, node);
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !tall && !event.isComposing && trigger.includes("on_enter_pressed"))
      ctx.act({ ...wire(), action_id: el.action_id }, node);
  });
  if (tall) grow(node);
  return el.max_length ? h("div", { class: "counted" }, node, counter(node, el)) : node;
}

const pad = (number) => String(number).padStart(2, "0");

function localStamp(seconds) {
  const at = new Date(seconds * 1000);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

function dateInput(el, ctx) {
  const whole = el.type === "datetimepicker";
  const node = h("input", { class: "input date", type: INPUT_TYPES[el.type], ...hooks(el, ctx) });
  const stored = ctx.value()[valueKey(el)];
  node.value = stored ? (whole ? localStamp(stored) : stored) : "";
  node.addEventListener("change", () => {
    const value =
      node.value === "" ? null : whole ? Math.floor(new Date(node.value).getTime() / 1000) : node.value;
    commit(el, ctx, wireValue(el, value), node);
  });
  return node;
}

const image = (el) =>
  h(
    "div",
    { class: "thumb", role: "img", "aria-label": el.alt_text || "image", title: el.alt_text || "" },
    icon("image", 22),
  );
const unsupported = (el) => h("em", { class: "muted" }, `(${el.type} cannot be used in the sandbox)`);

const WIDGETS = {
  button,
  workflow_button: button,
  overflow,
  image,
  checkboxes: choiceList,
  radio_buttons: choiceList,
  datepicker: dateInput,
  timepicker: dateInput,
  datetimepicker: dateInput,
  plain_text_input: textInput,
  email_text_input: textInput,
  url_text_input: textInput,
  number_input: textInput,
  rich_text_input: textInput,
};

export function widget(el, ctx) {
  if (Object.hasOwn(WIDGETS, el.type)) return WIDGETS[el.type](el, ctx);
  if (/_select$/.test(el.type)) return isPlural(el) ? multiSelect(el, ctx) : select(el, ctx);
  return unsupported(el);
}
