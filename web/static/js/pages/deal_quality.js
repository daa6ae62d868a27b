/** Price adjustments: what a measure beyond its grade takes off, shown and chosen. */

import { h } from "../core/dom.js";
import { percent, whole } from "../core/numbers.js";
import { table } from "../core/parts.js";
import { countsField } from "../core/rows.js";
import { t, worded } from "../core/words.js";

/** The table of an instrument, for both sides of a deal. */
export function adjustments(rows) {
  if (rows.length === 0) return null;
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.quality.table")),
    h("p", { class: "note" }, t("page.quality.note")),
    table({
      rows,
      columns: [
        { label: t("page.quality.measure"), cell: ({ measure }) => worded("page.measure", measure) },
        { label: t("page.quality.at_least"), isNumber: true, cell: ({ at_least: from }) => whole(from) },
        { label: t("page.quality.discount"), isNumber: true, cell: ({ discount_bps: bps }) => percent(bps) },
      ],
    }),
  );
}

/** A field for what was measured, one figure for each measure of the table. */
export function gradedField(rows) {
  const measures = [...new Set(rows.map(({ measure }) => measure))];
  if (measures.length === 0) return null;
  return countsField({
    name: "graded",
    label: t("page.quality.measured"),
    options: measures.map((one) => [one, worded("page.measure", one)]),
    hint: t("page.quality.measured_hint"),
    isOptional: true,
  });
}

/** Return what measured values take off, in basis points: the highest row reached of each. */
export function discountOf(rows, graded) {
  const reached = (measure) =>
    rows
      .filter((row) => row.measure === measure && graded[measure] >= row.at_least)
      .map((row) => row.discount_bps);
  const sum = Object.keys(graded).reduce((found, one) => found + Math.max(0, ...reached(one)), 0);
  return Math.min(sum, 10_000);
}
