// Slack's mrkdwn -> DOM nodes. Input is data: the result holds only elements made here, with text nodes.
import { h } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";
import { amInGroup, channelName, go, groupHandle, personName, store } from "./store.js";
import { slackDate } from "./times.js";

const decode = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const MARKS = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;
export const PERMALINK = /^\/archives\/([A-Z0-9]+)\/p(\d{10})(\d{6})$/;

/** A text composition object ({type, text, verbatim, emoji}) -> array of nodes. */
export function textObject(object) {
  if (!object || typeof object.text !== "string") return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text, { verbatim: Boolean(object.verbatim) });
  return [object.emoji ? withEmoji(object.text) : object.text];
}

export function mrkdwn(text, options = {}) {
  const out = [];
  const parts = text.split("```");
  // An odd number of fences leaves the last one as plain text.
  const fences = parts.length % 2 === 1 ? parts.length : parts.length - 1;
  for (let i = 0; i < parts.length; i += 1) {
    const lone = i >= fences;
    if (i % 2 === 1 && !lone) {
      out.push(h("pre", { class: "pre", dir: "auto" }, decode(parts[i].replace(/^\n|\n$/g, ""))));
    } else {
      let piece = lone ? `\`\`\`${parts[i]}` : parts[i];
      if (i > 0 && !lone) piece = piece.replace(/^\n/, "");
      if (piece !== "") lines(piece, options, out);
    }
  }
  return out;
}

function lines(text, options, out) {
  const rows = text.split("\n");
  let plain = [];
  let quote = [];
  const flushPlain = () => {
    if (plain.length) out.push(...inline(plain.join("\n"), options, ""));
    plain = [];
  };
  const flushQuote = () => {
    if (quote.length)
      out.push(h("blockquote", { class: "quote", dir: "auto" }, inline(quote.join("\n"), options, "")));
    quote = [];
  };
  for (let i = 0; i < rows.length; i += 1) {
    const all = /^(?:&gt;|>){3}/.exec(rows[i]);
    const one = /^(?:&gt;|>) ?/.exec(rows[i]);
    if (all) {
      flushPlain();
      quote.push(rows[i].slice(all[0].length).replace(/^ /, ""), ...rows.slice(i + 1));
      break;
    }
    if (one) {
      flushPlain();
      quote.push(rows[i].slice(one[0].length));
    } else {
      flushQuote();
      plain.push(rows[i]);
    }
  }
  flushQuote();
  flushPlain();
}

/** `open` holds the marks already open, so nesting is at most three deep. */
function inline(text, options, open) {
  const out = [];
  let start = 0;
  let i = 0;
  const put = (node, next) => {
    if (start < i) out.push(decode(text.slice(start, i)));
    out.push(node);
    i = next;
    start = next;
  };
  while (i < text.length) {
    const hit = special(text, i, options, open);
    if (hit) put(hit.node, hit.end);
    else i += 1;
  }
  if (start < text.length) out.push(decode(text.slice(start)));
  return out;
}

function special(text, i, options, open) {
  const char = text[i];
  if (char === "`") return codeAt(text, i);
  if (char === "<") return angleAt(text, i);
  if (char === ":") return emojiAt(text, i);
  if (char === "h" && !options.verbatim) return urlAt(text, i);
  if (char in MARKS && !open.includes(char)) {
    const end = markEnd(text, i, char);
    if (end === -1) return null;
    return { node: h(MARKS[char], {}, inline(text.slice(i + 1, end), options, open + char)), end: end + 1 };
  }
  return null;
}

function markEnd(text, i, char) {
  const before = text[i - 1];
  if (before !== undefined && (WORD.test(before) || before === char)) return -1;
  if (text[i + 1] === undefined || /\s/.test(text[i + 1]) || text[i + 1] === char) return -1;
  for (let end = i + 2; end < text.length && text[end] !== "\n"; end += 1) {
    if (text[end] !== char || /\s/.test(text[end - 1])) continue;
    const after = text[end + 1];
    if (after === undefined || !(WORD.test(after) || after === char)) return end;
  }
  return -1;
}

