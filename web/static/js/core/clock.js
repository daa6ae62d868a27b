/** The market's time. Deadlines are counted by the server's clock, never by the visitor's. */

import { h } from "./dom.js";
import { LOCALE } from "./numbers.js";
import { t } from "./words.js";

const SECOND = 1000;
const [MINUTE, HOUR, DAY] = [60 * SECOND, 3600 * SECOND, 86400 * SECOND];

// Counted on by a clock that nobody sets; what it stands for is learnt from the server.
let offset = performance.timeOrigin;
let isKnown = false;

const DAY_AND_TIME = new Intl.DateTimeFormat(LOCALE, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const DAY_ONLY = new Intl.DateTimeFormat(LOCALE, { month: "short", day: "numeric" });
const SECONDS = new Intl.DateTimeFormat(LOCALE, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const ZONE = new Intl.DateTimeFormat(LOCALE, { timeZoneName: "short" });
const DATE = new Intl.DateTimeFormat(LOCALE, {
  year: "numeric",
  month: "short",
  day: "numeric",
  timeZone: "UTC",
});
const MONTH = new Intl.DateTimeFormat(LOCALE, { year: "numeric", month: "short", timeZone: "UTC" });
const MONTH_HERE = new Intl.DateTimeFormat(LOCALE, { year: "numeric", month: "short" });
const MINUTES = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const RELATIVE = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

/** Return the market's time now, in milliseconds. */
export function now() {
  return performance.now() + offset;
}

/**
 * Take over a time the server told. It is at least that late, however long the word was under
 * way; where it was asked for `travelled` milliseconds ago, it is no later than that much more.
 */
export function learn(instant, travelled = Infinity) {
  const least = Date.parse(instant) - performance.now();
  if (isKnown) offset = Math.min(Math.max(offset, least), least + travelled);
  else offset = travelled < Infinity ? least + travelled / 2 : least;
  isKnown = true;
}

/** Return an instant in the visitor's zone, the zone named. */
export function instant(iso) {
  if (!iso) return h("span", {}, "—");
  return h("time", { datetime: iso, title: iso }, dayAndTime(Date.parse(iso)));
}

/** Return an instant as short as the step between two marks of an axis allows; midnight is a day. */
export function axisTime(at, step) {
  if (step < DAY && !toLocal(at).endsWith("00:00")) return MINUTES.format(at);
  return (step < 28 * DAY ? DAY_ONLY : MONTH_HERE).format(at);
}

/** Return an instant's time of day to the second. */
export function timeOfDay(iso) {
  const at = typeof iso === "number" ? iso : Date.parse(iso);
  return `${SECONDS.format(at)} ${zone(at)}`;
}

/** Return the name of the visitor's zone, as it is at an instant. */
export function zone(at = now()) {
  return ZONE.formatToParts(at).find((part) => part.type === "timeZoneName").value;
}

/** Return a delivery month in words. */
export function month(tenor) {
  return MONTH.format(Date.parse(`${tenor}-01T00:00:00Z`));
}

/** Return an element that counts down to an instant. */
export function countdown(iso) {
  return ticking(h("time", { datetime: iso, "data-until": iso, title: dayAndTime(Date.parse(iso)) }));
}

/** Return an element that says how long ago an instant was. */
export function age(iso) {
  return ticking(h("time", { datetime: iso, "data-since": iso, title: dayAndTime(Date.parse(iso)) }));
}

/** Return how long a span is: "2 d 04:10:09". */
export function span(milliseconds) {
  const left = Math.max(0, milliseconds);
  const days = Math.floor(left / DAY);
  const two = (size, per) => String(Math.floor(left / size) % per).padStart(2, "0");
  const clock = `${two(HOUR, 24)}:${two(MINUTE, 60)}:${two(SECOND, 60)}`;
  return days ? `${t("word.days", { days })} ${clock}` : clock;
}

/** Return a date, which is the same day in every zone. */
export function date(on) {
  return on && DATE.format(Date.parse(`${on}T00:00:00Z`));
}

/** Return the months from now on, as `YYYY-MM`. */
export function monthsAhead(count) {
  const from = new Date(now());
  return Array.from({ length: count }, (_, ahead) =>
    new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + ahead, 1)).toISOString().slice(0, 7),
  );
}

/** Return an instant as the value of a datetime-local input, in the visitor's zone. */
export function toLocal(milliseconds) {
  const at = new Date(milliseconds);
  const two = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Return the instant of a datetime-local value, or null where the zone has it not just once. */
export function fromLocal(value) {
  const at = Date.parse(value);
  const isThen = (later) => toLocal(at + later) === value.slice(0, 16);
  // Of a time that comes twice, as clocks go back by an hour or a half, the earlier is read.
  if (Number.isNaN(at) || !isThen(0) || isThen(HOUR / 2) || isThen(HOUR)) return null;
  return new Date(at).toISOString();
}

/** Return a time in the visitor's zone, the zone named. */
export function dayAndTime(at) {
  return `${DAY_AND_TIME.format(at)} ${zone(at)}`;
}

function ticking(element) {
  tick(element);
  return element;
}

function tick(element) {
  const { until, since } = element.dataset;
  const text = until ? untilText(Date.parse(until) - now()) : ago(now() - Date.parse(since));
  if (element.textContent !== text) element.textContent = text;
}

function untilText(left) {
  return left > 0 ? span(left) : t("word.time_is_up");
}

function ago(gone) {
  if (gone < MINUTE) return RELATIVE.format(-Math.max(0, Math.floor(gone / SECOND)), "second");
  if (gone < HOUR) return RELATIVE.format(-Math.floor(gone / MINUTE), "minute");
  if (gone < DAY) return RELATIVE.format(-Math.floor(gone / HOUR), "hour");
  return RELATIVE.format(-Math.floor(gone / DAY), "day");
}

setInterval(() => {
  document.querySelectorAll("time[data-until], time[data-since]").forEach(tick);
}, 250);
