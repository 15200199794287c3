// Times in words, in the reader's own zone, relative to the workspace's clock.
import { clockNow } from "./store.js";

const fmt = (options) => new Intl.DateTimeFormat("en-GB", options);
const TIME = fmt({ hour: "2-digit", minute: "2-digit" });
const TIME_SECS = fmt({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = fmt({ day: "numeric", month: "long", year: "numeric" });
const DATE_SHORT = fmt({ day: "numeric", month: "short", year: "numeric" });
const DATE_LONG = fmt({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const DATE_NUM = fmt({ year: "numeric", month: "2-digit", day: "2-digit" });
const FULL = fmt({
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

const asDate = (seconds) => new Date(Number(seconds) * 1000);
const dayOf = (date) => Math.floor((date.getTime() - date.getTimezoneOffset() * 60000) / 86400000);

/** Anything a server may call a time (unix seconds, ISO text) -> unix seconds, or null. */
export function toSeconds(value) {
  if (typeof value === "number") return value > 1e12 ? value / 1000 : value;
  if (typeof value !== "string" || value === "") return null;
  if (/^\d+(\.\d+)?$/.test(value)) return toSeconds(Number(value));
  const parsed = Date.parse(value);
  return Number.isNaN(parsed) ? null : parsed / 1000;
}

export const timeOf = (seconds) => TIME.format(asDate(seconds));
export const timeSecsOf = (seconds) => TIME_SECS.format(asDate(seconds));
export const fullTime = (seconds) => FULL.format(asDate(seconds));

export function dayLabel(seconds) {
  return pretty(seconds, DATE_LONG, true);
}

/** "today at 14:05", for lists that span days. */
export function whenLabel(seconds) {
  return `${pretty(seconds, DATE_SHORT, true)}, ${TIME_SECS.format(asDate(seconds))}`;
}

function pretty(seconds, format, capital = false) {
  const date = asDate(seconds);
  const diff = dayOf(date) - dayOf(asDate(clockNow()));
  const word = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[diff];
  if (!word) return format.format(date);
  return capital ? word[0].toUpperCase() + word.slice(1) : word;
}

export function ago(seconds) {
  const gap = Math.round(clockNow() - seconds);
  const size = Math.abs(gap);
  const [count, unit] =
    size < 60
      ? [size, "second"]
      : size < 3600
        ? [Math.floor(size / 60), "minute"]
        : size < 86400
          ? [Math.floor(size / 3600), "hour"]
          : [Math.floor(size / 86400), "day"];
  const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return gap >= 0 ? `${words} ago` : `in ${words}`;
}

export const sameDay = (a, b) => dayOf(asDate(a)) === dayOf(asDate(b));

const TOKENS = {
  date_num: (s) => DATE_NUM.format(asDate(s)).split("/").reverse().join("-"),
  date: (s) => DATE.format(asDate(s)),
  date_slash: (s) => DATE_NUM.format(asDate(s)),
  date_short: (s) => DATE_SHORT.format(asDate(s)),
  date_long: (s) => DATE_LONG.format(asDate(s)),
  date_pretty: (s) => pretty(s, DATE),
  date_short_pretty: (s) => pretty(s, DATE_SHORT),
  date_long_pretty: (s) => pretty(s, DATE_LONG),
  day_divider_pretty: (s) => pretty(s, DATE_LONG),
  time: (s) => TIME.format(asDate(s)),
  time_secs: (s) => TIME_SECS.format(asDate(s)),
  ago,
};

/** Slack's <!date^…> format string; null when the time cannot be read. */
export function slackDate(seconds, format) {
  const value = Number(seconds);
  if (!Number.isFinite(value) || Math.abs(value) > 8e12) return null;
  const text = format.replace(/\{(\w+)\}/g, (whole, name) =>
    Object.hasOwn(TOKENS, name) ? TOKENS[name](value) : whole,
  );
  return text === "" ? null : text[0].toUpperCase() + text.slice(1);
}
