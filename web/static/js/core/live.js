/** What stays fresh on a page: one feed for all of it, and asking anew where there is none. */

import { get, send } from "./api.js";
import { learn, timeOfDay, now } from "./clock.js";
import { Feed } from "./feed.js";
import { t } from "./words.js";

const ASK_EVERY = 5000;
const STALE_AFTER = 15_000;

const isMember = document.body.dataset.organisation !== "";
let feed = null;
let lostAt = null;
let askedAt = null;
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
      else lostAt ??= now() - (Date.now() - feed.heardAt);
      showLine();
    },
    onTime: learn,
  });
  feed.start();
  setInterval(showLine, 1000);
}

/**
 * Keep a page from going back in time. `take` shows what the feed tells; `ask` reads and shows
 * the answer, unless something that was told or asked for later is shown already.
 */
export function newest(read, show) {
  let begun = 0;
  let shown = 0;
  const taken = (number, found) => {
    if (number < shown) return;
    shown = number;
    show(found);
  };
  return {
    take: (found) => taken(++begun, found),
    async ask() {
      const number = ++begun;
      taken(number, await read());
    },
  };
}

/**
 * Keep something fresh. With `topic` every view of the feed is shown; `path` is asked first,
 * and again and again while the feed cannot serve. With `refetch` the topic only says when.
 * A page that asks by itself too hands in its own `source`, as `newest` makes it.
 */
export async function live({ topic, path, show, source, refetch = false }) {
  const { take, ask } = source ?? newest(() => get(path), show);
  let isServed = false;
  if (topic && (isMember || topic.startsWith("prices:"))) {
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
      },
    );
  }
  if (path || source) {
    setInterval(() => {
      if ((isServed && feed.isOpen) || document.hidden) return;
      ask().then(
        () => {
          askedAt = now();
        },
        () => {},
      );
    }, ASK_EVERY);
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

/** Whether what the page shows may be out of date. */
function isStale() {
  return state !== "live" && lostAt !== null && now() - lostAt > STALE_AFTER;
}

function showLine() {
  const line = document.getElementById("line");
  const isAsked = lostAt !== null && askedAt > lostAt && now() - askedAt < STALE_AFTER;
  const word = state === "ended" || !isStale() ? state : isAsked ? "polling" : "stale";
  const text = t(`page.line.${word}`, { at: lostAt ? timeOfDay(lostAt) : "" });
  document.body.dataset.line = word;
  if (line.dataset.state === word && line.textContent === text) return;
  line.hidden = false;
  line.dataset.state = word;
  line.textContent = text;
  line.title = word === "live" && !feed.canVerify ? t("page.line.unverified") : "";
}
