/** Forward windows: buyers of different months, bundled into one negotiation. */

import { get } from "../core/api.js";
import { instrumentName, regionName } from "../core/catalogue.js";
import { countdown, instant, month } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { live, newest } from "../core/live.js";
import { chip, empty, head, panel, table } from "../core/parts.js";
import { t } from "../core/words.js";
import { curves, gains, position } from "./strips_board.js";

const LIVING = ["scheduled", "gathering", "talking", "asking"];

export async function show(main) {
  const body = h("div", { class: "stack live" });
  fill(main, head(t("page.strips.title"), { note: t("page.strips.note") }), body);
  let known = "";
  const source = newest(
    () => Promise.all([get("/strips"), get("/forwards")]),
    ([{ strips }, board]) => {
      // What is the same stays, or a curve would close under whoever looks into it.
      const told = JSON.stringify([strips, board]);
      if (told !== known) showAll(body, strips, board);
      known = told;
    },
  );
  await live({ source });
}

function showAll(body, strips, board) {
  const isOpen = ({ phase }) => LIVING.includes(phase);
  const open = strips.filter(isOpen);
  const over = strips.filter((strip) => !isOpen(strip));
  fill(
    body,
    open.length > 0 ? h("div", { class: "cards" }, open.map(card)) : panel(null, empty(t("page.strips.empty"))),
    curves(board.curves),
    position(board.position),
    gains(board.gains),
    over.length > 0 &&
      h(
        "section",
        { class: "panel plain" },
        h("h2", {}, t("page.strips.over")),
        table({
          rows: over,
          columns: [
            {
              label: t("page.strips.one"),
              cell: (strip) => h("a", { href: `/strips/${strip.strip_id}` }, strip.title),
            },
            { label: t("word.instrument"), cell: placeOf },
            { label: t("page.strips.months"), cell: monthsOf },
            { label: t("word.state"), cell: (strip) => chip(strip.phase) },
            { label: t("word.closed_at"), cell: (strip) => instant(strip.closes_at) },
          ],
        }),
      ),
  );
}

function card(strip) {
  return h(
    "a",
    { class: "panel card", href: `/strips/${strip.strip_id}` },
    h("div", { class: "row" }, h("h2", {}, strip.title), chip(strip.phase)),
    h("p", {}, placeOf(strip)),
    h("p", { class: "soft" }, monthsOf(strip)),
    h(
      "div",
      { class: "row note" },
      h(
        "span",
        {},
        strip.enough_firms ? t("page.strips.enough") : t("page.strips.not_enough"),
      ),
      countdown(strip.talks_until ?? strip.closes_at),
    ),
  );
}

function placeOf({ instrument, region }) {
  return `${instrumentName(instrument)} · ${regionName(region)}`;
}

function monthsOf({ tenors }) {
  return tenors.map(month).join(" · ");
}
