/** The owner's report: who did what and how fast, what of the mandates is used, what was saved. */

import { get } from "../core/api.js";
import { age } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { amount, saving, whole } from "../core/numbers.js";
import { chip, empty, head, panel, table, tiles } from "../core/parts.js";
import { t, worded } from "../core/words.js";

const DAYS = [7, 30, 90, 365];
const FILES = ["deals", "people", "acts", "mandates"];

export async function show(main) {
  const body = h("div", { class: "stack" });
  const chosen = h(
    "select",
    { "aria-label": t("page.reports.days"), onchange: () => refresh() },
    DAYS.map((days) => h("option", { value: String(days), selected: days === 30 }, t("page.reports.last", { days }))),
  );
  const files = h("p", { class: "links" });
  const refresh = async () => {
    const days = chosen.value;
    fill(files, FILES.map((part) => h("a", { class: "button", href: `/api/v1/reports.csv?days=${days}&part=${part}` }, t(`page.reports.file.${part}`))));
    showReport(body, await get(`/reports?days=${days}`));
  };
  fill(
    main,
    head(t("page.reports.title"), { aside: chosen }),
    h("div", { class: "stack" }, body, panel(t("page.reports.files"), files)),
  );
  await refresh();
}

function showReport(body, report) {
  fill(body, tradeOf(report), peopleOf(report.people), mandatesOf(report.mandates), actsOf(report.acts));
}

function minutes(count) {
  if (count === null) return "—";
  return count < 120 ? t("page.reports.minutes", { count }) : t("page.reports.hours", { count: Math.floor(count / 60) });
}

function tradeOf({ trade, pays_in_minutes: paysIn }) {
  const paid = panel(t("page.reports.trade"), tiles([[t("page.reports.pays_in"), minutes(paysIn)]]));
  if (trade.length === 0) return [paid, panel(null, empty(t("page.standing.no_mark")))];
  paid.append(h("p", { class: "note" }, t("page.reports.note")));
  const compared = h(
    "section",
    { class: "panel plain" },
    table({
      rows: trade,
      columns: [
        { label: t("page.reports.side"), cell: (row) => t(`page.deals.${row.side}`) },
        { label: t("page.reports.deals"), isNumber: true, cell: (row) => whole(row.deals) },
        { label: t("page.reports.goods"), isNumber: true, cell: (row) => amount(row.goods) },
        { label: t("page.reports.gain_own"), isNumber: true, cell: (row) => gained(row.gain_own, row.deals_before, row.deals) },
        {
          label: t("page.reports.gain_published"),
          isNumber: true,
          cell: (row) => gained(row.gain_published, row.deals_published, row.deals),
        },
      ],
    }),
  );
  return [paid, compared];
}

function gained(sum, compared, deals) {
  if (compared === 0) return t("page.reports.no_comparator");
  return [saving(sum), compared < deals && h("div", { class: "note" }, t("page.reports.compared", { compared, deals }))];
}

function peopleOf(people) {
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.reports.people")),
    table({
      rows: people,
      columns: [
        { label: t("page.people.person"), cell: (row) => row.person },
        { label: t("page.people.roles"), cell: (row) => row.roles.map((role) => worded("page.role", role)).join(t("word.comma")) },
        { label: t("page.reports.log_ins"), isNumber: true, cell: (row) => whole(row.log_ins) },
        { label: t("page.people.seen"), cell: (row) => (row.last_seen_at ? age(row.last_seen_at) : t("page.people.never")) },
        { label: t("page.reports.done"), isNumber: true, cell: (row) => whole(row.done) },
        { label: t("page.reports.refused"), isNumber: true, cell: (row) => whole(row.refused) },
        { label: t("page.reports.answers_in"), isNumber: true, cell: (row) => minutes(row.answers_in_minutes) },
      ],
    }),
  );
}

function mandatesOf(mandates) {
  if (mandates.length === 0) return panel(t("page.reports.mandates"), empty(t("page.reports.no_mandate")));
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.reports.mandates")),
    table({
      rows: mandates,
      columns: [
        { label: t("page.people.person"), cell: (row) => row.person },
        { label: t("page.reports.acts"), cell: (row) => row.acts.map((act) => worded("page.act", act)).join(t("word.comma")) },
        { label: t("page.reports.used"), isNumber: true, cell: (row) => `${amount(row.used)} / ${amount(row.total)}` },
        { label: t("page.record.outcome"), cell: (row) => chip(row.state) },
      ],
    }),
  );
}

function actsOf(acts) {
  if (acts.length === 0) return null;
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.reports.by_act")),
    table({
      rows: acts,
      columns: [
        { label: t("page.record.what"), cell: (row) => worded("page.act", row.act) },
        { label: t("page.reports.done"), isNumber: true, cell: (row) => whole(row.done) },
        { label: t("page.reports.refused"), isNumber: true, cell: (row) => whole(row.refused) },
      ],
    }),
  );
}
