// The only way nodes are made here. Text always becomes text nodes: nothing in this page parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** h("button", {class, testid, onclick, "aria-label", ...}, ...children) -> Element. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) setProp(node, name, value);
  append(node, children);
  return node;
}

function setProp(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") node.className = value;
  else if (name === "testid") node.setAttribute("data-testid", value);
  else if (name === "value") node.value = value;
  else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else node.setAttribute(name, value === true ? "" : String(value));
}

export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

const ICONS = {
  hash: "M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16",
  check: "m5 12.5 4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6 6 18",
  menu: "M4 6.5h16M4 12h16M4 17.5h16",
  dots: "M6 12h.01M12 12h.01M18 12h.01",
  down: "m6.5 9.5 5.5 5.5 5.5-5.5",
  right: "m9.5 6.5 5.5 5.5-5.5 5.5",
  arrowDown: "M12 5v14M6 13l6 6 6-6",
  back: "M19 12H5M11 6l-6 6 6 6",
  reply: "M4 5.5h16v10.5H12l-4.5 4v-4H4z",
  send: "M4 5l17 7-17 7 3-7zM7 12h7",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6Z",
  inbox: "M4 13.5 6.5 5h11L20 13.5V19H4zM4 13.5h5a3 3 0 0 0 6 0h5",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
  shield: "M12 3.5 19.5 6v6c0 4.5-3.2 7.4-7.5 8.8C7.7 19.4 4.5 16.5 4.5 12V6zM8.8 12l2.3 2.3 4.2-4.5",
  sliders: "M5 7h8M18 7h1M5 17h1M11 17h8M15.5 4.8v4.4M8.5 14.8v4.4",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM12 8v4.3l2.8 1.7",
  image: "M4 5h16v14H4zM4 16l4.5-4.5 4 4 3-3L20 16M15.5 9.2h.01",
  warn: "M12 4 2.8 19.5h18.4zM12 10v4.2M12 17h.01",
  bolt: "M13 3 5 13.5h6L10 21l8.5-11H12z",
  people:
    "M9 5.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM3.5 19c0-3 2.5-5 5.5-5s5.5 2 5.5 5M16 6a2.6 2.6 0 0 1 0 5.2M17 14.3c2.2.5 3.6 2.3 3.6 4.7",
  home: "M4.5 11 12 4.5 19.5 11v8.5h-5V14h-5v5.5h-5z",
  file: "M7 3.5h7l4 4v13H7zM14 3.5v4h4",
};

export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  const attrs = {
    viewBox: "0 0 24 24",
    width: size,
    height: size,
    fill: "none",
    stroke: "currentColor",
    "stroke-width": name === "dots" ? 3 : 1.8,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    class: "icon",
  };
  for (const [key, value] of Object.entries(attrs)) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

let counter = 0;
export function uid(prefix = "i") {
  counter += 1;
  return `${prefix}${counter}`;
}

export function announce(text) {
  document.getElementById("live").textContent = text;
}

/** What has the focus inside `root`, in words that survive its nodes being replaced. */
export function rememberFocus(root) {
  const el = document.activeElement;
  if (!el || !root.contains(el)) return null;
  const message = el.closest("[data-ts]");
  const block = el.closest("[data-block-id]");
  return {
    el,
    ts: message && root.contains(message) && message !== root ? message.dataset.ts : null,
    block: block ? block.dataset.blockId : null,
    action: el.dataset.actionId || null,
    option: el.dataset.option || null,
    testid: el.dataset.testid || null,
    range:
      "selectionStart" in el && typeof el.selectionStart === "number"
        ? [el.selectionStart, el.selectionEnd]
        : null,
  };
}

export function restoreFocus(root, memo, fallback = null) {
  if (!memo || (memo.el.isConnected && memo.el === document.activeElement)) return;
  const target = memo.el.isConnected ? memo.el : findFocus(root, memo);
  if (!target) {
    if (fallback) fallback.focus({ preventScroll: true });
    return;
  }
  target.focus({ preventScroll: true });
  if (memo.range && target.setSelectionRange) {
    try {
      target.setSelectionRange(...memo.range);
    } catch {
      // number, date and e-mail inputs have no caret to restore
    }
  }
}

function findFocus(root, memo) {
  const q = (name, value) => (value === null ? "" : `[${name}="${CSS.escape(value)}"]`);
  const scope = memo.ts ? root.querySelector(`[data-ts="${CSS.escape(memo.ts)}"]`) : root;
  if (!scope) return null;
  if (memo.action !== null) {
    const inBlock = memo.block ? `${q("data-block-id", memo.block)} ` : "";
    const found = scope.querySelector(
      inBlock + q("data-action-id", memo.action) + q("data-option", memo.option),
    );
    if (found) return found;
  }
  if (memo.testid && memo.testid !== "message") {
    const found = scope.querySelector(q("data-testid", memo.testid));
    if (found) return found;
  }
  return memo.ts ? scope : null;
}
