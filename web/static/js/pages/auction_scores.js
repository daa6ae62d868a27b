/** Scored terms of a bid: what is asked for, sent, and shown of what they are worth. */

import { amount } from "../core/numbers.js";
import { t } from "../core/words.js";

export const isScored = ({ criteria }) => criteria.length > 0;

/** Return a form's field for each scored term. */
export function scoreFields(auction) {
  return auction.criteria.map(({ name, unit: worth, lowest, highest }, at) => ({
    name: `score-${at}`,
    label: name,
    type: "lots",
    hint: t("page.auction.score_range", { lowest, highest, worth: amount(worth) }),
  }));
}

/** Return what was typed into them as the market takes it. */
export function attributesOf(auction, values) {
  if (!isScored(auction)) return {};
  return { attributes: Object.fromEntries(auction.criteria.map(({ name }, at) => [name, values[`score-${at}`]])) };
}

/** Return what one's own score is made of: the price, and what each scored term added. */
export function scoreLines({ my_score: score, my_best: price, my_score_parts: parts = [] }) {
  if (!score) return [];
  return [
    [t("page.auction.my_score"), amount(score)],
    [t("word.price"), amount(price)],
    ...parts.map(({ name, value, unit: worth, worth: added }) => [
      name,
      `${value} × ${amount(worth)} = ${amount(added)}`,
    ]),
  ];
}
