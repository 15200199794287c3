// "You are …": be another person of the workspace.
import { fill, h, icon } from "./dom.js";
import { avatar } from "./message.js";
import { place, trapTab } from "./overlay.js";
import { go, me, store } from "./store.js";

export function personSwitch() {
  const user = me();
  const button = h("button", {
    class: "person-switch",
    type: "button",
    testid: "person-switch",
    "aria-haspopup": "dialog",
    "aria-expanded": "false",
    onclick: () => openPeople(button),
  });
  if (!user) return button;
  return fill(
    button,
    avatar(user, user.real_name),
    h(
      "span",
      { class: "person-words" },
      h("small", {}, "You are"),
      h("strong", { dir: "auto" }, user.real_name || user.name),
      h("span", { class: "person-title", dir: "auto" }, user.title || ""),
    ),
    icon("down", 18),
  );
}

const groupNames = (user) => (user.groups || []).map((handle) => `@${handle}`).join("  ");

function note(user) {
  if (user.deleted) return "Deactivated: cannot sign in";
  if (user.is_restricted) return "Guest";
  return groupNames(user) || "In no approver group";
}

function row(user, choose) {
  const mine = user.id === store.as;
  return h(
    "button",
    {
      class: "person-row",
      type: "button",
      role: "option",
      "aria-selected": String(mine),
      disabled: user.deleted,
      testid: "person-option",
      "data-user-id": user.id,
      onclick: () => choose(user),
    },
    avatar(user, user.real_name || user.name),
    h(
      "span",
      { class: "person-words" },
      h("strong", { dir: "auto" }, user.real_name || user.name),
      h("span", { class: "person-title", dir: "auto" }, user.title || ""),
      h("span", { class: "person-groups" }, note(user)),
    ),
    mine ? icon("check", 18) : null,
  );
}

function openPeople(anchor) {
  const people = [...store.users.values()].filter((user) => !user.is_bot);
  const finish = (user) => {
    layer.remove();
    const button = document.querySelector(".person-switch");
    button.setAttribute("aria-expanded", "false");
    button.focus();
    if (user && user.id !== store.as) go({ as: user.id, thread: "" });
  };
  const list = h("div", { class: "person-list", role: "listbox", "aria-label": "People" });
  const find = h("input", {
    class: "input",
    type: "search",
    placeholder: "Find by name, title or group",
    "aria-label": "Find a person",
    autocomplete: "off",
  });
  const draw = () => {
    const wanted = find.value.trim().toLowerCase();
    const rows = people.filter((user) =>
      `${user.real_name} ${user.name} ${user.title} ${groupNames(user)}`.toLowerCase().includes(wanted),
    );
    fill(
      list,
      rows.map((user) => row(user, finish)),
      rows.length ? null : h("p", { class: "muted pad" }, "Nobody of that name."),
    );
  };
  find.addEventListener("input", draw);
  draw();
  const box = h(
    "div",
    { class: "people", role: "dialog", "aria-label": "Be another person" },
    h(
      "div",
      { class: "people-head" },
      h("strong", {}, "Be another person"),
      h("small", {}, "Everyone here is you. Switch to play the next step."),
      find,
    ),
    list,
  );
  const layer = h(
    "div",
    {
      class: "layer clear",
      onmousedown: (event) => {
        if (event.target === layer) finish(null);
      },
    },
    box,
  );
  layer.addEventListener("keydown", (event) => {
    const rows = [...list.querySelectorAll("button:not([disabled])")];
    const at = rows.indexOf(document.activeElement);
    if (event.key === "Escape") finish(null);
    else if (event.key === "Enter" && document.activeElement === find && rows.length) rows[0].click();
    else if (event.key === "ArrowDown" && rows.length) rows[(at + 1) % rows.length].focus();
    else if (event.key === "ArrowUp" && rows.length) rows[(at - 1 + rows.length) % rows.length].focus();
    else return trapTab(box, event);
    return event.preventDefault();
  });
  document.getElementById("overlays").append(layer);
  anchor.setAttribute("aria-expanded", "true");
  place(box, anchor.getBoundingClientRect());
  find.focus();
}
