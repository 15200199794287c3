// Helpdesk and CRM: what the far ends really received.
import { get } from "./api.js";
import { fill, h, rememberFocus, restoreFocus } from "./dom.js";
import { go } from "./store.js";
import { toSeconds, whenLabel } from "./times.js";

/** Redraws `box` only when `data` changed; keeps open <details>, scroll and focus. */
export function redraw(box, data, build) {
  const print = JSON.stringify(data);
  if (box.dataset.print === print) return;
  box.dataset.print = print;
  const memo = rememberFocus(box);
  const open = new Set([...box.querySelectorAll("details[open]")].map((node) => node.dataset.key));
  const top = box.parentElement ? box.parentElement.scrollTop : 0;
  fill(box, build());
  box.querySelectorAll("details").forEach((node) => {
    if (open.has(node.dataset.key)) node.open = true;
  });
  if (box.parentElement) box.parentElement.scrollTop = top;
  restoreFocus(box, memo, null);
}

export function when(value) {
  const seconds = toSeconds(value);
  return seconds === null ? String(value ?? "") : whenLabel(seconds);
}

export const show = (value) =>
  typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);

/** {name: value} as a two-column table. */
export function table(values, caption = "") {
  const rows = Object.entries(values || {});
  if (!rows.length) return h("p", { class: "muted" }, "Nothing.");
  return h(
    "div",
    { class: "table-scroll" },
    h(
      "table",
      { class: "props" },
      caption ? h("caption", { class: "visually-hidden" }, caption) : null,
      h(
        "tbody",
        {},
        rows.map(([name, value]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, name),
            h(
              "td",
              { dir: "auto" },
              show(value) === "" ? h("span", { class: "muted" }, "(empty)") : show(value),
            ),
          ),
        ),
      ),
    ),
  );
}

const caseLink = (id) =>
  id
    ? h(
        "button",
        { class: "as-link link", type: "button", onclick: () => go({ pane: "audit", case: id }) },
        id,
      )
    : null;
const fact = (name, value) =>
  value === null || value === undefined || value === ""
    ? null
    : h("span", { class: "fact" }, h("small", {}, name), h("span", { dir: "auto" }, value));
const KINDS = { reply: "Reply to the customer", holding: "Holding message", note: "Internal note" };

function delivery(item) {
  const reply = item.text !== undefined && item.text !== null;
  const kind = KINDS[item.kind] || (item.type === "ticket.fields" ? "Ticket fields" : item.kind || item.type);
  return h(
    "article",
    {
      class: `card ${reply && item.public !== false && item.kind !== "note" ? "public" : ""}`,
      testid: "helpdesk-delivery",
      "data-id": item.id,
      "data-case-id": item.case_id,
      "data-kind": item.kind || item.type,
    },
    h(
      "header",
      { class: "card-head" },
      h("strong", {}, kind),
      reply
        ? h("span", { class: "tag" }, item.public === false || item.kind === "note" ? "private" : "public")
        : null,
      h("time", { class: "muted" }, when(item.at)),
    ),
    reply ? h("pre", { class: "literal", dir: "auto", testid: "helpdesk-text" }, item.text) : null,
    item.fields ? table(item.fields, "Ticket fields") : null,
    item.tags && item.tags.length
      ? h(
          "p",
          { class: "tags" },
          item.tags.map((tag) => h("span", { class: "tag" }, tag)),
        )
      : null,
    h(
      "footer",
      { class: "facts" },
      fact("Ticket", item.ticket_id),
      fact("Case", caseLink(item.case_id)),
      item.request_hash
        ? h(
            "span",
            { class: "fact", title: item.request_hash },
            h("small", {}, "Request hash"),
            h("code", { class: "code" }, String(item.request_hash).slice(0, 12)),
          )
        : null,
      h("span", { class: "fact" }, h("small", {}, "Delivery"), h("code", { class: "code" }, item.id)),
    ),
  );
}

function refusals(list, one, many) {
  if (!list || !list.length) return null;
  return h(
    "details",
    { class: "card warn-card", "data-key": "refused" },
    h("summary", {}, `${list.length} refused ${list.length === 1 ? one : many}`),
    list.map((item) =>
      h("pre", { class: "literal small" }, typeof item === "string" ? item : JSON.stringify(item, null, 2)),
    ),
  );
}

export async function helpdesk(box) {
  const data = await get("/page/helpdesk");
  redraw(box, [data.deliveries, data.refused], () => [
    h(
      "p",
      { class: "lead" },
      "Exactly what left the building, newest first. Nothing appears here until people, or the policy, let it go.",
    ),
    refusals(data.refused, "delivery", "deliveries"),
    data.deliveries.length
      ? data.deliveries.map(delivery)
      : h("p", { class: "empty" }, "No customer has received anything yet."),
  ]);
}

function ticket(item) {
  const filled = Object.entries(item.properties || {}).filter(([, value]) => value !== "" && value !== null);
  const history = [...(item.history || [])].reverse();
  return h(
    "article",
    { class: "card", testid: "crm-ticket", "data-id": item.id },
    h(
      "header",
      { class: "card-head" },
      h("strong", {}, `Ticket ${item.id}`),
      h("span", { class: "tag" }, `${filled.length} properties set`),
      h("time", { class: "muted" }, item.updated_at ? `changed ${when(item.updated_at)}` : "never written"),
    ),
    table(item.properties, `Properties of ticket ${item.id}`),
    h(
      "details",
      { "data-key": `crm ${item.id}` },
      h("summary", {}, `History: ${history.length} ${history.length === 1 ? "write" : "writes"}`),
      history.map((entry) =>
        h(
          "div",
          { class: "history" },
          h("time", { class: "muted" }, when(entry.at)),
          table(entry.properties),
        ),
      ),
    ),
  );
}

export async function crm(box) {
  const data = await get("/page/crm");
  redraw(box, [data.tickets, data.errors], () => [
    h("p", { class: "lead" }, "Ticket properties as the CRM holds them, with every write."),
    refusals(data.errors, "write", "writes"),
    data.tickets.length
      ? data.tickets.map(ticket)
      : h("p", { class: "empty" }, "The CRM has no tickets yet."),
  ]);
}
