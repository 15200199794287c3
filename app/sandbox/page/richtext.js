// rich_text blocks: every text element is literal.
import { append, h } from "./dom.js";
import { emoji } from "./emoji.js";
import { channelMention, groupMention, link, userMention } from "./mrkdwn.js";
import { slackDate } from "./times.js";

const TAGS = [
  ["code", "code"],
  ["bold", "strong"],
  ["italic", "em"],
  ["strike", "s"],
  ["underline", "u"],
];

function styled(node, style) {
  let out = node;
  for (const [name, tag] of TAGS) {
    if (style && style[name]) out = h(tag, { class: tag === "code" ? "code" : null }, out);
  }
  return out;
}

const INLINE = {
  text: (el) => document.createTextNode(el.text || ""),
  link: (el) => link(el.url || "", el.text || el.url || ""),
  emoji: (el) => h("span", { class: "emoji", role: "img", "aria-label": el.name }, emojiChar(el)),
  user: (el) => userMention(el.user_id),
  usergroup: (el) => groupMention(el.usergroup_id),
  channel: (el) => channelMention(el.channel_id),
  broadcast: (el) => h("span", { class: "mention me" }, `@${el.range}`),
  date: (el) =>
    h("time", {}, slackDate(el.timestamp, el.format || "{date_short_pretty} {time}") || el.fallback || ""),
  color: (el) => h("code", { class: "code" }, el.value || ""),
  team: (el) => h("span", { class: "mention" }, el.team_id || ""),
};

function emojiChar(el) {
  if (el.unicode && /^[0-9a-f-]+$/i.test(el.unicode)) {
    const points = el.unicode.split("-").map((part) => parseInt(part, 16));
    if (points.every((point) => point <= 0x10ffff)) return String.fromCodePoint(...points);
  }
  return emoji(el.name || "") || `:${el.name}:`;
}

function inlineAll(elements) {
  return (elements || []).map((el) =>
    Object.hasOwn(INLINE, el.type) ? styled(INLINE[el.type](el), el.style) : null,
  );
}

function list(el) {
  const node = h(el.style === "ordered" ? "ol" : "ul", {
    class: `rt-list indent-${Math.min(Number(el.indent) || 0, 8)}${el.border ? " bordered" : ""}`,
  });
  if (el.style === "ordered" && el.offset) node.setAttribute("start", Number(el.offset) + 1);
  return append(
    node,
    (el.elements || []).map((item) => h("li", { dir: "auto" }, inlineAll(item.elements))),
  );
}

const SECTIONS = {
  rich_text_section: (el) => h("div", { class: "rt-section", dir: "auto" }, inlineAll(el.elements)),
  rich_text_quote: (el) => h("blockquote", { class: "quote", dir: "auto" }, inlineAll(el.elements)),
  rich_text_preformatted: (el) => h("pre", { class: "pre", dir: "auto" }, inlineAll(el.elements)),
  rich_text_list: list,
};

export function richText(block) {
  return h(
    "div",
    { class: "rich" },
    (block.elements || []).map((el) => (Object.hasOwn(SECTIONS, el.type) ? SECTIONS[el.type](el) : null)),
  );
}
