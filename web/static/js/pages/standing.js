/** The firm's standing: its tier, what the score is made of, what would move it, and the rules. */

import { get } from "../core/api.js";
import { dayAndTime, instant } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { form } from "../core/forms.js";
import { amount } from "../core/numbers.js";
import { columns, empty, facts, head, panel, table, tiles } from "../core/parts.js";
import { t, worded } from "../core/words.js";

const WHOLE = 1000;
const FRESH = 12;
const SUPPOSED = ["bought", "sold", "unpaid", "late", "claims", "months"];

export async function show(main) {
  const lead = h("div", { class: "stack" });
  const aside = h("aside", { class: "stack" });
  const rest = h("div", { class: "stack" });
  const csv = h("a", { class: "button", href: "/api/v1/standing/marks.csv" }, t("page.record.csv"));
  fill(main, head(t("page.standing.title"), { aside: csv, note: t("page.standing.note") }), columns(lead, aside, rest, t("page.standing.suppose")));
  const [own, { rulebooks }] = await Promise.all([get("/standing"), get("/standing/rulebooks")]);
  fill(lead, heldOf(own), partsOf(own.parts, t("page.standing.parts")));
  fill(aside, nextOf(own), supposeForm(own));
  fill(rest, marksOf(own.marks), ...rulebooks.map(rulebookOf).reverse());
}

function heldOf(own) {
  return h(
    "section",
    { class: "panel" },
    tiles([
      [t("page.standing.tier"), h("strong", {}, worded("tier", own.tier.name))],
      [t("page.standing.points"), t("page.standing.of", { points: own.points, whole: WHOLE })],
      [t("page.standing.class"), `${worded("page.kind", own.kind)} · ${worded("size", own.size.name)}`],
    ]),
    h("p", {}, t("page.standing.privilege")),
    h("ul", { class: "list" }, privileges(own.tier).map((one) => h("li", {}, one))),
    h("p", { class: "note" }, t("page.standing.sees_offers")),
    h("progress", { max: WHOLE, value: own.points, "aria-label": t("page.standing.points") }),
    own.drop_to &&
      h(
        "div",
        { class: "problem", role: "status" },
        h(
          "p",
          {},
          t("page.standing.drop", {
            tier: worded("tier", own.drop_to.name),
            at: dayAndTime(Date.parse(own.drop_at)),
            missing: own.missing_to_stay,
          }),
        ),
        moved(own.tier, own.drop_to),
      ),
  );
}

function privileges({ deposit_off_bps: bps, return_days_more: days, early_hours: hours, own_pools: count, least }) {
  const given = [
    bps > 0 && t("page.standing.deposit_off", { percent: bps / 100 }),
    days > 0 && t("page.standing.return_days_more", { days }),
    hours > 0 && t("page.standing.early_hours", { hours }),
    count > 0 && t("page.standing.own_pools", { count }),
    least > 0 && t("page.standing.goes_first"),
  ].filter(Boolean);
  return given.length > 0 ? given : [t("page.standing.no_privilege")];
}

function privilege(tier) {
  return privileges(tier).join(t("word.comma"));
}

/** Return what a firm gains or loses between two tiers: only what differs, now and then. */
function moved(from, to) {
  const [had, has] = [privileges(from), privileges(to)];
  const [goes, comes] = [had.filter((one) => !has.includes(one)), has.filter((one) => !had.includes(one))];
  if (goes.length + comes.length === 0) return h("p", { class: "note" }, t("page.standing.unmoved"));
  const list = (label, found) =>
    found.length > 0 && [h("strong", {}, t(label)), h("ul", { class: "list" }, found.map((one) => h("li", {}, one)))];
  const isUp = to.least > from.least;
  return h(
    "div",
    { class: "stack" },
    isUp ? list("page.standing.gained", comes) : list("page.standing.lost", goes),
    isUp ? list("page.standing.instead_of", goes) : list("page.standing.left", comes),
  );
}

function partsOf(parts, title, className = "panel plain") {
  const measured = parts.filter(({ most }) => most > 0);
  return h(
    "section",
    { class: className },
    h("h2", {}, title),
    table({
      rows: measured,
      columns: [
        { label: t("page.standing.axis"), cell: (row) => t(`page.standing.axis_${row.axis}`) },
        { label: t("page.standing.kept"), isNumber: true, cell: (row) => twelfths(row.kept) },
        { label: t("page.standing.broken"), isNumber: true, cell: (row) => twelfths(row.broken) },
        { label: t("page.standing.points"), isNumber: true, cell: (row) => `${row.points} / ${row.most}` },
      ],
    }),
  );
}

