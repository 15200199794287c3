// The box people type in: Enter sends, / starts a command, @ and # complete names.
import { post } from "./api.js";
import { fill, h, icon, uid } from "./dom.js";
import { menu, toast } from "./overlay.js";
import { store } from "./store.js";

const drafts = new Map(); // "person channel thread" -> text not sent yet
const COMMAND_HINTS = ["", "mine", "new", "case ID", "#queue", "stats", "failed", "help"];

function suggestions(text, caret) {
  if (/^\/[a-z]*$/i.test(text.slice(0, caret)) && caret === text.length) {
    const commands = store.state.commands || ["/approvals"];
    return commands
      .flatMap((command) =>
        COMMAND_HINTS.map((hint) => ({
          from: 0,
          insert: `${command} ${hint.split(/ ?(ID|\#queue)/)[0]}`.trim() + " ",
          label: command,
          detail: hint || "how every queue stands",
        })),
      )
      .filter((row) => row.label.startsWith(text.trim()))
      .slice(0, 11);
  }
  const match = /(^|[\s(])([@#])([\p{L}\w.-]{0,30})$/u.exec(text.slice(0, caret));
  if (!match) return [];
  const [, , sign, typed] = match;
  const from = caret - typed.length - 1;
  const wanted = typed.toLowerCase();
  const rows =
    sign === "#"
      ? [...store.channels.values()]
          .filter((channel) => channel.kind !== "dm")
          .map((channel) => ({ name: channel.name, detail: channel.topic || "" }))
      : [
          ...[...store.users.values()]
            .filter((user) => !user.deleted)
            .map((user) => ({
              name: user.name,
              also: user.real_name || "",
              detail: [user.real_name, user.title].filter(Boolean).join(", "),
            })),
          ...[...store.groups.values()].map((group) => ({ name: group.handle, detail: group.name })),
        ];
  return rows
    .filter((row) => `${row.name} ${row.also || ""}`.toLowerCase().includes(wanted))
    .slice(0, 8)
    .map((row) => ({ from, insert: `${sign}${row.name} `, label: `${sign}${row.name}`, detail: row.detail }));
}

export class Composer {
  /** opts: {channel, thread, label, testid}. */
  constructor(opts) {
    this.opts = opts;
    this.key = `${store.as} ${opts.channel} ${opts.thread || ""}`;
    this.rows = [];
    this.at = -1;
    const listId = uid("hints");
    this.hints = h("div", {
      class: "hints",
      role: "listbox",
      id: listId,
      hidden: true,
      "aria-label": "Suggestions",
    });
    this.input = h("textarea", {
      class: "composer-input",
      rows: "1",
      dir: "auto",
      testid: opts.testid,
      "aria-label": opts.label,
      placeholder: opts.label,
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": listId,
    });
    this.input.value = drafts.get(this.key) || "";
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.keydown(event));
    this.input.addEventListener("blur", () => this.suggest([]));
    this.sender = h(
      "button",
      {
        class: "send",
        type: "button",
        "aria-label": "Send now",
        title: "Send now",
        testid: `${opts.testid}-send`,
        onclick: () => this.send(),
      },
      icon("send", 18),
    );
    const tools = h(
      "div",
      { class: "composer-tools" },
      this.tools(),
      h(
        "span",
        { class: "composer-hint" },
        h("b", {}, "Enter"),
        " to send · ",
        h("b", {}, "Shift Enter"),
        " for a new line",
      ),
      this.sender,
    );
    this.node = h("div", { class: "composer" }, this.hints, this.input, tools);
    this.draw();
  }

  tools() {
    const start = (text) => {
      this.input.value = text + this.input.value;
      this.input.focus();
      this.typed();
    };
    const shortcuts = store.state.shortcuts || [];
    const out = [];
    if (!this.opts.thread)
      out.push(
        h(
          "button",
          {
            class: "icon-button",
            type: "button",
            title: "Slash command",
            "aria-label": "Start a slash command",
            onclick: () => {
              if (!this.input.value.startsWith("/")) start("/");
            },
          },
          h("b", { class: "glyph", "aria-hidden": "true" }, "/"),
        ),
      );
    out.push(
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          title: "Mention someone",
          "aria-label": "Mention someone",
          onclick: () => {
            this.input.value += this.input.value && !/\s$/.test(this.input.value) ? " @" : "@";
            this.input.focus();
            this.typed();
          },
        },
        h("b", { class: "glyph", "aria-hidden": "true" }, "@"),
      ),
    );
    if (shortcuts.length && !this.opts.thread) {
      const button = h(
        "button",
        {
          class: "icon-button",
          type: "button",
          title: "Shortcuts",
          "aria-label": "Shortcuts",
          "aria-haspopup": "menu",
          testid: "shortcuts",
          onclick: async () => {
            const chosen = await menu(
              button,
              shortcuts.map((item) => ({
                value: item.callback_id,
                label: item.name,
                detail: item.description || "",
              })),
              "Shortcuts",
            );
            if (!chosen) return;
            const answer = await post("/page/shortcut", { as: store.as, callback_id: chosen.value });
            if (!answer.ok) toast(answer.error || "That shortcut did not work.");
            await store.refresh();
          },
        },
        icon("bolt", 18),
      );
      out.push(button);
    }
    return out;
  }

  typed() {
    drafts.set(this.key, this.input.value);
    this.draw();
    this.suggest(suggestions(this.input.value, this.input.selectionStart));
  }

  draw() {
    this.sender.classList.toggle("ready", this.input.value.trim() !== "");
    this.input.style.height = "auto";
    if (this.input.value !== "") this.input.style.height = `${Math.min(this.input.scrollHeight, 200)}px`;
    else this.input.style.height = "";
  }

  suggest(rows) {
    this.rows = rows;
    this.at = rows.length ? 0 : -1;
    this.hints.hidden = rows.length === 0;
    this.input.setAttribute("aria-expanded", String(rows.length > 0));
    fill(
      this.hints,
      rows.map((row, index) =>
        h(
          "div",
          {
            class: "hint-row",
            role: "option",
            id: `${this.hints.id}-${index}`,
            "aria-selected": "false",
            onmousedown: (event) => {
              event.preventDefault();
              this.accept(row);
            },
          },
          h("b", {}, row.label),
          h("span", {}, ` ${row.detail}`),
        ),
      ),
    );
    this.mark();
  }

  mark() {
    [...this.hints.children].forEach((node, index) =>
      node.setAttribute("aria-selected", String(index === this.at)),
    );
    if (this.at >= 0) {
      this.input.setAttribute("aria-activedescendant", `${this.hints.id}-${this.at}`);
      this.hints.children[this.at].scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
  }

  accept(row) {
    const caret = this.input.selectionStart;
    this.input.value = this.input.value.slice(0, row.from) + row.insert + this.input.value.slice(caret);
    const next = row.from + row.insert.length;
    this.input.setSelectionRange(next, next);
    drafts.set(this.key, this.input.value);
    this.draw();
    this.suggest([]);
  }

  keydown(event) {
    if (event.isComposing) return;
    const open = this.rows.length > 0;
    // A whole command that was typed out is sent by Enter, though its hints are still open.
    const complete = (store.state.commands || ["/approvals"]).includes(this.input.value.trim());
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + this.rows.length) % this.rows.length;
      this.mark();
    } else if (open && (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey && !complete))) {
      event.preventDefault();
      this.accept(this.rows[this.at]);
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.suggest([]);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    }
  }

  async send() {
    const text = this.input.value;
    if (text.trim() === "" || this.sending) return;
    const { channel, thread } = this.opts;
    const command = /^(\/[a-z][\w-]*)(?:\s+([\s\S]*))?$/i.exec(text.trim());
    if (command && thread) return toast("Slash commands cannot be used in threads.");
    this.sending = true;
    this.sender.classList.add("busy");
    this.input.value = "";
    this.typed();
    const answer = command
      ? await post("/page/command", {
          as: store.as,
          channel,
          command: command[1],
          text: (command[2] || "").trim(),
        })
      : await post("/page/message", {
          as: store.as,
          channel,
          text: text.trim(),
          ...(thread ? { thread_ts: thread } : {}),
        });
    this.sending = false;
    this.sender.classList.remove("busy");
    if (!answer.ok) {
      if (this.input.value === "") {
        this.input.value = text;
        this.typed();
        this.suggest([]);
      }
      toast(answer.error || "That could not be sent.");
    }
    return store.refresh();
  }
}
