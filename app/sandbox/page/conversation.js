// The main column when a channel or the app is open, and the thread panel beside it.
import { get, post } from "./api.js";
import { Composer } from "./composer.js";
import { fill, h, icon } from "./dom.js";
import { drawHome } from "./home.js";
import { MessageList } from "./list.js";
import { toast } from "./overlay.js";
import { dmName, openDrawer } from "./sidebar.js";
import { go, isDm, store } from "./store.js";

let room = null; // {key, channel, list, body}
let thread = null; // {key, list, composer}
let seen = ""; // the last read mark sent: "channel unread"
let revealed = "";

export const drawerButton = () =>
  h(
    "button",
    { class: "icon-button drawer-open", type: "button", "aria-label": "Open the menu", onclick: openDrawer },
    icon("menu"),
  );

const openThread = (ts) => go({ thread: ts });

function tabs(channel, tab) {
  const one = (id, label, testid) =>
    h(
      "button",
      {
        class: "tab",
        type: "button",
        role: "tab",
        testid,
        "aria-selected": String(tab === id),
        tabindex: tab === id ? null : "-1",
        onclick: () => go({ tab: id, thread: "" }),
        onkeydown: (event) => {
          if (event.key.startsWith("Arrow")) {
            const other = event.target.nextElementSibling || event.target.previousElementSibling;
            other.focus();
            other.click();
          }
        },
      },
      label,
    );
  return h(
    "div",
    { class: "tabs", role: "tablist", "aria-label": channel.name },
    one("home", "Home", "home-tab"),
    one("messages", "Messages", "messages-tab"),
  );
}

function head(channel, tab) {
  const title = isDm(channel)
    ? [
        h("span", { class: "avatar small bot", "aria-hidden": "true" }, icon("check", 16)),
        h("h1", { dir: "auto" }, dmName(channel)),
        h("span", { class: "badge-app" }, "APP"),
      ]
    : [
        icon("hash", 20),
        h("h1", { dir: "auto" }, channel.name),
        h("p", { class: "topic", dir: "auto", title: channel.topic || "" }, channel.topic || ""),
      ];
  return h(
    "header",
    { class: "main-head" },
    h("div", { class: "head-row" }, drawerButton(), title),
    isDm(channel) ? tabs(channel, tab) : null,
  );
}

function intro(channel) {
  return h(
    "div",
    { class: "intro" },
    isDm(channel)
      ? [
          h("h2", {}, dmName(channel)),
          h("p", {}, "Private notices and receipts for you appear here. Only you can see this conversation."),
        ]
      : [
          h("h2", { dir: "auto" }, `#${channel.name}`),
          h("p", { dir: "auto" }, channel.topic || "This is the start of the channel."),
        ],
  );
}

function build(main, channel, tab) {
  const body = h("div", { class: "main-body" });
  fill(main, head(channel, tab), body);
  main.className = "main";
  if (tab === "home") {
    const box = h(
      "div",
      { class: "home", testid: "home-view", role: "tabpanel", "aria-label": "Home", tabindex: "0" },
      h("p", { class: "muted pad", role: "status" }, "Opening Home…"),
    );
    body.append(box);
    return { channel, tab, box };
  }
  const name = isDm(channel) ? dmName(channel) : `#${channel.name}`;
  const list = new MessageList({
    channel: channel.id,
    label: `Messages in ${name}`,
    openThread,
    intro: intro(channel),
  });
  const composer = new Composer({
    channel: channel.id,
    thread: "",
    label: `Message ${name}`,
    testid: "composer",
  });
  body.append(list.node, composer.node);
  return { channel, tab, list, composer };
}

export function leaveConversation() {
  room = null;
  closeThread();
}

function closeThread() {
  if (!thread) return;
  const had = thread.panel.contains(document.activeElement);
  thread.panel.remove();
  const { ts } = thread;
  thread = null;
  document.getElementById("app").classList.remove("with-thread");
  if (!had) return;
  const opener = document.querySelector(`.main [data-ts="${CSS.escape(ts)}"] [data-testid="thread-open"]`);
  (opener || document.getElementById("main")).focus({ preventScroll: true });
}

function buildThread(channel, ts) {
  const name = isDm(channel) ? dmName(channel) : `#${channel.name}`;
  const list = new MessageList({ channel: channel.id, label: `Thread in ${name}`, inThread: true });
  const composer = new Composer({
    channel: channel.id,
    thread: ts,
    label: "Reply…",
    testid: "thread-composer",
  });
  const close = () => go({ thread: "" });
  const panel = h(
    "aside",
    { class: "thread", testid: "thread-panel", "aria-label": `Thread in ${name}` },
    h(
      "header",
      { class: "main-head" },
      h(
        "div",
        { class: "head-row" },
        h("h2", {}, "Thread"),
        h("p", { class: "topic", dir: "auto" }, name),
        h(
          "button",
          {
            class: "icon-button thread-x",
            type: "button",
            "aria-label": "Close the thread",
            testid: "thread-close",
            onclick: close,
          },
          icon("back"),
          icon("close"),
        ),
      ),
    ),
    h("div", { class: "main-body" }, list.node, composer.node),
  );
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  document.getElementById("app").append(panel);
  document.getElementById("app").classList.add("with-thread");
  // On a phone the keyboard would cover what the thread was opened for.
  (matchMedia("(max-width: 760px)").matches ? list.scroller : composer.input).focus({ preventScroll: true });
  return { panel, list, composer, ts };
}

async function fillThread(channel, stillHere) {
  const { thread: ts } = store.place;
  if (!ts) return closeThread();
  const key = `${store.as} ${channel.id} ${ts}`;
  if (!thread || thread.key !== key) {
    closeThread();
    thread = { ...buildThread(channel, ts), key };
  }
  const mine = thread;
  const answer = await get("/page/thread", { as: store.as, channel: channel.id, ts });
  if (!stillHere() || thread !== mine) return undefined;
  mine.list.update(answer.messages);
  return undefined;
}

function markRead(channel) {
  if (!channel.unread || document.hidden) return (seen = "");
  const mark = `${store.as} ${channel.id} ${channel.unread} ${store.state.rev}`;
  if (mark === seen) return undefined;
  seen = mark;
  return post("/page/read", { as: store.as, channel: channel.id });
}

function revealTarget() {
  const { m, c } = store.place;
  const mark = `${store.as} ${c} ${m} ${store.place.thread}`;
  if (!m || mark === revealed) return;
  revealed = mark;
  const list = thread && thread.list.known.has(m) ? thread.list : room.list;
  if (!list || !list.reveal(m)) toast("That message is older than what is shown here.", "note");
}

/** Draws the conversation at the current place; stillHere() tells whether the answer is still wanted. */
export async function drawConversation(main, stillHere) {
  const channel = store.channels.get(store.place.c);
  if (!channel) return;
  const tab = isDm(channel) ? store.place.tab || "messages" : "messages";
  const key = `${store.as} ${channel.id} ${tab}`;
  const fresh = !room || room.key !== key;
  if (fresh) room = { ...build(main, channel, tab), key };
  document.title = `${isDm(channel) ? dmName(channel) : `#${channel.name}`} · Sandbox`;
  if (tab === "home") {
    closeThread();
    await drawHome(room.box, fresh, stillHere);
    return;
  }
  const mine = room;
  const answer = await get("/page/messages", { as: store.as, channel: channel.id, limit: 100 });
  if (!stillHere() || room !== mine) return;
  mine.list.update(answer.messages);
  markRead(channel);
  await fillThread(channel, stillHere);
  if (stillHere() && room) revealTarget();
}
