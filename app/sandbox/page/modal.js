// Modals: the stack of views the app has open for this person. The top one is shown.
import { post } from "./api.js";
import { blockIdOf, elementsOf, renderBlocks } from "./blocks.js";
import { announce, fill, h, icon, rememberFocus, restoreFocus, uid } from "./dom.js";
import { textObject } from "./mrkdwn.js";
import { busy, clearToasts, inlineWarning, toast, trapTab } from "./overlay.js";
import { store } from "./store.js";
import { clientError, initialValue, isStateful } from "./values.js";

const entries = new Map(); // view id -> {values, errors, banner, print, view}
const closed = new Set(); // ids closed here, until the server's state agrees
let shown = null; // {id, node, body, ...}
let opener = null;

const keyOf = (blockId, element) => `${blockId} ${element.action_id}`;

/** Brings the modal on screen in line with the views open at the server (bottom to top). */
export function syncViews(views) {
  const open = (views || []).filter((view) => view.type !== "home" && !closed.has(view.id));
  const ids = new Set((views || []).map((view) => view.id));
  for (const id of [...entries.keys()]) if (!ids.has(id)) entries.delete(id);
  for (const id of [...closed]) if (!ids.has(id)) closed.delete(id);
  const top = open[open.length - 1];
  if (!top) return hide();
  const entry = entries.get(top.id) || { values: new Map(), errors: {}, banner: "" };
  const { state: _typed, ...look } = top;
  const print = JSON.stringify(look);
  const same = shown && shown.id === top.id && entry.print === print;
  Object.assign(entry, { view: top, print, deep: open.length > 1 });
  entries.set(top.id, entry);
  if (!same) show(entry);
}

export const modalOpen = () => shown !== null;

function hide() {
  if (!shown) return;
  shown.layer.remove();
  shown = null;
  document.getElementById("app").removeAttribute("inert");
  const app = document.getElementById("app");
  if (opener && opener.el.isConnected) opener.el.focus({ preventScroll: true });
  else if (opener) restoreFocus(app, opener, document.getElementById("main"));
  opener = null;
}

function show(entry) {
  const app = document.getElementById("app");
  if (!shown) opener = rememberFocus(app) || { el: document.getElementById("main") };
  if (shown && shown.id === entry.view.id) {
    const memo = rememberFocus(shown.dialog);
    const top = shown.body.scrollTop;
    paint(entry);
    shown.body.scrollTop = top;
    restoreFocus(shown.dialog, memo, shown.dialog);
    return;
  }
  if (shown) shown.layer.remove();
  clearToasts();
  const title = uid("modal");
  const dialog = h("form", {
    class: "modal",
    role: "dialog",
    "aria-modal": "true",
    "aria-labelledby": title,
    tabindex: "-1",
    testid: "modal",
    novalidate: true,
    "data-view-id": entry.view.id,
  });
  const layer = h("div", { class: "layer" }, dialog);
  shown = { id: entry.view.id, dialog, layer, title };
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(entry);
  });
  layer.addEventListener("keydown", (event) => modalKeys(event, entry, dialog));
  document.getElementById("overlays").prepend(layer);
  app.setAttribute("inert", "");
  paint(entry);
  const first = shown.body.querySelector("textarea, input, select, button");
  (first || dialog).focus();
}

function modalKeys(event, entry, dialog) {
  if (event.key === "Escape") {
    event.preventDefault();
    close(entry);
  } else if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
    event.preventDefault();
    submit(entry);
  } else if (event.key === "Enter" && event.target.matches('input[type="checkbox"], input[type="radio"]')) {
    event.preventDefault();
  } else trapTab(dialog, event);
}

function paint(entry) {
  const { view } = entry;
  const submitLabel = view.submit || null;
  const body = h("div", { class: "modal-body" }, renderBlocks(view.blocks, hostFor(entry)));
  const banner = entry.banner
    ? h(
        "div",
        { class: "banner error", role: "alert", testid: "modal-error" },
        icon("warn", 18),
        h("span", { dir: "auto" }, entry.banner),
      )
    : null;
  fill(
    shown.dialog,
    h(
      "header",
      { class: "modal-head" },
      h("span", { class: "app-mark", "aria-hidden": "true" }, icon("check", 16)),
      h("h2", { id: shown.title, dir: "auto" }, textObject(view.title)),
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-label": "Close",
          testid: "modal-close",
          onclick: () => close(entry, true),
        },
        icon("close"),
      ),
    ),
    banner,
    body,
    h(
      "footer",
      { class: "modal-foot" },
      h(
        "button",
        { class: "button", type: "button", testid: "modal-cancel", onclick: () => close(entry) },
        textObject(view.close || { text: entry.deep ? "Back" : submitLabel ? "Cancel" : "Close" }),
      ),
      submitLabel
        ? h(
            "button",
            { class: "button primary", type: "submit", testid: "modal-submit" },
            h("span", { class: "button-label" }, textObject(submitLabel)),
          )
        : null,
    ),
  );
  shown.body = body;
}

