/** A drawing of prices that can be looked into: by dragging, by buttons, by keys, by a finger. */

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { h } from "../core/dom.js";
import { LOCALE } from "../core/numbers.js";
import { t } from "../core/words.js";

const HEIGHT = 250;
const LEAST = 2;
const MARGIN = 0.02;
const NUMBERS = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 });
const DARK = matchMedia("(prefers-color-scheme: dark)");

/** Return a colour of the page, as it is in light or in dark. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Return a drawing as `{ element, take }`. `take` shows other points; what was looked into stays
 * in view. Points are `{ at, value, said }`: `at` a number that grows, `value` a number or null
 * where there is none, and `said` the exact words. Each of `lines` is a series of uPlot, and
 * `across` its lower axis, which keeps the visitor's calendar where `isTime`.
 */
export function plot({ label, points: first, lines, across, isTime = false }) {
  const said = h("output", { class: "note", "aria-live": "polite" });
  const drawn = h("div", { class: "chart-plot", tabindex: "0", role: "group", "aria-label": label });
  const view = { points: first, from: 0, to: first.length, chosen: first.length - 1 };
  const acts = [
    [t("page.prices.zoom_in"), () => zoom(-1)],
    [t("page.prices.zoom_out"), () => zoom(1)],
    [t("page.prices.zoom_all"), whole],
  ].map(([text, act]) => h("button", { type: "button", onclick: act }, text));
  const drawing = new uPlot(
    {
      width: 320,
      height: HEIGHT,
      legend: { show: false },
      scales: { x: { time: isTime, range: (_, low, high) => widened(low, high) } },
      axes: [axis({ size: 34, space: 84, ...across }), axis({ size: 74, space: 40, values: grouped })],
      series: [{}, ...lines],
      cursor: { y: false, drag: { setScale: false, dist: 8 }, bind: { dblclick: () => whole } },
      hooks: { setCursor: [pointed], setSelect: [dragged] },
    },
    columns(first, lines),
    drawn,
  );
  const canvas = drawing.ctx.canvas;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);

  function tell() {
    said.textContent = view.points[view.chosen].said;
    const shown = view.to - view.from;
    acts[0].disabled = shown <= LEAST;
    acts[1].disabled = acts[2].disabled = shown === view.points.length;
  }

  function look(from, to) {
    const count = view.points.length;
    const size = Math.min(count, Math.max(LEAST, to - from));
    view.from = Math.max(0, Math.min(from, count - size));
    view.to = view.from + size;
    view.chosen = Math.min(view.to - 1, Math.max(view.from, view.chosen));
    drawing.setScale("x", { min: view.points[view.from].at, max: view.points[view.to - 1].at });
    drawn.dataset.shown = String(size);
    tell();
  }

  function whole() {
    look(0, view.points.length);
  }

  function zoom(way) {
    const size = view.to - view.from;
    const wanted = way < 0 ? Math.ceil(size / 2) : size * 2;
    const from = view.chosen - Math.floor(wanted / 2);
    look(from, from + wanted);
  }

  function choose(wanted) {
    const at = Math.min(view.points.length - 1, Math.max(0, wanted));
    const size = view.to - view.from;
    view.chosen = at;
    if (at < view.from) look(at, at + size);
    else if (at >= view.to) look(at + 1 - size, at + 1);
    tell();
    drawing.setCursor({ left: drawing.valToPos(view.points[at].at, "x"), top: 0 });
  }

  function pointed({ cursor: { idx } }) {
    if (typeof idx !== "number" || idx === view.chosen || idx >= view.points.length) return;
    view.chosen = idx;
    tell();
  }

  function dragged({ select: { left, width } }) {
    if (width === 0) return;
    const [low, high] = [drawing.posToIdx(left), drawing.posToIdx(left + width)];
    drawing.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    look(low, high + 1);
  }

  drawing.over.addEventListener("pointermove", ({ pointerType, clientX }) => {
    if (pointerType !== "touch") return;
    drawing.setCursor({ left: clientX - drawing.over.getBoundingClientRect().left, top: 0 });
  });
  drawn.addEventListener("keydown", (event) => {
    const act = {
      ArrowLeft: () => choose(view.chosen - 1),
      ArrowRight: () => choose(view.chosen + 1),
      Home: () => choose(0),
      End: () => choose(view.points.length - 1),
      "+": () => zoom(-1),
      "-": () => zoom(1),
      Escape: whole,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.floor(contentRect.width);
    if (width > 0) drawing.setSize({ width, height: HEIGHT });
  }).observe(drawn);
  DARK.addEventListener("change", () => drawing.redraw(false, true));
  whole();
  return {
    element: h("figure", { class: "zoomed" }, h("div", { class: "row" }, said, h("span", { class: "links" }, acts)), drawn),
    take(points) {
      const wasWhole = view.to - view.from === view.points.length;
      const wasLast = view.chosen === view.points.length - 1;
      view.points = points;
      if (wasLast) view.chosen = points.length - 1;
      drawing.setData(columns(points, lines), false);
      if (wasWhole) whole();
      else look(view.from, view.to);
    },
  };
}

/** Return the points as uPlot takes them: places, then the values of each line. */
function columns(points, lines) {
  const values = points.map(({ value }) => value);
  return [points.map(({ at }) => at), ...lines.map(() => values)];
}

function grouped(_, at) {
  return at.map((one) => NUMBERS.format(one));
}

function axis(own) {
  return {
    font: "12px system-ui, sans-serif",
    stroke: () => colour("--soft"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
    ...own,
  };
}

/** Return the ends a little wider, so that no point is cut in half. */
function widened(low, high) {
  const more = (high - low) * MARGIN;
  return [low - more, high + more];
}
