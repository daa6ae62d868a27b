/** The terms of forward orders and offers in words. */

import { month } from "../core/clock.js";
import { amount, decimal, minor } from "../core/numbers.js";
import { t } from "../core/words.js";

/** Return steps by month in words. */
export function stepsText(page, { steps }) {
  return Object.entries(steps)
    .map(([tenor, listed]) => `${month(tenor)}: ${listed.map((step) => stepText(page, step)).join(t("word.comma"))}`)
    .join(" · ");
}

/** Return one step in words; what a reader may not see of it is null. */
export function stepText(page, { lots, price }) {
  return lots === null ? amount(price) : `${page.lots(lots)} × ${amount(price)}`;
}

/** Return total-volume breaks in words. */
export function breaksText(page, { breaks }) {
  return breaks
    .map(({ lots, rebate }) => t("page.strip.rebate_from", { lots: page.lots(lots), rebate: amount(rebate) }))
    .join(" · ");
}

/** Return storage in words, with what it keeps once the window is cleared. */
export function storageText(page, { storage }) {
  return storage
    .map(({ from, to, lots, carry, kept_lots: kept }) => {
      const room = { from: month(from), to: month(to), lots: page.lots(lots), carry: amount(carry) };
      const text = t("page.strip.storage_room", room);
      return kept ? `${text} (${t("page.strip.kept", { lots: page.lots(kept) })})` : text;
    })
    .join(" · ");
}

/** Return the make-whole line of a firm as a fact, or nothing where there is none. */
export function wholeFact(line) {
  const found = minor(line);
  if (found === 0n) return null;
  return found > 0n
    ? [t("page.strip.made_whole"), amount(line)]
    : [t("page.strip.makes_whole"), amount(decimal(-found))];
}
