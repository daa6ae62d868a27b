/** A drawing of prices that can be looked into: by buttons, by dragging, by keys. */

import { fill, h, svg } from "../core/dom.js";
import { amount, minor } from "../core/numbers.js";
import { t } from "../core/words.js";

// Drawn about as large as it is shown, so that its letters are as large as the page's.
const [WIDTH, RIGHT] = matchMedia("(max-width: 40rem)").matches ? [340, 64] : [960, 76];
const [HEIGHT, TOP, BOTTOM] = [210, 14, 28];
const LEAST = 2;

/**
 * Return a chart of `points`: `{ at, label, said, value }` with `at` a number that grows, `value` a
 * price as text, and `said` longer than the label of the axis where there is more to say. With `isCurve` the points are joined by dashes, which are no prices.
 */
export function chart({ points, label, isCurve = false }) {
  const said = h("output", { class: "note", "aria-live": "polite" });
  const drawn = h("div", { class: "chart-plot", tabindex: "0", role: "group", "aria-label": label });
  const view = { from: 0, to: points.length, chosen: points.length - 1, drag: null };
  const acts = [
    [t("page.prices.zoom_in"), () => zoom(-1)],
    [t("page.prices.zoom_out"), () => zoom(1)],
    [t("page.prices.zoom_all"), () => look(0, points.length)],
  ].map(([text, act]) => h("button", { type: "button", onclick: act }, text));

  function draw() {
    const shown = points.slice(view.from, view.to);
    const places = placed(shown);
    fill(drawn, picture(shown, places, { chosen: view.chosen - view.from, isCurve }));
    const { label: short, said: long = short, value } = points[view.chosen];
    said.textContent = `${long} · ${amount(value)}`;
    const isWhole = shown.length === points.length;
    acts[0].disabled = shown.length <= LEAST;
    acts[1].disabled = isWhole;
    acts[2].disabled = isWhole;
  }

  function look(from, to) {
    const size = Math.min(points.length, Math.max(LEAST, to - from));
    view.from = Math.max(0, Math.min(from, points.length - size));
    view.to = view.from + size;
    view.chosen = Math.min(view.to - 1, Math.max(view.from, view.chosen));
    draw();
  }

  function zoom(way) {
    const size = view.to - view.from;
    const wanted = way < 0 ? Math.ceil(size / 2) : size * 2;
    look(view.chosen - Math.floor(wanted / 2), view.chosen - Math.floor(wanted / 2) + wanted);
  }

  function choose(at) {
    view.chosen = Math.min(points.length - 1, Math.max(0, at));
    if (view.chosen < view.from) look(view.chosen, view.chosen + view.to - view.from);
    else if (view.chosen >= view.to) look(view.chosen + 1 - (view.to - view.from), view.chosen + 1);
    else draw();
  }

  /** Return the number of the point nearest to the pointer. */
  function under(event) {
    const box = drawn.getBoundingClientRect();
    const x = ((event.clientX - box.left) * WIDTH) / box.width;
    const places = placed(points.slice(view.from, view.to));
    const nearest = places.reduce((best, [px], at) => (Math.abs(px - x) < Math.abs(places[best][0] - x) ? at : best), 0);
    return view.from + nearest;
  }

  drawn.addEventListener("pointermove", (event) => choose(under(event)));
  drawn.addEventListener("pointerdown", (event) => {
    view.drag = under(event);
  });
  drawn.addEventListener("pointerup", (event) => {
    const [low, high] = [view.drag, under(event)].sort((one, other) => one - other);
    if (view.drag !== null && high - low >= LEAST) look(low, high + 1);
    view.drag = null;
  });
  drawn.addEventListener("keydown", (event) => {
    const act = {
      ArrowLeft: () => choose(view.chosen - 1),
      ArrowRight: () => choose(view.chosen + 1),
      Home: () => choose(0),
      End: () => choose(points.length - 1),
      "+": () => zoom(-1),
      "-": () => zoom(1),
      Escape: () => look(0, points.length),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  draw();
  return h("figure", { class: "zoomed" }, h("div", { class: "row" }, said, h("span", { class: "links" }, acts)), drawn);
}

function picture(shown, places, { chosen, isCurve }) {
  const [low, high] = bounds(shown);
  const [x] = places[chosen];
  const floor = HEIGHT - BOTTOM;
  const marks = [0, ...middle(places), shown.length - 1];
  return svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
    svg("line", { x1: 0, y1: TOP, x2: WIDTH - RIGHT, y2: TOP }),
    svg("line", { x1: 0, y1: floor, x2: WIDTH - RIGHT, y2: floor }),
    svg("text", { x: WIDTH - RIGHT + 8, y: TOP + 4 }, amount(high)),
    low !== high && svg("text", { x: WIDTH - RIGHT + 8, y: floor + 4 }, amount(low)),
    svg("line", { class: "here", x1: x, y1: TOP, x2: x, y2: floor }),
    svg("polyline", { class: isCurve ? "between" : null, points: places.map((point) => point.join(",")).join(" ") }),
    places.map(([px, py], at) => svg("circle", { cx: px, cy: py, r: at === chosen ? 5 : 3 })),
    marks.map((at) =>
      svg(
        "text",
        { x: places[at][0], y: HEIGHT - 8, "text-anchor": at === 0 ? "start" : at === shown.length - 1 ? "end" : "middle" },
        shown[at].label,
      ),
    ),
  );
}

/** Return the point in the middle, where its label would not touch those at the ends. */
function middle(places) {
  const centre = (WIDTH - RIGHT) / 2;
  const far = places.map(([x]) => Math.abs(x - centre));
  const at = far.indexOf(Math.min(...far));
  return far[at] < centre / 3 && places.length > 2 ? [at] : [];
}

/** Return the lowest and the highest price, as text. */
function bounds(shown) {
  const sorted = [...shown].sort((one, other) => (minor(one.value) < minor(other.value) ? -1 : 1));
  return [sorted[0].value, sorted.at(-1).value];
}

/** Return each point's place, exact enough for a drawing. */
function placed(shown) {
  const [low, high] = bounds(shown).map(minor);
  const range = Number(high - low);
  const [first, last] = [shown[0].at, shown.at(-1).at];
  const [left, right] = [8, WIDTH - RIGHT - 8];
  return shown.map(({ at, value }) => [
    round(last === first ? (left + right) / 2 : left + ((right - left) * (at - first)) / (last - first)),
    round(
      range === 0
        ? (TOP + HEIGHT - BOTTOM) / 2
        : TOP + ((HEIGHT - BOTTOM - TOP) * Number(high - minor(value))) / range,
    ),
  ]);
}

function round(value) {
  return Math.round(value * 10) / 10;
}