function current(entry, blockId, element) {
  const typed = entry.values.get(keyOf(blockId, element));
  if (typed) return typed;
  const values = (entry.view.state && entry.view.state.values) || {};
  const known = values[blockId] && values[blockId][element.action_id];
  return known && known.type === element.type ? known : initialValue(element);
}

function hostFor(entry) {
  return {
    value: (blockId, element) => (isStateful(element) ? current(entry, blockId, element) : null),
    change: (blockId, element, wire) => {
      entry.values.set(keyOf(blockId, element), wire);
      clearError(entry, blockId);
    },
    error: (blockId) => entry.errors[blockId] || null,
    act: (action, control, blockId) =>
      busy(control, async () => {
        const answer = await post("/page/action", {
          as: store.as,
          view_id: entry.view.id,
          block_id: blockId,
          action,
          state: stateOf(entry),
        });
        if (!answer.ok) {
          toast(answer.error || "That did not work.");
          inlineWarning(control, answer.error || "That did not work.");
        }
        await store.refresh();
      }),
  };
}

function clearError(entry, blockId) {
  if (!entry.errors[blockId]) return;
  delete entry.errors[blockId];
  const block = shown && shown.body.querySelector(`[data-block-id="${CSS.escape(blockId)}"]`);
  if (!block) return;
  block.classList.remove("has-error");
  const slot = block.querySelector(".field-error");
  slot.replaceChildren();
  slot.removeAttribute("data-testid");
  block.querySelectorAll("[aria-invalid]").forEach((el) => el.removeAttribute("aria-invalid"));
}

function eachElement(view, visit) {
  view.blocks.forEach((block, index) =>
    elementsOf(block)
      .filter(isStateful)
      .forEach((element) => visit(block, blockIdOf(block, index), element)),
  );
}

/** view.state.values as Slack sends it: {block_id: {action_id: {type, value | selected_…}}}. */
function stateOf(entry) {
  const state = {};
  eachElement(entry.view, (_block, blockId, element) => {
    state[blockId] = { ...state[blockId], [element.action_id]: current(entry, blockId, element) };
  });
  return state;
}

function checkHere(entry) {
  const errors = {};
  eachElement(entry.view, (block, blockId, element) => {
    const error = block.type === "input" && clientError(block, element, current(entry, blockId, element));
    if (error) errors[blockId] = error;
  });
  return errors;
}

async function submit(entry) {
  const button = shown && shown.dialog.querySelector('[data-testid="modal-submit"]');
  if (!button) return;
  const errors = checkHere(entry);
  if (Object.keys(errors).length) return showErrors(entry, errors, "");
  await busy(button, async () => {
    const answer = await post("/page/view/submit", {
      as: store.as,
      view_id: entry.view.id,
      state: stateOf(entry),
    });
    if (answer.errors && Object.keys(answer.errors).length)
      return showErrors(entry, answer.errors, answer.error || "");
    if (!answer.ok)
      return showErrors(entry, {}, answer.error || "We had some trouble connecting. Try again?");
    entry.banner = "";
    entry.errors = {};
    entry.print = "";
    return store.refresh();
  });
}

function showErrors(entry, errors, banner) {
  entry.errors = { ...errors };
  entry.banner = banner;
  if (!shown || shown.id !== entry.view.id) return;
  const blocks = new Set(entry.view.blocks.map(blockIdOf));
  const stray = Object.entries(errors)
    .filter(([id]) => !blocks.has(id))
    .map(([, text]) => text);
  if (stray.length && !banner) entry.banner = stray.join(" ");
  const top = shown.body.scrollTop;
  paint(entry);
  shown.body.scrollTop = top;
  const bad = shown.body.querySelector(".has-error");
  if (bad) {
    (bad.querySelector("textarea, input, select") || shown.dialog).focus();
    bad.scrollIntoView({ block: "nearest" });
    announce(Object.values(errors).join(" "));
  } else shown.dialog.focus();
}

/** Cancel and Escape close the top view; the cross (`all`) closes the whole stack. */
function close(entry, all = false) {
  const open = store.state.views || [];
  for (const view of open) if (all || view.id === entry.view.id) closed.add(view.id);
  const rest = open.filter((view) => !closed.has(view.id));
  post("/page/view/close", { as: store.as, view_id: entry.view.id, all }).then((answer) => {
    if (!answer.ok && answer.error) toast(answer.error);
    store.refresh();
  });
  store.state.views = rest;
  const top = rest.filter((view) => view.type !== "home" && !closed.has(view.id)).pop();
  if (top && entries.has(top.id)) show(Object.assign(entries.get(top.id), { deep: false }));
  else if (!top) hide();
}