function twelfths(weight) {
  const tenths = Math.floor((weight * 10) / FRESH);
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}

function nextOf({ next_tier: next }) {
  if (!next) return panel(t("page.standing.next"), h("p", {}, t("page.standing.top")));
  const deals = (count) => (count === null ? t("page.standing.far") : t("page.standing.deals", { count }));
  return panel(
    t("page.standing.next"),
    facts([
      [t("page.standing.tier"), worded("tier", next.tier.name)],
      [t("page.standing.missing"), next.missing],
      [t("page.standing.by_buying"), deals(next.deals_bought)],
      [t("page.standing.by_selling"), deals(next.deals_sold)],
      [t("page.standing.privilege"), privilege(next.tier)],
    ]),
  );
}

function supposeForm(own) {
  const found = h("div", { class: "stack", role: "status" });
  return panel(
    t("page.standing.suppose"),
    form({
      fields: [
        ...SUPPOSED.map((name) => ({ name, label: t(`page.standing.suppose_${name}`), type: "lots", value: "0" })),
        { name: "amount", label: t("page.standing.suppose_amount"), type: "amount", value: "0" },
      ],
      act: t("page.standing.suppose_act"),
      send: (values) => get(`/standing/foreseen?${new URLSearchParams(values)}`),
      done: ({ points, tier, parts }) =>
        fill(
          found,
          facts([
            [t("page.standing.points"), t("page.standing.from_to", { from: own.points, to: points })],
            [t("page.standing.reached"), worded("tier", tier.name)],
          ]),
          moved(own.tier, tier),
          partsOf(parts, t("page.standing.then"), ""),
        ),
    }),
    found,
  );
}

function marksOf(marks) {
  if (marks.length === 0) return panel(t("page.standing.marks"), empty(t("page.standing.no_mark")));
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.standing.marks")),
    table({
      rows: marks,
      columns: [
        { label: t("page.record.when"), cell: (row) => instant(row.at) },
        { label: t("page.standing.axis"), cell: (row) => t(`page.standing.axis_${row.axis}`) },
        {
          label: t("page.record.outcome"),
          cell: (row) => t(row.is_kept ? "page.standing.is_kept" : "page.standing.is_broken"),
        },
        { label: t("page.deal.amount"), isNumber: true, cell: (row) => (row.axis === "turnover" ? amount(row.amount) : "") },
        { label: t("page.standing.event"), cell: subjectOf },
      ],
    }),
  );
}

function subjectOf({ subject }) {
  if (!subject.startsWith("deal_")) return t(subject.startsWith("ret_") ? "page.standing.a_return" : "page.standing.a_firm");
  return h("a", { href: `/deals/${subject}` }, t("page.deals.one"));
}

function rulebookOf(book) {
  const since = book.in_force_at ? t("page.standing.in_force", { at: dayAndTime(Date.parse(book.in_force_at)) }) : t("page.standing.from_start");
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.standing.rulebook", { version: book.version }), ` · ${since}`),
    h("p", {}, t("page.standing.rule_points", book)),
    h("p", {}, t("page.standing.rule_decay", book), " ", t("page.standing.weights")),
    table({
      rows: book.tiers,
      columns: [
        { label: t("page.standing.tier"), cell: (row) => worded("tier", row.name) },
        { label: t("page.standing.least"), isNumber: true, cell: (row) => row.least },
        { label: t("page.standing.privilege"), cell: privilege },
      ],
    }),
    table({
      rows: book.sizes,
      columns: [
        { label: t("page.standing.class"), cell: (row) => worded("size", row.name) },
        { label: t("page.standing.up_to"), isNumber: true, cell: (row) => row.most_monthly_lots ?? "∞" },
        { label: t("page.standing.full"), isNumber: true, cell: (row) => amount(row.full) },
      ],
    }),
    h("p", { class: "note" }, t("page.standing.rule_own_pools", { hours: book.own_pool_hours, days: book.own_pool_days })),
    h("p", { class: "note" }, t("page.standing.rule_drop")),
  );
}
