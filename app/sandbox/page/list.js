// A list of messages that is brought up to date in place: untouched messages keep their nodes, focus and scroll stay.
import { announce, h, icon, rememberFocus, restoreFocus } from "./dom.js";
import { authorOf, messageNode } from "./message.js";
import { store } from "./store.js";
import { dayLabel, sameDay } from "./times.js";

const NEAR = 60;
const HELD = 60_000; // ms in which what comes after a private notice does not push it out of sight

function isCompact(before, message) {
  if (!before || message.ephemeral || before.ephemeral || before.deleted) return false;
  if (before.user !== message.user || before.username !== message.username) return false;
  return (
    Number(message.ts) - Number(before.ts) < 300 &&
    sameDay(Number(before.ts), Number(message.ts)) &&
    !(message.blocks && message.blocks.length)
  );
}

export class MessageList {
  /** opts: {channel, label, inThread, openThread(ts), intro?: Node}. */
  constructor(opts) {
    this.opts = opts;
    this.known = new Map(); // key -> {node, print}
    this.first = true;
    this.notice = null; // the newest private one: {ts, until}
    this.box = h("div", { class: "list-inner" }, opts.intro || null);
    this.items = h("div", { class: "items" });
    this.box.append(this.items);
    this.pill = h(
      "button",
      { class: "new-pill", type: "button", hidden: true, onclick: () => this.toBottom() },
      icon("arrowDown", 16),
      "New messages",
    );
    this.scroller = h(
      "div",
      { class: "list", role: "log", "aria-live": "off", "aria-label": opts.label, tabindex: "0" },
      this.box,
    );
    this.scroller.addEventListener(
      "scroll",
      () => {
        if (this.atBottom()) this.pill.hidden = true;
      },
      { passive: true },
    );
    this.node = h("div", { class: "list-wrap" }, this.scroller, this.pill);
  }

  atBottom() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < NEAR;
  }

  toBottom() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.pill.hidden = true;
  }

  /** The end of the list; of a newest message that is longer than the window, its beginning. */
  toNewest() {
    this.toBottom();
    const newest = this.items.lastElementChild;
    if (newest && newest.offsetHeight > this.scroller.clientHeight) newest.scrollIntoView({ block: "start" });
  }

  holdsNotice() {
    const item = this.notice && performance.now() < this.notice.until && this.known.get(this.notice.ts);
    return (
      Boolean(item) && item.node.getBoundingClientRect().bottom > this.scroller.getBoundingClientRect().top
    );
  }

  /** A private answer to one's own click, perhaps with an Undo that does not wait. */
  showNotice(ts) {
    const { node } = this.known.get(ts);
    this.notice = { ts, until: performance.now() + HELD };
    const fits = node.offsetHeight <= this.scroller.clientHeight;
    node.scrollIntoView({ block: fits ? "end" : "start" });
    this.pill.hidden = this.atBottom();
  }

  update(messages) {
    const stick = this.first || (this.atBottom() && !this.holdsNotice());
    const memo = rememberFocus(this.scroller);
    const top = this.scroller.scrollTop;
    const fresh = this.place(
      this.rows(messages.filter((message) => !message.deleted || message.reply_count > 0)),
    );
    if (this.first) this.toNewest();
    else if (stick) this.toBottom();
    else if (this.scroller.scrollTop !== top && !this.scroller.contains(document.activeElement))
      this.scroller.scrollTop = top;
    restoreFocus(this.scroller, memo, this.scroller);
    if (!this.first && fresh.length) this.tell(fresh, stick);
    this.first = false;
  }

  rows(messages) {
    const rows = [];
    let before = null;
    for (const message of messages) {
      if (!this.opts.inThread && (!before || !sameDay(Number(before.ts), Number(message.ts)))) {
        const label = dayLabel(Number(message.ts));
        rows.push({
          key: `day ${message.ts}`,
          print: label,
          make: () => h("div", { class: "day" }, h("span", {}, label)),
        });
      }
      const compact = isCompact(before, message);
      const print = `${compact}|${authorOf(message).name}|${JSON.stringify(message)}`;
      rows.push({
        key: message.ts,
        print,
        message,
        make: () => messageNode(message, { ...this.opts, compact }),
      });
      if (this.opts.inThread && before === null && messages.length > 1) {
        const words = `${messages.length - 1} ${messages.length === 2 ? "reply" : "replies"}`;
        rows.push({
          key: "replies",
          print: words,
          make: () => h("div", { class: "day replies" }, h("span", {}, words)),
        });
      }
      before = message;
    }
    return rows;
  }

  /** Puts the rows in order, reusing what has not changed; answers the messages that are new. */
  place(rows) {
    const fresh = [];
    let cursor = this.items.firstChild;
    const keep = new Set(rows.map((row) => row.key));
    for (const [key, item] of this.known) {
      if (keep.has(key)) continue;
      if (item.node === cursor) cursor = cursor.nextSibling;
      item.node.remove();
      this.known.delete(key);
    }
    for (const row of rows) {
      const old = this.known.get(row.key);
      let node = old && old.print === row.print ? old.node : row.make();
      if (old && node !== old.node) {
        if (cursor === old.node) cursor = node;
        old.node.replaceWith(node);
      }
      if (!old && row.message) fresh.push(row.message);
      this.known.set(row.key, { node, print: row.print });
      if (node === cursor) cursor = cursor.nextSibling;
      else this.items.insertBefore(node, cursor);
    }
    return fresh;
  }

  tell(fresh, stick) {
    const others = fresh.filter((message) => message.user !== store.as);
    if (!others.length) return this.toBottom();
    const notice = others.findLast((message) => message.ephemeral);
    const last = notice || others[others.length - 1];
    if (notice) this.showNotice(notice.ts);
    else if (!stick) this.pill.hidden = false;
    announce(
      `${last.ephemeral ? "Only visible to you. " : ""}${authorOf(last).name}: ${(last.text || "new message").slice(0, 240)}`,
    );
    return undefined;
  }

  /** Scrolls to a message and marks it for a moment; false when it is not in the list. */
  reveal(ts) {
    const item = this.known.get(ts);
    if (!item) return false;
    item.node.scrollIntoView({ block: "center" });
    item.node.classList.add("flash");
    item.node.focus({ preventScroll: true });
    setTimeout(() => item.node.classList.remove("flash"), 2500);
    return true;
  }
}