function codeAt(text, i) {
  const end = text.indexOf("`", i + 1);
  if (end <= i + 1 || text.slice(i, end).includes("\n")) return null;
  return { node: h("code", { class: "code" }, decode(text.slice(i + 1, end))), end: end + 1 };
}

function emojiAt(text, i) {
  const match = /^:([a-z0-9_+'-]+(?:::skin-tone-\d)?):/.exec(text.slice(i, i + 60));
  const char = match && emoji(match[1]);
  return char
    ? {
        node: h("span", { class: "emoji", role: "img", "aria-label": match[1] }, char),
        end: i + match[0].length,
      }
    : null;
}

function urlAt(text, i) {
  if (i > 0 && WORD.test(text[i - 1])) return null;
  const match = /^https?:\/\/[^\s<>"`|]+/.exec(text.slice(i, i + 2000));
  if (!match) return null;
  const url = match[0].replace(/(?:&gt;.*|[.,;:!?)*_~'\]]+)$/, "");
  return { node: link(decode(url), decode(url)), end: i + url.length };
}

function angleAt(text, i) {
  const end = text.indexOf(">", i);
  if (end <= i + 1) return null;
  const body = text.slice(i + 1, end);
  if (body.includes("\n") || body.includes("<")) return null;
  const bar = body.indexOf("|");
  const target = bar === -1 ? body : body.slice(0, bar);
  const label = bar === -1 ? "" : decode(body.slice(bar + 1));
  const node = angle(target, label);
  return node ? { node, end: end + 1 } : null;
}

function angle(target, label) {
  if (/^@[UW]\w+$/.test(target)) return userMention(target.slice(1));
  if (/^#[CGD]\w+$/.test(target)) return channelMention(target.slice(1), label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice(9), label);
  if (/^!(channel|here|everyone)$/.test(target))
    return h("span", { class: "mention me" }, `@${target.slice(1)}`);
  if (target.startsWith("!date^")) return dateToken(target.slice(6), label);
  if (target.startsWith("!")) return document.createTextNode(label || `<${target}>`);
  return link(decode(target), label || decode(target));
}

function dateToken(body, fallback) {
  const [seconds, format = "", url] = body.split("^");
  const words = slackDate(seconds, decode(format)) || fallback;
  return url ? link(decode(url), words) : h("time", { title: fallback }, words);
}

export function userMention(id) {
  return h(
    "span",
    { class: id === store.as ? "mention me" : "mention", title: (store.users.get(id) || {}).title || "" },
    `@${personName(id)}`,
  );
}

export function groupMention(id, label = "") {
  const handle = groupHandle(id);
  const text = handle === id && label ? label.replace(/^@/, "") : handle;
  return h("span", { class: amInGroup(id) ? "mention me" : "mention" }, `@${text}`);
}

export function channelMention(id, label = "") {
  const name = store.channels.has(id) ? channelName(id) : label || id;
  if (!store.channels.has(id)) return h("span", { class: "mention" }, `#${name}`);
  return h(
    "button",
    { class: "mention as-link", type: "button", onclick: () => go({ c: id, pane: "", thread: "", tab: "" }) },
    `#${name}`,
  );
}

/** A link to http(s), mailto or tel; any other scheme is shown as text. Workspace permalinks open in place. */
export function link(url, label) {
  let parsed;
  try {
    parsed = new URL(url, location.origin);
  } catch {
    return document.createTextNode(label);
  }
  if (!["http:", "https:", "mailto:", "tel:"].includes(parsed.protocol))
    return document.createTextNode(label);
  const here = PERMALINK.exec(parsed.pathname);
  const props = {
    class: "link",
    href: parsed.href,
    title: url,
    target: "_blank",
    rel: "noopener noreferrer",
  };
  if (here) {
    const place = permalinkPlace(here, parsed.searchParams);
    props.onclick = (event) => {
      if (!store.channels.has(place.c) || event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      go(place);
    };
  }
  return h("a", props, label);
}

export function permalinkPlace([, channel, seconds, micros], params) {
  const ts = `${seconds}.${micros}`;
  const thread = params.get("thread_ts") || "";
  return { c: channel, pane: "", tab: "", thread: thread && thread !== ts ? thread : "", m: ts };
}
