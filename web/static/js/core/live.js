/** What stays fresh on a page: one feed for all of it, and asking anew where there is none. */

import { askTime, get, send } from "./api.js";
import { learn, timeOfDay, now } from "./clock.js";
import { Feed } from "./feed.js";
import { t } from "./words.js";

const ASK_EVERY = 5000;
const LATE = 3000;
const STALE_AFTER = 8000;
const CONFIRMED_AFTER = 1500;

const isMember = document.body.dataset.organisation !== "";
const passed = [];
const onLine = [];
let feed = null;
let lostAt = null;
let askedAt = null;
let told = null;
let doubtedAt = null;
let clockAskedAt = -Infinity;
let isPolled = false;
let state = "connecting";

/** Open the feed and keep the word about its line up to date. */
export function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  feed = new Feed({
    url: `${scheme}://${location.host}/feed`,
    ticket: async () => (isMember ? (await send("POST", "/feed-tickets")).ticket : null),
    onState: (found) => {
      state = found;
      if (found === "live") lostAt = null;
      // A silent line was lost when it was last heard, not when the silence was noticed.
      else lostAt ??= isLate() ? told.at : now() - (performance.now() - feed.heardAt);
      showLine();
    },
    onTime: (instant) => {
      learn(instant);
      told = { at: Date.parse(instant), heard: performance.now() };
      showLine();
    },
  });
  feed.start();
  setInterval(showLine, 1000);
}

/**
 * Keep a page from going back in time. `take` shows what the feed tells; `ask` reads and shows
 * the answer, unless something that was told or asked for later is shown already. What comes
 * over a line that lags is as old as the line, and waits where something newer is shown.
 */
export function newest(read, show) {
  let shown = -Infinity;
  let latest = null;
  const taken = (at, found) => {
    if (at < shown) return false;
    shown = at;
    show(found);
    return true;
  };
  passed.push((at) => {
    if (latest?.isHidden && at >= latest.until && taken(at, latest.found)) latest.isHidden = false;
  });
  return {
    take(found) {
      const isTaken = taken(isDoubtful() ? heardOf() : performance.now() - lag(), found);
      latest = { found, heard: performance.now(), until: -Infinity, isHidden: !isTaken };
    },
    async ask() {
      const begun = performance.now();
      const answer = await read();
      if (!taken(begun, answer) || latest === null) return;
      // What the line told meanwhile may be older or newer than the answer: that it is not older
      // is known when the line has come as far as the answer.
      if (latest.heard < begun) latest = null;
      else Object.assign(latest, { until: performance.now(), isHidden: true });
    },
  };
}

/** Hear now, and whenever it changes, whether what is shown is what the market has. */
export function whenFresh(hear) {
  onLine.push(hear);
  hear(isFresh(), asOf());
}

/**
 * Keep something fresh. With `topic` every view of the feed is shown; `path` is asked first,
 * and again and again while the feed cannot serve. With `refetch` the topic only says when.
 * A page that asks by itself too hands in its own `source`, as `newest` makes it.
 */
export async function live({ topic, path, show, source, refetch = false }) {
  const { take, ask } = source ?? newest(() => get(path), show);
  let isServed = false;
  const isTold = topic && (isMember || topic.startsWith("prices:"));
  if (!isTold) isPolled = true;
  if (isTold) {
    const later = gathered(() => ask().catch(() => {}));
    feed.subscribe(
      topic,
      (view) => {
        isServed = true;
        if (refetch) later();
        else take(view);
      },
      () => {
        isServed = false;
        isPolled = true;
      },
    );
  }
  if (path || source) {
    setInterval(() => {
      if ((isServed && state === "live" && !isLate()) || document.hidden) return;
      const begun = now();
      ask().then(
        () => {
          askedAt = begun;
          showLine();
        },
        () => {},
      );
    }, ASK_EVERY);
    askedAt = now();
    await ask();
  }
}

/** Hear of every view of a topic. */
export function follow(topic, onView) {
  feed.subscribe(topic, onView);
}

/** Return a function that calls `act` once for a burst of calls. */
export function gathered(act, wait = 120) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        await act();
      } catch (error) {
        // A refusal (signed out elsewhere, no line) leaves what is shown; the line's state tells.
        if (error.status === undefined) throw error;
      }
    }, wait);
  };
}

/** Return by how much the line lagged behind the market when it last told the time. */
function lag() {
  return told === null ? 0 : Math.max(0, now() - (performance.now() - told.heard) - told.at);
}

/** Return until when all that happened has been heard of, by `performance.now()`. */
function heardOf() {
  return told === null ? 0 : told.heard - lag();
}

/** Whether the line seems to bring what is past, or nothing. */
function isDoubtful() {
  if (state !== "live" || told === null) return false;
  return lag() > LATE || performance.now() - told.heard > feed.heartbeat * 1000 + LATE;
}

/** Whether it does, by a clock that was set anew meanwhile, if the line let it be. */
function isLate() {
  return doubtedAt !== null && performance.now() - doubtedAt > CONFIRMED_AFTER;
}

/** A slow line and a slow clock look alike until the time is asked for. */
function doubt() {
  if (!isDoubtful()) {
    doubtedAt = null;
    clockAskedAt = -Infinity;
    return;
  }
  doubtedAt ??= performance.now();
  if (performance.now() - clockAskedAt < ASK_EVERY) return;
  clockAskedAt = performance.now();
  askTime().then(showLine, () => {});
}

/** Return from when on there may be something that is not shown. */
function asOf() {
  return (isPolled ? askedAt : (lostAt ?? told?.at)) ?? now();
}

/** Return what to call the line. */
function word() {
  if (state === "ended") return state;
  if (isPolled) return isAsked() ? "polling" : "stale";
  const isStale = isLate() || (state !== "live" && lostAt !== null && now() - lostAt > STALE_AFTER);
  if (!isStale) return state;
  if (isAsked()) return "polling";
  return state === "live" ? "late" : "stale";
}

function isAsked() {
  return askedAt !== null && askedAt >= asOf() && now() - askedAt < STALE_AFTER;
}

function isFresh() {
  return isAsked() || word() === "live";
}

function showLine() {
  doubt();
  for (const show of passed) show(heardOf());
  const line = document.getElementById("line");
  const found = word();
  const text = t(`page.line.${found}`, { at: timeOfDay(asOf()) });
  const freshness = String(isFresh());
  if (line.dataset.state === found && line.textContent === text && line.dataset.fresh === freshness) return;
  document.body.dataset.line = found;
  line.hidden = false;
  Object.assign(line.dataset, { state: found, fresh: freshness });
  line.textContent = text;
  line.title = found === "live" && !feed.canVerify ? t("page.line.unverified") : "";
  for (const hear of onLine) hear(isFresh(), asOf());
}
