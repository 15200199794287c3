// One message as a node.
import { post } from "./api.js";
import { INERT, renderBlocks } from "./blocks.js";
import { h, icon } from "./dom.js";
import { emoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";
import { busy, inlineWarning, toast } from "./overlay.js";
import { amInGroup, personName, store } from "./store.js";
import { ago, fullTime, timeOf } from "./times.js";

const typed = new Map(); // values chosen in message elements, kept while the page lives

export function initials(name) {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  return ((words[0] || "?")[0] + (words.length > 1 ? words[words.length - 1][0] : "")).toUpperCase();
}

export function avatar(user, name, size = "") {
  const bot = user && user.is_bot;
  const node = h(
    "span",
    { class: `avatar ${size}${bot ? " bot" : ""}`, "aria-hidden": "true" },
    bot ? icon("check", size === "tiny" ? 12 : 20) : (user && user.initials) || initials(name),
  );
  if (!bot && user && /^#?[0-9a-f]{6}$/i.test(user.color || ""))
    node.style.backgroundColor = `#${user.color.replace("#", "")}`;
  return node;
}

export function authorOf(message) {
  const user = store.users.get(message.user) || null;
  const name =
    (message.bot && message.username) ||
    (user ? user.real_name || user.name : message.username || message.user || "Unknown");
  return { user: user || (message.bot ? { is_bot: true } : null), name };
}

function pinged(message) {
  return (message.pings || []).some(
    (id) =>
      id === store.as ||
      amInGroup(id) ||
      ["channel", "here", "everyone"].includes(String(id).replace(/^[!@]/, "")),
  );
}

function hostFor(message, channel) {
  const key = (blockId, el) => `${channel} ${message.ts} ${blockId} ${el.action_id}`;
  return {
    value: (blockId, el) => typed.get(key(blockId, el)) || null,
    change: (blockId, el, wire) => typed.set(key(blockId, el), wire),
    error: () => null,
    act: (action, control, blockId) =>
      busy(control, async () => {
        const answer = await post("/page/action", {
          as: store.as,
          channel,
          message_ts: message.ts,
          ephemeral: Boolean(message.ephemeral),
          block_id: blockId,
          action,
        });
        await store.refresh();
        if (!answer.ok) {
          const text = answer.error || "That did not work. Try again.";
          toast(text);
          inlineWarning(liveControl(control, message, blockId, action), text);
        }
      }),
  };
}

/** The control as it is on screen now: a refresh may have drawn the message anew meanwhile. */
function liveControl(control, message, blockId, action) {
  if (control.isConnected) return control;
  const path = `[data-ts="${CSS.escape(message.ts)}"] [data-block-id="${CSS.escape(blockId)}"] [data-action-id="${CSS.escape(action.action_id)}"]`;
  return document.querySelector(path) || control;
}

function attachment(item, host) {
  const node = h(
    "div",
    { class: "attachment" },
    item.pretext ? h("div", { class: "text", dir: "auto" }, mrkdwn(item.pretext)) : null,
    item.title ? h("div", { class: "attachment-title", dir: "auto" }, mrkdwn(item.title)) : null,
    item.blocks ? renderBlocks(item.blocks, host) : null,
    item.blocks || !(item.text || item.fallback)
      ? null
      : h("div", { class: "text", dir: "auto" }, mrkdwn(item.text || item.fallback)),
    item.fields
      ? h(
          "div",
          { class: "fields" },
          item.fields.map((field) =>
            h(
              "div",
              { class: "field text", dir: "auto" },
              h("strong", {}, field.title),
              h("br"),
              mrkdwn(String(field.value)),
            ),
          ),
        )
      : null,
    item.footer ? h("div", { class: "context" }, item.footer) : null,
  );
  const named = { good: "#2e8b62", warning: "#c78a16", danger: "#c0303f" };
  const color =
    named[item.color] || (/^#?[0-9a-f]{6}$/i.test(item.color || "") ? `#${item.color.replace("#", "")}` : "");
  if (color) node.style.borderInlineStartColor = color;
  return node;
}

function fileCard(file) {
  return h(
    "div",
    { class: "file-card" },
    icon("file", 22),
    h(
      "div",
      {},
      h("strong", { dir: "auto" }, file.title || file.name || "File"),
      h("small", {}, file.alt_txt || file.alt_text || file.name || file.filetype || ""),
    ),
  );
}

/** Reactions are {emoji name: [user ids]}. */
function reactionRow(reactions) {
  const rows = Object.entries(reactions || {}).map(([name, users]) =>
    h(
      "span",
      { class: "reaction", title: users.map(personName).join(", ") },
      emoji(name) || `:${name}:`,
      ` ${users.length}`,
    ),
  );
  return rows.length ? h("div", { class: "reactions" }, rows) : null;
}

function content(message, channel) {
  if (message.deleted) return h("div", { class: "muted tombstone" }, "This message was deleted.");
  const host = channel ? hostFor(message, channel) : INERT;
  const out = [];
  if (message.blocks && message.blocks.length) out.push(renderBlocks(message.blocks, host));
  else if (message.text) out.push(h("div", { class: "text", dir: "auto" }, mrkdwn(message.text)));
  for (const item of message.attachments || []) out.push(attachment(item, host));
  for (const file of message.files || []) out.push(fileCard(file));
  return out;
}

const lastReply = (seconds) => ` · last reply ${ago(seconds)}`;

/** Brings the "… minutes ago" of thread bars up to date. */
export function tickAgo() {
  for (const node of document.querySelectorAll("[data-ago]")) {
    const text = lastReply(Number(node.dataset.ago));
    if (node.textContent !== text) node.textContent = text;
  }
}

function threadBar(message, openThread) {
  const count = message.reply_count;
  const faces = (message.reply_users || [])
    .slice(0, 4)
    .map((id) => avatar(store.users.get(id) || null, personName(id), "tiny"));
  const last = Number(message.latest_reply || 0);
  return h(
    "button",
    { class: "thread-bar", type: "button", testid: "thread-open", onclick: () => openThread(message.ts) },
    h("span", { class: "faces" }, faces),
    h("strong", {}, `${count} ${count === 1 ? "reply" : "replies"}`),
    last ? h("span", { class: "muted", title: fullTime(last), "data-ago": last }, lastReply(last)) : null,
    icon("right", 16),
  );
}

/** opts: {channel, compact, inThread, openThread(ts)}. */
export function messageNode(message, opts) {
  const { user, name } = authorOf(message);
  const seconds = Number(message.ts);
  const hasReplies = message.reply_count > 0 && !opts.inThread;
  const head = h(
    "div",
    { class: "message-head" },
    h("strong", { class: "author", dir: "auto" }, name),
    message.bot || (user && user.is_bot) ? h("span", { class: "badge-app" }, "APP") : null,
    h(
      "time",
      { class: "stamp", title: fullTime(seconds), datetime: new Date(seconds * 1000).toISOString() },
      timeOf(seconds),
    ),
  );
  const toolbar =
    opts.inThread || message.ephemeral || message.deleted
      ? null
      : h(
          "div",
          { class: "toolbar" },
          h(
            "button",
            {
              class: "icon-button",
              type: "button",
              testid: hasReplies ? "thread-reply" : "thread-open",
              title: "Reply in thread",
              "aria-label": `Reply in thread to ${name}`,
              onclick: () => opts.openThread(message.ts),
            },
            icon("reply", 18),
          ),
        );
  const classes = [
    "message",
    opts.compact ? "compact" : "",
    message.ephemeral ? "ephemeral" : "",
    pinged(message) ? "pinged" : "",
  ];
  return h(
    "article",
    {
      class: classes.filter(Boolean).join(" "),
      testid: message.ephemeral ? "ephemeral" : "message",
      "data-ts": message.ts,
      tabindex: "-1",
      "aria-label": `${name}, ${timeOf(seconds)}`,
    },
    h(
      "div",
      { class: "gutter" },
      opts.compact
        ? h("time", { class: "stamp side", title: fullTime(seconds) }, timeOf(seconds))
        : avatar(user, name),
    ),
    h(
      "div",
      { class: "message-main" },
      message.ephemeral ? h("div", { class: "only-you" }, icon("eye", 14), "Only visible to you") : null,
      opts.compact ? null : head,
      content(message, opts.channel),
      message.edited ? h("span", { class: "edited" }, "(edited)") : null,
      reactionRow(message.reactions),
      hasReplies ? threadBar(message, opts.openThread) : null,
    ),
    toolbar,
  );
}
