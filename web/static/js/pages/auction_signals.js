/** What an auction room calls out: outbid, prolonged, nearly over, over. */

import { now, timeOfDay } from "../core/clock.js";
import { h, say } from "../core/dom.js";
import { amount } from "../core/numbers.js";
import { call, soundSwitch } from "../core/signals.js";
import { t, worded } from "../core/words.js";

export const LIVING = ["scheduled", "open", "paused"];
const NEARLY = 60_000;

/** Returns `element`, to be shown once, and `take`, which hears of each state and the one before. */
export function signals() {
  const choice = h("p", { class: "signals" }, soundSwitch());
  const told = h("p", { class: "for-readers", "aria-live": "assertive" });
  let warnedOf = null;
  let auction = null;

  function aloud(text) {
    say(text);
    call(text);
  }

  function warn() {
    const { phase, closes_at: closesAt } = auction ?? {};
    const left = Date.parse(closesAt) - now();
    if (phase !== "open" || closesAt === warnedOf || left > NEARLY || left <= 0) return;
    warnedOf = closesAt;
    aloud(t("page.auction.last_minute"));
  }

  setInterval(warn, 1000);
  return {
    element: [choice, told],
    take(found, before) {
      auction = found;
      choice.hidden = !LIVING.includes(found.phase);
      if (!before) return;
      if (found.phase === "open" && found.extensions > before.extensions) {
        aloud(t("page.auction.extended", { at: timeOfDay(found.closes_at) }));
      }
      if (before.is_leading && found.is_leading === false) aloud(t("page.auction.outbid"));
      if (before.phase === "open" && found.phase !== "open") call(worded("state", found.phase));
      if (before.best !== found.best && found.best) {
        told.textContent = t("page.auction.best_now", { price: amount(found.best) });
      }
    },
  };
}
