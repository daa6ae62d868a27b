/** Parts that several pages are made of. */

import { h, say, svg } from "./dom.js";
import { amount, minor } from "./numbers.js";
import { signInPath } from "./problem.js";
import { isMember } from "./viewer.js";
import { t, worded } from "./words.js";

const TONES = {
  open: "good",
  gathering: "good",
  firming: "warn",
  awarded: "good",
  bought: "good",
  reached: "good",
  sent: "good",
  settled: "good",
  cleared: "good",
  paused: "warn",
  scheduled: "",
  closed: "",
  cancelled: "bad",
  lapsed: "bad",
  disputed: "bad",
  defaulted: "bad",
  returned: "warn",
  formed: "warn",
  proposed: "warn",
  unverified: "warn",
  verified: "good",
  standing: "good",
  withdrawn: "",
  expired: "",
};

/** Return a small mark that names a state. */
export function chip(state) {
  return h("span", { class: `chip ${TONES[state] ?? ""}`.trim() }, worded("state", state));
}

/** Return the head of a page: its title, what stands beside it, and a line below. */
export function head(title, { aside, note, back } = {}) {
  return [
    back && h("a", { class: "back", href: back }, `‹ ${t("page.back")}`),
    h("div", { class: "head" }, h("h1", {}, title), aside, note && h("p", { class: "note" }, note)),
  ];
}

export function panel(title, ...children) {
  return h("section", { class: "panel" }, title && h("h2", {}, title), ...children);
}

/**
 * Return the two columns of a page. On a narrow screen `lead` comes first, then what there is
 * to do, then the rest.
 */
export function columns(lead, aside, rest, label, { isBroad = false } = {}) {
  lead.classList.add("lead");
  rest?.classList.add("rest");
  aside.setAttribute("aria-label", label);
  return h("div", { class: isBroad ? "columns broad" : "columns" }, lead, aside, rest);
}

/** Return figures with their labels in a row. */
export function tiles(pairs) {
  return h(
    "dl",
    { class: "tiles" },
    pairs
      .filter(Boolean)
      .map(([label, value, className]) =>
        h("div", { class: `tile ${className ?? ""}`.trim() }, h("dt", {}, label), h("dd", {}, value)),
      ),
  );
}

/** Return labels and values, one pair a line. */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs.filter(Boolean).map(([label, value]) => [h("dt", {}, label), h("dd", {}, value)]),
  );
}

/**
 * Return a table. A column is `{ label, cell(row), isNumber, className }`; the first is the
 * row's heading. On a narrow screen each row becomes a card that repeats the labels. Where
 * `across(row)` returns something, it stands in the place of all other cells of the row. The
 * last column of a ledger is its amount, which stays to the right of the heading.
 */
export function table({ columns: shown, rows, rowClass, foot, across, isLedger = false }) {
  const about = (column, at) => ({
    class: [column.isNumber && "number", column.className].filter(Boolean).join(" ") || null,
    "data-label": at > 0 ? column.label : null,
  });
  const cells = (row) => {
    const wide = across?.(row);
    if (wide) return h("td", { class: "across", colspan: shown.length - 1 }, wide);
    return shown.slice(1).map((column, at) => h("td", about(column, at + 1), column.cell(row)));
  };
  return h(
    "table",
    { class: isLedger ? "reflow ledger" : "reflow" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        shown.map((column) =>
          h("th", { scope: "col", class: column.isNumber ? "number" : null }, column.label),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          { class: rowClass?.(row) || null },
          h("th", { scope: "row", ...about(shown[0], 0) }, shown[0].cell(row)),
          cells(row),
        ),
      ),
    ),
    foot && h("tfoot", {}, foot),
  );
}

/** Return the stages of a life with the present one marked. */
export function stages(names, present, { aside } = {}) {
  const at = names.indexOf(present);
  return h(
    "ol",
    { class: "stages" },
    names.map((name, place) =>
      h(
        "li",
        { class: at >= 0 && place < at ? "past" : null, "aria-current": name === present ? "step" : null },
        worded("state", name),
      ),
    ),
    at < 0 && present && h("li", { class: "aside", "aria-current": "step" }, worded("state", aside ?? present)),
  );
}

/** Return an invitation's link as it is passed on; what stands after the hash no server sees. */
export function linkOf(token) {
  const address = `${location.origin}/join#${token}`;
  const copy = () => navigator.clipboard?.writeText(address).then(() => say(t("page.people.copied")));
  return [
    h("p", { class: "banner" }, t("page.people.invited")),
    h("p", { class: "mono" }, address),
    navigator.clipboard && h("p", {}, h("button", { type: "button", onclick: copy }, t("page.people.copy"))),
  ];
}

export function empty(...children) {
  return h("p", { class: "empty" }, ...children);
}

/** Return what a stranger reads where a member would act. */
export function signInFirst() {
  if (isMember) return null;
  return h("p", {}, h("a", { class: "button main", href: signInPath() }, t("page.sign_in_to_act")));
}

/** Return a small line of prices, oldest first; nothing says more than the shape. */
export function sparkline(prices) {
  if (prices.length < 2) return null;
  const points = placed(prices, 100, 30, 4);
  const [x, y] = points.at(-1);
  const words = t("page.board.trend", {
    from: amount(prices[0]),
    to: amount(prices.at(-1)),
    count: prices.length,
  });
  return svg(
    "svg",
    { class: "spark", viewBox: "0 0 104 30", role: "img", "aria-label": words },
    svg("polyline", { points: points.map((point) => point.join(",")).join(" ") }),
    svg("circle", { cx: x, cy: y, r: 2.6 }),
  );
}

/** Return each price's place in a box, exact enough for a drawing. */
function placed(prices, width, height, margin) {
  const found = prices.map(minor);
  const low = found.reduce((one, other) => (other < one ? other : one));
  const high = found.reduce((one, other) => (other > one ? other : one));
  const range = Number(high - low) || 1;
  const room = height - 2 * margin;
  return found.map((price, at) => [
    Math.round((at * width * 10) / Math.max(1, found.length - 1)) / 10,
    high === low ? height / 2 : Math.round((margin + room - (Number(price - low) * room) / range) * 10) / 10,
  ]);
}
