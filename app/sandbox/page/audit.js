// Audit: one case's events, who did what, when and why.
import { ApiError, get } from "./api.js";
import { h } from "./dom.js";
import { redraw, show, table, when } from "./panes.js";
import { go, personName, store } from "./store.js";

const PLAIN = new Set([
  "id",
  "seq",
  "row",
  "type",
  "event_type",
  "event",
  "actor",
  "at",
  "time",
  "created_at",
  "reason",
  "case_id",
]);

function who(actor) {
  if (!actor) return "system";
  if (typeof actor === "object")
    return (
      actor.name ||
      actor.real_name ||
      personName(actor.slack_user || actor.id || actor.user || "") ||
      show(actor)
    );
  const id = String(actor).replace(/^(slack|user|person):/, "");
  return store.users.has(id) ? personName(id) : String(actor);
}

function reasonOf(event) {
  const nested = event.data || event.payload || event.details || {};
  return event.reason || nested.reason || nested.note || "";
}

function eventRow(event, index) {
  const type = event.type || event.event_type || event.event || "event";
  const rest = Object.fromEntries(
    Object.entries(event).filter(([name, value]) => !PLAIN.has(name) && value !== null && value !== ""),
  );
  const reason = reasonOf(event);
  return h(
    "li",
    { class: "event", testid: "audit-event", "data-type": type },
    h(
      "div",
      { class: "event-head" },
      h("strong", { class: "event-type" }, type),
      h("span", { class: "event-actor", dir: "auto" }, who(event.actor)),
      h("time", { class: "muted" }, when(event.at ?? event.time ?? event.created_at)),
    ),
    reason ? h("p", { class: "event-reason", dir: "auto" }, show(reason)) : null,
    Object.keys(rest).length
      ? h(
          "details",
          { "data-key": `event ${event.id ?? event.seq ?? index}` },
          h("summary", {}, "Details"),
          details(rest),
        )
      : null,
  );
}

function details(values) {
  const flat = {};
  const deep = [];
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && typeof value === "object") deep.push([name, value]);
    else flat[name] = value;
  }
  return [
    Object.keys(flat).length ? table(flat) : null,
    deep.map(([name, value]) => [
      h("h4", {}, name),
      h("pre", { class: "literal small", dir: "auto" }, JSON.stringify(value, null, 2)),
    ]),
  ];
}

const DID = { approve: "approved", edit: "edited", write: "wrote the reply", sign_off: "signed off" };

function caseCard(item) {
  if (!item || !item.id) return null;
  const approval = item.approval || {};
  const steps = (approval.approvals || []).map(
    (one) => `${who(one.by)} (${one.role}, ${DID[one.kind] || one.kind})`,
  );
  const by = steps.length ? steps.join(", ") : [approval.by].flat().filter(Boolean).map(who).join(", ");
  return h(
    "section",
    { class: "card", testid: "audit-case", "aria-label": `Case ${item.id}` },
    h(
      "header",
      { class: "card-head" },
      h("strong", {}, item.id),
      h("span", { class: `tag state-${item.state}` }, item.state),
      item.tier ? h("span", { class: "tag" }, `${item.tier} tier`) : null,
    ),
    table(
      Object.fromEntries(
        Object.entries({
          "AI mode": item.ai_mode,
          route: item.route && [item.route.role, item.route.channel].filter(Boolean).join(" → "),
          outcome: approval.outcome,
          by,
          at: approval.at ? when(approval.at) : "",
          "request hash": item.draft && item.draft.request_hash,
          "policy snapshot": item.policy_snapshot,
          supersedes: item.supersedes,
          "superseded by": item.superseded_by,
        }).filter(([, value]) => value),
      ),
    ),
    (item.reasons || []).length
      ? h(
          "ul",
          { class: "reasons" },
          item.reasons.map((reason) =>
            h(
              "li",
              { dir: "auto" },
              typeof reason === "string"
                ? reason
                : reason.reason || reason.text || reason.words || show(reason),
            ),
          ),
        )
      : null,
    h(
      "details",
      { "data-key": "case json" },
      h("summary", {}, "The case as JSON"),
      h("pre", { class: "literal small" }, JSON.stringify(item, null, 2)),
    ),
  );
}

function picker(cases, chosen) {
  const options = cases.map((item) =>
    h(
      "option",
      { value: item.id },
      [item.id, item.state, item.ticket_id || (item.ticket && item.ticket.id)].filter(Boolean).join(" · "),
    ),
  );
  const select = h(
    "select",
    {
      class: "input select",
      "aria-label": "Choose a case",
      testid: "audit-pick",
      onchange: () => {
        if (select.value) go({ case: select.value });
      },
    },
    h("option", { value: "" }, cases.length ? "Choose a case…" : "No cases yet"),
    options,
  );
  select.value = cases.some((item) => item.id === chosen) ? chosen : "";
  const typed = h("input", {
    class: "input",
    "aria-label": "Case id",
    placeholder: "or type a case id",
    testid: "audit-id",
    autocomplete: "off",
    spellcheck: "false",
  });
  return h(
    "form",
    {
      class: "picker",
      onsubmit: (event) => {
        event.preventDefault();
        if (typed.value.trim()) go({ case: typed.value.trim() });
      },
    },
    select,
    typed,
    h("button", { class: "button primary", type: "submit", testid: "audit-open" }, "Open"),
  );
}

async function attempt(work, fallback) {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ApiError) return { ...fallback, failed: error.message };
    throw error;
  }
}

export async function audit(box, stillHere) {
  const chosen = store.place.case;
  const listed = await attempt(get("/page/cases"), { items: [] });
  const cases = Array.isArray(listed) ? listed : listed.items || listed.cases || [];
  const found = chosen ? await attempt(get("/page/audit", { case: chosen }), { events: [] }) : null;
  if (!stillHere()) return;
  if (!box.firstChild) box.append(h("div"), h("div"));
  const [top, rest] = box.children;
  redraw(top, [cases.map((item) => [item.id, item.state]), chosen], () => [
    h("p", { class: "lead" }, "Every fact about one case, in order, as the bot's own audit log tells it."),
    picker(cases, chosen),
  ]);
  redraw(rest, [found, listed.failed], () => [
    listed.failed ? h("p", { class: "banner error" }, listed.failed) : null,
    found && found.failed ? h("p", { class: "banner error", role: "alert" }, found.failed) : null,
    found && !found.failed ? [caseCard(found.case), timeline(found.events)] : null,
  ]);
}

function timeline(answer) {
  const events = Array.isArray(answer) ? answer : (answer && (answer.items || answer.events)) || [];
  return [
    h("h2", {}, `${events.length} ${events.length === 1 ? "event" : "events"}`),
    h("ol", { class: "timeline" }, events.map(eventRow)),
  ];
}
