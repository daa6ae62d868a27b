/** The forward board: curves of settled prices, my position by month, what bundling brought. */

import { instrument, instrumentName, regionName } from "../core/catalogue.js";
import { month } from "../core/clock.js";
import { h, svg } from "../core/dom.js";
import { amount, decimal, lots, minor } from "../core/numbers.js";
import { panel, table } from "../core/parts.js";
import { t } from "../core/words.js";

const WIDTH = 1000;
const HEIGHT = 150;
const MARGIN = 24;

/** Return a drawing for each instrument and region with published prices. */
export function curves(found) {
  if (found.length === 0) return panel(t("page.forwards.curve"), h("p", { class: "empty" }, t("page.forwards.no_curve")));
  return h(
    "section",
    { class: "panel" },
    h("h2", {}, t("page.forwards.curve")),
    found.map((curve) => h("figure", {}, h("figcaption", {}, nameOf(curve)), drawing(curve))),
    h("p", { class: "note" }, t("page.forwards.curve_note")),
  );
}

/** Known months are points; the dashes between them are no prices. */
function drawing({ instrument: id, region, points }) {
  const numbers = points.map(({ tenor }) => monthNumber(tenor));
  const span = Math.max(1, numbers.at(-1) - numbers[0]);
  const prices = points.map(({ value }) => minor(value));
  const low = prices.reduce((one, other) => (other < one ? other : one));
  const high = prices.reduce((one, other) => (other > one ? other : one));
  const range = Number(high - low) || 1;
  const places = points.map((point, at) => ({
    ...point,
    x: points.length === 1 ? WIDTH / 2 : 60 + ((WIDTH - 120) * (numbers[at] - numbers[0])) / span,
    y: high === low ? HEIGHT / 2 : MARGIN + ((HEIGHT - 2 * MARGIN) * Number(high - prices[at])) / range,
  }));
  const words = points.map(({ tenor, value }) => `${month(tenor)} ${amount(value)}`).join(", ");
  return svg(
    "svg",
    { class: "chart curve", viewBox: `0 0 ${WIDTH} ${HEIGHT + 24}`, role: "group", "aria-label": words },
    svg("polyline", { class: "between", points: places.map(({ x, y }) => `${round(x)},${round(y)}`).join(" ") }),
    places.map(({ tenor, value, x, y }) =>
      svg(
        "a",
        { href: `/prices/${id}/${region}/${tenor}` },
        svg("circle", { cx: round(x), cy: round(y), r: 4 }),
        svg("text", { x: round(x), y: round(y) - 9, "text-anchor": "middle" }, amount(value)),
        svg("text", { x: round(x), y: HEIGHT + 16, "text-anchor": "middle" }, month(tenor)),
      ),
    ),
  );
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

function monthNumber(tenor) {
  const [year, number] = tenor.split("-").map(Number);
  return year * 12 + number;
}

function round(value) {
  return Math.round(value * 10) / 10;
}
