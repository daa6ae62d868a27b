/** The two drawings of prices: one cell over time, and one region's delivery months. */

import { axisTime, dayAndTime, month } from "../core/clock.js";
import { amount, minor } from "../core/numbers.js";
import { t } from "../core/words.js";
import { colour, plot } from "./plot.js";
import uPlot from "../../vendor/uplot/uPlot.esm.js";

const BRAND = () => colour("--brand");
const DOTS = { show: true, size: 7, stroke: BRAND, fill: BRAND };
const MONTHS = [1, 2, 3, 6, 12, 24, 60];

/** Return a cell's publications over time, in the visitor's zone: each holds until the next. */
export function historyChart(prices) {
  return plot({
    label: t("page.prices.chart"),
    points: published(prices),
    lines: [{ stroke: BRAND, width: 2, points: DOTS, paths: uPlot.paths.stepped({ align: 1 }) }],
    across: { values: (_, at, __, ___, step) => at.map((one) => axisTime(one * 1000, step * 1000)) },
    isTime: true,
  });
}

/** Return publications as points of the drawing, whose numbers are for the eye alone. */
export function published(prices) {
  return prices.map(({ at, value }) => ({
    at: Date.parse(at) / 1000,
    value: height(value),
    said: `${dayAndTime(Date.parse(at))} · ${amount(value)}`,
  }));
}

/** Return a curve by delivery month. A month without a price is a gap that dashes cross. */
export function curveChart(points) {
  const known = new Map(points.map(({ tenor, value }) => [monthNumber(tenor), value]));
  const [first, last] = [Math.min(...known.keys()), Math.max(...known.keys())];
  const shown = Array.from({ length: last - first + 1 }, (_, at) => inMonth(first + at, known.get(first + at)));
  return plot({
    label: t("page.prices.curve_chart"),
    points: shown,
    lines: [
      { stroke: BRAND, width: 1.5, dash: [5, 5], spanGaps: true, points: { show: false } },
      { stroke: BRAND, width: 2, points: DOTS },
    ],
    across: { incrs: MONTHS, values: (_, at) => at.map((one) => month(tenorOf(one))) },
  });
}

function inMonth(number, value) {
  const said = value === undefined ? t("page.prices.unpublished") : amount(value);
  return { at: number, value: value === undefined ? null : height(value), said: `${month(tenorOf(number))} · ${said}` };
}

function height(value) {
  return Number(minor(value)) / 100;
}

function monthNumber(tenor) {
  const [year, number] = tenor.split("-").map(Number);
  return year * 12 + number - 1;
}

function tenorOf(number) {
  return `${Math.floor(number / 12)}-${String((number % 12) + 1).padStart(2, "0")}`;
}
