// Starts the page, follows the URL and the change stream, and draws what is on screen.
import { ApiError, get, listen } from "./api.js";
import { audit } from "./audit.js";
import { controls, tickControls } from "./controls.js";
import { drawConversation, drawerButton, leaveConversation } from "./conversation.js";
import { announce, fill, h, icon } from "./dom.js";
import { tickAgo } from "./message.js";
import { syncViews } from "./modal.js";
import { PERMALINK, permalinkPlace } from "./mrkdwn.js";
import { toast } from "./overlay.js";
import { crm, helpdesk } from "./panes.js";
import { closeDrawer, drawSidebar, openDrawer, PANES, tick } from "./sidebar.js";
import { go, isDm, me, readHash, setState, store } from "./store.js";

const DRAW = { helpdesk, crm, audit, controls };
const root = document.getElementById("app");
let sidebar = null;
let main = null;
let pane = null; // {id, box}
let stop = null;
let streamOf = "";
let asked = 0;
let running = null; // the load under way: {again, done}
let lastRev = null;

function shell() {
  sidebar = h("div", { class: "sidebar" });
  main = h("main", { class: "main", id: "main", tabindex: "-1" });
  const veil = h("div", { class: "veil", onclick: closeDrawer });
  fill(root, sidebar, veil, main);
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeDrawer();
  });
}

function defaultChannel(state) {
  const kept = state.channels.find((channel) => channel.id === store.place.c);
  if (kept) return kept.id;
  const mentioned =
    state.channels.find((channel) => !isDm(channel) && channel.mention) ||
    state.channels.find((channel) => !isDm(channel) && channel.unread);
  const first =
    mentioned || state.channels.find((channel) => channel.name === "support-review") || state.channels[0];
  return first ? first.id : "";
}

async function drawPane(stillHere) {
  const { pane: id } = store.place;
  const info = PANES.find((item) => item.id === id);
  leaveConversation();
  if (!pane || pane.id !== id) {
    const box = h("div", { class: "pane-inner" });
    fill(
      main,
      h(
        "header",
        { class: "main-head" },
        h(
          "div",
          { class: "head-row" },
          drawerButton(),
          icon(info.icon, 20),
          h("h1", {}, info.name),
          h("p", { class: "topic" }, info.hint),
        ),
      ),
      h(
        "div",
        { class: "pane", testid: `panel-${id}`, tabindex: "0", role: "region", "aria-label": info.name },
        box,
      ),
    );
    main.className = "main";
    pane = { id, box };
  }
  document.title = `${info.name} · Sandbox`;
  await DRAW[id](pane.box, stillHere);
}

const FIRST_PERSON = "U01MAYA";

/** The state as this person sees it; somebody unknown (an old link, another workspace) gives way to the first person. */
async function stateFor(as) {
  try {
    return await get("/page/state", { as });
  } catch (error) {
    if (error.status !== 400 || as === FIRST_PERSON) throw error;
    return get("/page/state", { as: FIRST_PERSON });
  }
}

function lastPerson() {
  try {
    return localStorage.getItem("as");
  } catch {
    return null;
  }
}

function remember(as) {
  try {
    localStorage.setItem("as", as);
  } catch {
    // storage may be switched off; the URL keeps the person anyway
  }
}

/** A message's permalink opened in the browser becomes a place in this page. */
function fromPermalink() {
  const here = PERMALINK.exec(location.pathname);
  if (!here) return;
  const params = new URLSearchParams(location.hash.slice(1));
  for (const [key, value] of Object.entries(permalinkPlace(here, new URLSearchParams(location.search))))
    if (value) params.set(key, value);
  history.replaceState(null, "", `/#${params}`);
}

/** Loads the state and draws everything that depends on it. `mine` is stale once a later call has begun elsewhere. */
async function load() {
  const place = readHash();
  const mine = (asked += 1);
  const stillHere = () => mine === asked;
  const state = await stateFor(place.as || store.as || lastPerson() || FIRST_PERSON);
  if (!stillHere()) return;
  const before = store.as;
  setState(state);
  store.place = { ...place };
  store.place.c = defaultChannel(state);
  lastRev = state.rev;
  if (streamOf !== store.as) {
    remember(store.as);
    follow();
  }
  if (before && before !== store.as && me()) announce(`You are now ${me().real_name}.`);
  if (!place.as || place.as !== store.as || (!place.pane && place.c !== store.place.c))
    go(
      { as: store.as, thread: place.c === store.place.c ? place.thread : "", m: place.m },
      { replace: true },
    );
  drawSidebar(sidebar);
  syncViews(state.views);
  if (store.place.pane in DRAW) await drawPane(stillHere);
  else {
    pane = null;
    await drawConversation(main, stillHere);
  }
}

/** One load at a time; a change during a load causes one more. Resolves when the screen is up to date. */
function refresh() {
  if (!running) return start();
  running.again = true;
  return running.done;
}

/** Going elsewhere does not wait for a load of the old place: that one notices it is stale and stops. */
function navigate() {
  asked += 1;
  return start();
}

function start() {
  const job = { again: false, done: null };
  running = job;
  job.done = (async () => {
    try {
      do {
        job.again = false;
        await load();
      } while (job.again && running === job);
    } catch (error) {
      if (running === job) fail(error);
    } finally {
      if (running === job) running = null;
    }
  })();
  return job.done;
}

function fail(error) {
  if (!(error instanceof ApiError)) throw error;
  store.online = false;
  if (store.state) tick();
  else
    fill(
      root,
      h(
        "div",
        { class: "boot", role: "alert" },
        error.message,
        h("button", { class: "button", type: "button", onclick: () => location.reload() }, "Try again"),
      ),
    );
  if (store.state && store.place.pane) toast(error.message);
}

function follow() {
  if (stop) stop();
  streamOf = store.as;
  let timer = null;
  stop = listen(
    store.as,
    (rev) => {
      if (rev !== null && rev === lastRev) return;
      // A burst of changes is drawn once.
      if (timer === null)
        timer = setTimeout(() => {
          timer = null;
          refresh();
        }, 60);
    },
    (online) => {
      store.online = online;
      tick();
    },
  );
}

store.refresh = refresh;
fromPermalink();
shell();
window.addEventListener("hashchange", navigate);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
setInterval(() => {
  if (!store.state) return;
  tick();
  tickControls();
  tickAgo();
}, 1000);
if (matchMedia("(max-width: 760px)").matches && !location.hash) openDrawer();
refresh();
