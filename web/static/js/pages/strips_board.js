/** The forward board: curves of settled prices, my position by month, what bundling brought. */

import { curveChart } from "../charts/prices.js";
import { instrument, instrumentName, regionName } from "../core/catalogue.js";
import { month } from "../core/clock.js";
import { h } from "../core/dom.js";
import { amount, decimal, lots, minor } from "../core/numbers.js";
import { panel, table } from "../core/parts.js";
import { t } from "../core/words.js";

/** Return a drawing for each instrument and region with published prices. */
export function curves(found) {
  if (found.length === 0) return panel(t("page.forwards.curve"), h("p", { class: "empty" }, t("page.forwards.no_curve")));
  return h(
    "section",
    { class: "panel" },
    h("h2", {}, t("page.forwards.curve")),
    found.map((curve) => h("figure", {}, h("figcaption", {}, nameOf(curve)), drawing(curve))),
    found.some(({ points }) => points.length > 1) && h("p", { class: "note" }, t("page.forwards.curve_note")),
  );
}

/** The prices themselves are links below the drawing; a single month needs no drawing. */
function drawing({ instrument: id, region, points }) {
  return [
    points.length > 1 && curveChart(points).element,
    h(
      "p",
      { class: "links" },
      points.map(({ tenor, value }) =>
        h("a", { href: `/prices/${id}/${region}/${tenor}` }, `${month(tenor)} ${amount(value)}`),
      ),
    ),
  ];
}

/** Return what I take and deliver by month. */
export function position(rows) {
  if (!rows?.length) return null;
  const count = (row, lot) => lots(lot, instrument(row.instrument)?.lot_text);
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.forwards.position")),
    table({
      rows,
      columns: [
        { label: t("word.tenor"), cell: (row) => month(row.tenor) },
        { label: t("word.instrument"), cell: nameOf },
        { label: t("page.forwards.side"), cell: (row) => t(`page.deals.${row.side}`) },
        { label: t("page.contract.called"), isNumber: true, cell: (row) => count(row, row.called_lots) },
        { label: t("page.contract.left"), isNumber: true, cell: (row) => count(row, row.open_lots) },
        { label: t("page.forwards.goods"), isNumber: true, cell: (row) => amount(row.goods) },
      ],
    }),
  );
}

/** Return what each bundle cost me, and what my best single offer would have cost. */
export function gains(rows) {
  if (!rows?.length) return null;
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.forwards.gains")),
    table({
      rows,
      columns: [
        { label: t("page.strips.one"), cell: (row) => h("a", { href: `/strips/${row.strip_id}` }, row.title) },
        { label: t("page.strip.paid"), isNumber: true, cell: (row) => amount(row.paid) },
        { label: t("page.strip.single"), isNumber: true, cell: (row) => (row.single ? amount(row.single) : "—") },
        {
          label: t("page.strip.gain"),
          isNumber: true,
          cell: (row) => row.single && h("strong", { class: "gain" }, amount(decimal(minor(row.single) - minor(row.paid)))),
        },
      ],
    }),
  );
}

function nameOf({ instrument: id, region }) {
  return `${instrumentName(id)} · ${regionName(region)}`;
}
