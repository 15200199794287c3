// Block Kit blocks -> nodes. `host` says what a click or a changed value means: see hostFor… in message.js, modal.js, home.js.
import { append, h, icon, uid } from "./dom.js";
import { mrkdwn, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { initialValue, isStateful } from "./values.js";
import { widget } from "./widgets.js";

export const blockIdOf = (block, index) => block.block_id || `block-${index}`;

export function elementsOf(block) {
  if (block.type === "input") return block.element ? [block.element] : [];
  if (block.type === "section") return block.accessory ? [block.accessory] : [];
  return block.type === "actions" || block.type === "context_actions" ? block.elements || [] : [];
}

function elementCtx(el, blockId, host, extra = {}) {
  return {
    blockId,
    value: () => host.value(blockId, el) || (isStateful(el) ? initialValue(el) : {}),
    change: (wire) => host.change(blockId, el, wire),
    act: (action, control) => host.act({ ...action, block_id: blockId }, control, blockId),
    ...extra,
  };
}

function section(block, blockId, host) {
  const text = block.text ? h("div", { class: "text", dir: "auto" }, textObject(block.text)) : null;
  const fields = block.fields
    ? h(
        "div",
        { class: "fields" },
        block.fields.map((field) => h("div", { class: "text field", dir: "auto" }, textObject(field))),
      )
    : null;
  const main = h("div", { class: "section-main" }, text, fields);
  if (!block.accessory) return h("div", { class: "section" }, main);
  return h(
    "div",
    { class: "section with-accessory" },
    main,
    h("div", { class: "accessory" }, widget(block.accessory, elementCtx(block.accessory, blockId, host))),
  );
}

function context(block) {
  return h(
    "div",
    { class: "context" },
    (block.elements || []).map((el) =>
      el.type === "image"
        ? h(
            "span",
            {
              class: "context-image",
              role: "img",
              "aria-label": el.alt_text || "image",
              title: el.alt_text || "",
            },
            icon("image", 16),
          )
        : h("span", { class: "text", dir: "auto" }, textObject(el)),
    ),
  );
}

function actions(block, blockId, host) {
  return h(
    "div",
    { class: "actions" },
    (block.elements || []).map((el) => widget(el, elementCtx(el, blockId, host))),
  );
}

function input(block, blockId, host) {
  const el = block.element || {};
  const label = uid("label");
  const hintId = uid("hint");
  const errorId = uid("error");
  const error = host.error(blockId);
  const describedBy = [block.hint ? hintId : "", errorId].join(" ").trim();
  const ctx = elementCtx(el, blockId, host, {
    label,
    describedBy,
    required: !block.optional,
    invalid: Boolean(error),
  });
  const dispatch = ctx.act;
  ctx.act = (action, control) => {
    if (block.dispatch_action) dispatch(action, control);
  };
  const node = h(
    "div",
    { class: `field-block${error ? " has-error" : ""}` },
    h(
      "div",
      {
        class: "field-label",
        id: label,
        dir: "auto",
        onclick: () => {
          const first = node.querySelector("textarea, input, select");
          if (first) first.focus();
        },
      },
      textObject(block.label),
      block.optional ? h("span", { class: "optional" }, " (optional)") : null,
    ),
    widget(el, ctx),
    h(
      "div",
      { class: "field-error", id: errorId, testid: error ? "field-error" : null, "aria-live": "polite" },
      error ? [icon("warn", 16), h("span", { dir: "auto" }, error)] : null,
    ),
    block.hint ? h("div", { class: "hint", id: hintId, dir: "auto" }, textObject(block.hint)) : null,
  );
  return node;
}

function image(block) {
  return h(
    "figure",
    { class: "image" },
    block.title ? h("figcaption", { dir: "auto" }, textObject(block.title)) : null,
    h(
      "div",
      { class: "image-box", role: "img", "aria-label": block.alt_text || "image" },
      icon("image", 28),
      h("span", { dir: "auto" }, block.alt_text || "image"),
    ),
  );
}

function table(block) {
  const cell = (item) => {
    if (!item) return "";
    return item.type === "rich_text" ? richText(item) : item.text || "";
  };
  const rows = (block.rows || []).map((row, at) =>
    h(
      "tr",
      {},
      row.map((item) => h(at === 0 ? "th" : "td", { dir: "auto" }, cell(item))),
    ),
  );
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "group", "aria-label": "Table" },
    h("table", { class: "grid" }, h("tbody", {}, rows)),
  );
}

const BLOCKS = {
  section,
  context,
  actions,
  context_actions: actions,
  input,
  image,
  table,
  rich_text: (block) => richText(block),
  header: (block) => h("h3", { class: "header", dir: "auto" }, textObject(block.text)),
  divider: () => h("hr", { class: "divider" }),
  markdown: (block) => h("div", { class: "text", dir: "auto" }, mrkdwn(block.text || "")),
  video: (block) => image({ ...block, title: block.title }),
  file: () => h("div", { class: "context" }, icon("file", 16), "File"),
};

export function renderBlocks(blocks, host) {
  const root = h("div", { class: "blocks" });
  (blocks || []).forEach((block, index) => {
    const blockId = blockIdOf(block, index);
    const node = Object.hasOwn(BLOCKS, block.type)
      ? BLOCKS[block.type](block, blockId, host)
      : h("em", { class: "muted" }, `(a ${block.type} block cannot be shown here)`);
    node.setAttribute("data-block-id", blockId);
    node.classList.add("block");
    append(root, [node]);
  });
  return root;
}

/** A host where nothing can be typed or clicked. */
export const INERT = { value: () => null, change: () => {}, act: () => {}, error: () => null };
