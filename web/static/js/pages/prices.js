/** One cell's publications: chart, table, and the file. */

import { curveChart, historyChart, published } from "../charts/prices.js";
import { get } from "../core/api.js";
import { cellName, instrument, instrumentName, regionName } from "../core/catalogue.js";
import { age, instant, month } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { live } from "../core/live.js";
import { amount, change, direction, priceUnit } from "../core/numbers.js";
import { empty, head, panel, table, tiles } from "../core/parts.js";
import { t, worded } from "../core/words.js";

export async function show(main, { instrument: id, region, tenor }) {
  const cell = `${id}/${region}/${tenor}`;
  const body = h("div", { class: "stack live" });
  const curve = h("div");
  const shown = { figures: h("div"), drawing: h("div"), note: h("div"), rest: h("div", { class: "stack" }) };
  const drawn = drawnOnce();
  fill(main, head(cellName(cell), { back: "/", note: t("page.prices.note") }), h("div", { class: "stack" }, body, curve));
  const show = async () => {
    const prices = await history(cell);
    const rule = await waitsFor(cell);
    if (prices.length === 0) return showNone(body, rule);
    if (!shown.rest.isConnected) {
      fill(body, panel(null, shown.figures, shown.drawing, shown.note), shown.rest);
    }
    const drawing = drawn(prices);
    // It stays where it is, or whoever looks into it would lose it from under his hands.
    if (drawing && !drawing.isConnected) fill(shown.drawing, drawing);
    return showPrices(shown, cell, { prices, rule });
  };
  await live({ topic: `prices:${cell}`, path: "/time", show, refetch: true });
  await showCurve(curve, id, region, tenor);
}

async function history(cell) {
  try {
    return (await get(`/prices/${cell}`)).prices;
  } catch (error) {
    if (error.status === 404) return [];
    throw error;
  }
}

/** Return the rule that keeps the cell's waiting deals unpublished, if any wait. */
async function waitsFor(cell) {
  const { cells } = await get("/prices");
  return cells.find((row) => row.cell === cell)?.suppressed_by;
}

function showNone(body, rule) {
  fill(
    body,
    panel(
      null,
      empty(t("page.prices.none"), " ", rule && worded("rule", `price.${rule}`)),
      h("p", { class: "note" }, t("page.prices.why")),
    ),
  );
}

function showPrices({ figures, note, rest }, cell, { prices, rule }) {
  const last = prices.at(-1);
  const unit = priceUnit(last.currency, instrument(cell.split("/")[0])?.lot_text);
  fill(
    figures,
    tiles([
      [t("page.board.price"), [amount(last.value), " ", h("span", { class: "unit" }, unit)], "large"],
      last.change && [
        t("page.board.change"),
        h("span", { class: direction(last.change) }, change(last.change)),
      ],
      [t("page.board.age"), age(last.at)],
      [t("page.board.number"), String(last.number)],
      [t("page.board.volume"), last.volume_band.replace("-", "–")],
    ]),
  );
  fill(
    note,
    rule && h("p", { class: "note" }, `${t("page.prices.next_waits")} ${worded("rule", `price.${rule}`)}`),
  );
  fill(
    rest,
    h(
      "section",
      { class: "panel plain" },
      h(
        "div",
        { class: "title" },
        h("h2", {}, t("page.prices.history")),
        h("a", { href: `/api/v1/prices/${cell}/history.csv`, download: true }, t("page.prices.csv")),
      ),
      table({
        rows: prices.toReversed(),
        columns: [
          { label: t("page.board.number"), cell: (price) => String(price.number) },
          { label: t("word.price"), isNumber: true, cell: (price) => h("strong", {}, amount(price.value)) },
          {
            label: t("page.board.change"),
            isNumber: true,
            cell: (price) =>
              price.change && h("span", { class: direction(price.change) }, change(price.change)),
          },
          { label: t("word.at"), cell: (price) => instant(price.at) },
          {
            label: t("page.board.volume"),
            isNumber: true,
            cell: (price) => price.volume_band.replace("-", "–"),
          },
          { label: t("page.prices.deals"), isNumber: true, cell: (price) => price.size_band.replace("-", "–") },
          { label: t("page.prices.method"), cell: (price) => h("span", { title: price.method }, worded("page.prices.method_of", price.method)) },
          {
            label: t("page.prices.inputs"),
            cell: (price) =>
              h("span", { class: "mono", title: price.inputs_sha256 }, price.inputs_sha256.slice(0, 12)),
          },
        ],
      }),
    ),
    h("p", { class: "note" }, t("page.prices.why")),
  );
}

/** Return what draws the history and later takes the newer prices, where there are two at all. */
function drawnOnce() {
  let drawing = null;
  return (prices) => {
    if (prices.length < 2) return null;
    if (drawing) drawing.take(published(prices));
    else drawing = historyChart(prices);
    return drawing.element;
  };
}

async function showCurve(curve, id, region, tenor) {
  const { points } = await get(`/curves/${id}/${region}`);
  if (points.length < 2) return;
  fill(
    curve,
    h(
      "section",
      { class: "panel plain" },
      h("h2", {}, t("page.prices.curve", { name: `${instrumentName(id)} · ${regionName(region)}` })),
      h("div", { class: "inset" }, curveChart(points).element, h("p", { class: "note" }, t("page.forwards.curve_note"))),
      table({
        rows: points,
        rowClass: (point) => (point.tenor === tenor ? "chosen" : ""),
        columns: [
          {
            label: t("word.tenor"),
            cell: (point) => h("a", { href: `/prices/${id}/${region}/${point.tenor}` }, month(point.tenor)),
          },
          { label: t("word.price"), isNumber: true, cell: (point) => amount(point.value) },
          { label: t("page.board.age"), cell: (point) => age(point.at) },
        ],
      }),
    ),
  );
}
