// Things that lie above the page: toasts, dialogs, menus; and the focus rules they share.
import { append, h, icon, uid } from "./dom.js";
import { textObject } from "./mrkdwn.js";

const FOCUSABLE =
  'a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), summary, [tabindex]:not([tabindex="-1"])';

export function focusables(root) {
  return [...root.querySelectorAll(FOCUSABLE)].filter(
    (el) => el.offsetParent !== null || el === document.activeElement,
  );
}

/** Keydown handler that keeps Tab inside `root`. */
export function trapTab(root, event) {
  if (event.key !== "Tab") return;
  const items = focusables(root);
  if (!items.length) return event.preventDefault();
  const first = items[0];
  const last = items[items.length - 1];
  const active = document.activeElement;
  if (event.shiftKey && (active === first || !root.contains(active))) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && (active === last || !root.contains(active))) {
    event.preventDefault();
    first.focus();
  }
}

export function toast(text, kind = "error") {
  const box = document.getElementById("toasts");
  const node = h(
    "div",
    { class: `toast ${kind}`, role: kind === "error" ? "alert" : "status", testid: "toast" },
    icon(kind === "error" ? "warn" : "check", 18),
    h("span", { dir: "auto" }, text),
    h(
      "button",
      { class: "icon-button", type: "button", "aria-label": "Dismiss", onclick: () => node.remove() },
      icon("close", 16),
    ),
  );
  while (box.children.length > 2) box.firstChild.remove();
  box.append(node);
  setTimeout(() => node.remove(), Math.max(6000, text.length * 90));
}

/** Older notices would lie over a modal that opens now. */
export const clearToasts = () => document.getElementById("toasts").replaceChildren();

/** Slack's confirm object as a dialog; resolves to true or false. */
export function confirmDialog(confirm) {
  return new Promise((resolve) => {
    const opener = document.activeElement;
    const title = uid("confirm");
    const body = uid("confirm");
    const finish = (answer) => {
      layer.remove();
      if (opener && opener.isConnected) opener.focus();
      resolve(answer);
    };
    const yes = h(
      "button",
      {
        class: `button ${confirm.style === "danger" ? "danger" : "primary"}`,
        type: "button",
        testid: "confirm-yes",
        onclick: () => finish(true),
      },
      textObject(confirm.confirm || { text: "Yes" }),
    );
    const no = h(
      "button",
      { class: "button", type: "button", testid: "confirm-no", onclick: () => finish(false) },
      textObject(confirm.deny || { text: "Cancel" }),
    );
    const dialog = h(
      "div",
      {
        class: "dialog",
        role: "alertdialog",
        "aria-modal": "true",
        "aria-labelledby": title,
        "aria-describedby": body,
        testid: "confirm",
      },
      h("h2", { id: title, dir: "auto" }, textObject(confirm.title || { text: "Are you sure?" })),
      h("div", { id: body, class: "dialog-body text", dir: "auto" }, textObject(confirm.text)),
      h("div", { class: "dialog-foot" }, no, yes),
    );
    const layer = h("div", { class: "layer top" }, dialog);
    layer.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        finish(false);
      } else trapTab(dialog, event);
    });
    document.getElementById("overlays").append(layer);
    (confirm.style === "danger" ? no : yes).focus();
  });
}

/** A menu under `anchor`; items are {label: nodes, value}. Resolves to the item chosen, or null. */
export function menu(anchor, items, label) {
  return new Promise((resolve) => {
    const finish = (item) => {
      layer.remove();
      anchor.setAttribute("aria-expanded", "false");
      if (anchor.isConnected) anchor.focus();
      resolve(item);
    };
    const list = h(
      "div",
      { class: "menu", role: "menu", "aria-label": label },
      items.map((item) =>
        h(
          "button",
          {
            class: "menu-item",
            role: "menuitem",
            type: "button",
            tabindex: "-1",
            "data-value": item.value,
            onclick: () => finish(item),
          },
          h("span", { dir: "auto" }, item.label),
          item.detail ? h("small", { dir: "auto" }, item.detail) : null,
        ),
      ),
    );
    const layer = h(
      "div",
      {
        class: "layer clear",
        onmousedown: (event) => {
          if (event.target === layer) finish(null);
        },
      },
      list,
    );
    layer.addEventListener("keydown", (event) => menuKeys(event, list, finish));
    document.getElementById("overlays").append(layer);
    anchor.setAttribute("aria-expanded", "true");
    place(list, anchor.getBoundingClientRect());
    list.firstElementChild.focus();
  });
}

function menuKeys(event, list, finish) {
  const rows = [...list.children];
  const at = rows.indexOf(document.activeElement);
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
  if (event.key in moves) {
    event.preventDefault();
    rows[(moves[event.key] + rows.length) % rows.length].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    finish(null);
  }
}

/** Puts a fixed box near a rectangle, inside the window. */
export function place(box, rect) {
  const width = box.offsetWidth;
  const height = box.offsetHeight;
  const left = Math.max(8, Math.min(rect.left, innerWidth - width - 8));
  const below = rect.bottom + 6;
  const top = below + height < innerHeight - 8 ? below : Math.max(8, rect.top - height - 6);
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
}

/** While `work` runs, `control` is busy: announced, and deaf to further clicks. */
export async function busy(control, work) {
  if (control.getAttribute("aria-busy") === "true") return undefined;
  control.setAttribute("aria-busy", "true");
  control.classList.add("busy");
  try {
    return await work();
  } finally {
    control.removeAttribute("aria-busy");
    control.classList.remove("busy");
  }
}

/** The small warning Slack leaves beside a control whose click failed. */
export function inlineWarning(control, text) {
  const block = control.closest("[data-block-id]");
  if (!block) return;
  const old = block.querySelector(":scope > .block-warning");
  if (old) old.remove();
  append(block, [h("div", { class: "block-warning" }, icon("warn", 16), h("span", { dir: "auto" }, text))]);
}
