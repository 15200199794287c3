// The left column: who you are, channels, the app, and what lies behind the workspace.
import { fill, h, icon, rememberFocus, restoreFocus } from "./dom.js";
import { personSwitch } from "./people.js";
import { clockNow, go, isDm, store } from "./store.js";
import { fullTime, timeOf } from "./times.js";

export const PANES = [
  { id: "helpdesk", name: "Helpdesk", icon: "inbox", hint: "What customers really received" },
  { id: "crm", name: "CRM", icon: "table", hint: "Ticket properties as written" },
  { id: "audit", name: "Audit", icon: "shield", hint: "Who did what, when and why" },
  { id: "controls", name: "Sandbox controls", icon: "sliders", hint: "Faults and the clock" },
];

let print = "";

function channelRow(channel) {
  const here = !store.place.pane && store.place.c === channel.id;
  const classes = ["nav-row", here ? "here" : "", channel.unread ? "unread" : ""];
  const badge = channel.unread
    ? h(
        "span",
        { class: channel.mention || isDm(channel) ? "badge mention-badge" : "badge" },
        channel.unread > 99 ? "99+" : channel.unread,
        h("span", { class: "visually-hidden" }, channel.mention ? " unread, you are mentioned" : " unread"),
      )
    : null;
  return h(
    "a",
    {
      class: classes.filter(Boolean).join(" "),
      href: "#",
      testid: `channel-${channel.name}`,
      "data-channel": channel.id,
      "aria-current": here ? "page" : null,
      onclick: (event) => {
        event.preventDefault();
        closeDrawer();
        go({ c: channel.id, pane: "", thread: "", tab: "" });
      },
    },
    isDm(channel)
      ? h("span", { class: "avatar tiny bot", "aria-hidden": "true" }, icon("check", 12))
      : icon("hash", 16),
    h("span", { class: "nav-name", dir: "auto" }, dmName(channel)),
    badge,
  );
}

export function dmName(channel) {
  if (!isDm(channel)) return channel.name;
  const user = channel.user && store.users.get(channel.user);
  if (user) return user.real_name || user.name;
  return channel.name.charAt(0).toUpperCase() + channel.name.slice(1);
}

function paneRow(pane) {
  const here = store.place.pane === pane.id;
  return h(
    "a",
    {
      class: `nav-row${here ? " here" : ""}`,
      href: "#",
      testid: `pane-${pane.id}`,
      title: pane.hint,
      "aria-current": here ? "page" : null,
      onclick: (event) => {
        event.preventDefault();
        closeDrawer();
        go({ pane: pane.id, thread: "" });
      },
    },
    icon(pane.icon, 16),
    h("span", { class: "nav-name" }, pane.name),
  );
}

const section = (title, rows) => h("div", { class: "nav-section" }, h("h2", {}, title), rows);

export function drawSidebar(root) {
  const { state, place } = store;
  const next = JSON.stringify([
    store.as,
    place.c,
    place.pane,
    state.channels,
    state.users.length,
    state.team,
  ]);
  if (next === print && root.firstChild) return;
  print = next;
  const memo = rememberFocus(root);
  const scroll = root.querySelector(".nav-scroll");
  const top = scroll ? scroll.scrollTop : 0;
  const active = memo && memo.el.dataset ? memo.el.dataset.testid : null;
  const nav = h(
    "nav",
    { class: "nav-scroll", "aria-label": "Channels" },
    section("Channels", state.channels.filter((channel) => !isDm(channel)).map(channelRow)),
    section("Apps", state.channels.filter(isDm).map(channelRow)),
  );
  const behind = h(
    "nav",
    { class: "nav-fixed", "aria-label": "Behind the scenes" },
    section("Behind the scenes", PANES.map(paneRow)),
  );
  nav.addEventListener("keydown", arrowKeys);
  behind.addEventListener("keydown", arrowKeys);
  const team = typeof state.team === "string" ? state.team : (state.team && state.team.name) || "Sandbox";
  fill(
    root,
    h(
      "div",
      { class: "brand" },
      h("span", { class: "brand-mark", "aria-hidden": "true" }, icon("check", 18)),
      h("strong", { dir: "auto" }, team),
      h(
        "button",
        {
          class: "icon-button drawer-close",
          type: "button",
          "aria-label": "Close the menu",
          onclick: closeDrawer,
        },
        icon("close"),
      ),
    ),
    personSwitch(),
    nav,
    behind,
    h(
      "div",
      { class: "side-foot" },
      icon("clock", 16),
      h("span", { id: "side-clock" }),
      h("span", { id: "side-link", class: "offline", hidden: store.online }, "reconnecting…"),
    ),
  );
  nav.scrollTop = top;
  restoreFocus(root, active ? memo : null, null);
  tick();
}

function arrowKeys(event) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const rows = [...event.currentTarget.querySelectorAll("a")];
  const at = rows.indexOf(document.activeElement);
  if (at === -1) return;
  event.preventDefault();
  rows[(at + (event.key === "ArrowDown" ? 1 : -1) + rows.length) % rows.length].focus();
}

/** Keeps the small clock running. */
export function tick() {
  const clock = document.getElementById("side-clock");
  if (!clock || !store.state.clock) return;
  const now = clockNow();
  const speed = store.state.clock.speed;
  clock.textContent = timeOf(now) + (speed && speed !== 1 ? ` · ×${speed}` : "");
  clock.title = fullTime(now);
  document.getElementById("side-link").hidden = store.online;
}

export function openDrawer() {
  document.getElementById("app").classList.add("drawer");
  document.getElementById("main").setAttribute("inert", "");
  const first = document.querySelector(".sidebar .person-switch");
  if (first) first.focus();
}

export function closeDrawer() {
  const app = document.getElementById("app");
  if (!app.classList.contains("drawer")) return;
  app.classList.remove("drawer");
  document.getElementById("main").removeAttribute("inert");
  const opener = document.querySelector(".drawer-open");
  if (opener) opener.focus();
}
