// Sandbox controls: faults of Slack and the far ends, and the workspace's clock.
import { post } from "./api.js";
import { h, uid } from "./dom.js";
import { busy, toast } from "./overlay.js";
import { redraw } from "./panes.js";
import { clockNow, store } from "./store.js";
import { fullTime } from "./times.js";

const SPEEDS = [1, 60, 600];
const JUMPS = [
  [1800, "30 min"],
  [7200, "2 h"],
  [14400, "4 h"],
  [86400, "24 h"],
];

async function send(control, path, body) {
  await busy(control, async () => {
    const answer = await post(path, body);
    if (!answer.ok) toast(answer.error || "That could not be set.");
    await store.refresh();
  });
}

const setFault = (control, name, value) => send(control, "/page/faults", { name, value });

/** On or off; and, where the fault can count or knows a word of its own, how often or how. */
function switchInput(name, value, common, help) {
  const modes = [
    ["true", "always"],
    ...(/a number n/.test(help)
      ? [
          ["1", "next 1"],
          ["3", "next 3"],
          ["10", "next 10"],
        ]
      : []),
    ...words(help).map((word) => [word, word]),
  ];
  const now = value === false || value === 0 ? "true" : String(value);
  if (!modes.some(([key]) => key === now)) modes.push([now, `next ${now}`]);
  const mode = h(
    "select",
    {
      class: "input select mode",
      "aria-label": `${name.replaceAll("_", " ")}: how often`,
      testid: `fault-mode-${name}`,
    },
    modes.map(([key, label]) => h("option", { value: key }, label)),
  );
  mode.value = now;
  const wanted = () =>
    mode.value === "true" ? true : /^\d+$/.test(mode.value) ? Number(mode.value) : mode.value;
  const box = h("input", {
    type: "checkbox",
    class: "switch",
    role: "switch",
    ...common,
    onchange: () => setFault(box, name, box.checked ? wanted() : false),
  });
  box.checked = Boolean(value);
  mode.addEventListener("change", () => {
    if (box.checked) setFault(mode, name, wanted());
  });
  return h("div", { class: "fault-control" }, modes.length > 1 ? mode : null, box);
}

const words = (help) => [...help.matchAll(/'(\w+)'/g)].map((match) => match[1]);

function faultInput(name, value, common, help) {
  const known = words(help);
  if (typeof value === "string" && known.includes(value) && known.length > 1) {
    const pick = h(
      "select",
      { class: "input select", ...common, onchange: () => setFault(pick, name, pick.value) },
      known.map((word) => h("option", { value: word }, word)),
    );
    pick.value = value;
    return pick;
  }
  if (typeof value === "boolean" || /a number n/.test(help)) return switchInput(name, value, common, help);
  const numeric = typeof value === "number";
  const field = h("input", { class: "input", type: numeric ? "number" : "text", step: "any", ...common });
  field.value = value ?? "";
  field.addEventListener("change", () =>
    setFault(field, name, numeric ? Number(field.value) || 0 : field.value),
  );
  return field;
}

function fault([name, value]) {
  const label = uid("fault");
  const helpId = uid("help");
  const help = (store.state.fault_help || {})[name] || "";
  const on = value === true || (typeof value === "number" && value > 0);
  return h(
    "div",
    { class: `fault${on ? " on" : ""}` },
    h(
      "div",
      { class: "fault-words" },
      h("label", { for: label }, name.replaceAll("_", " ")),
      h("p", { id: helpId, class: "muted" }, help.replace(/ ?true: until switched off.*$/, "")),
    ),
    faultInput(name, value, { id: label, testid: `fault-${name}`, "aria-describedby": helpId }, help),
  );
}

function clockCard() {
  const { clock } = store.state;
  const speed = (value) => {
    const button = h(
      "button",
      {
        class: `button${clock.speed === value ? " primary" : ""}`,
        type: "button",
        "aria-pressed": String(clock.speed === value),
        testid: `speed-${value}`,
        onclick: () => send(button, "/page/clock", { speed: value }),
      },
      `×${value}`,
    );
    return button;
  };
  const jump = ([seconds, words]) => {
    const button = h(
      "button",
      {
        class: "button",
        type: "button",
        testid: `jump-${seconds}`,
        onclick: () => send(button, "/page/clock", { advance_seconds: seconds }),
      },
      `Jump ${words}`,
    );
    return button;
  };
  return h(
    "section",
    { class: "card", "aria-label": "Clock" },
    h("header", { class: "card-head" }, h("strong", {}, "Clock")),
    h("p", { class: "big-clock", id: "big-clock", testid: "clock-now" }, fullTime(clockNow())),
    clock.can_set
      ? [
          h(
            "p",
            { class: "muted" },
            "Reminders, escalations and expiry follow this clock. Speed it up, or jump ahead to see the next rung.",
          ),
          h("div", { class: "actions" }, SPEEDS.map(speed)),
          h("div", { class: "actions" }, JUMPS.map(jump)),
        ]
      : h("p", { class: "muted" }, "The clock runs in real time here and cannot be changed."),
  );
}

export async function controls(box) {
  const { clock, faults } = store.state;
  redraw(box, [clock && [clock.speed, clock.can_set], faults, store.state.fault_help], () => [
    clock ? clockCard() : null,
    h(
      "section",
      { class: "card", "aria-label": "Faults" },
      h("header", { class: "card-head" }, h("strong", {}, "Faults")),
      h(
        "p",
        { class: "muted" },
        "Break Slack, the helpdesk or the CRM on purpose, and watch what the bot does.",
      ),
      Object.entries(faults || {}).map(fault),
    ),
  ]);
  tickControls();
}

export function tickControls() {
  const node = document.getElementById("big-clock");
  if (node) node.textContent = fullTime(clockNow());
}
