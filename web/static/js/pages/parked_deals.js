/** Deals that the circular-trade screen parked: one person proposes, another one approves. */

import { send } from "../core/api.js";
import { cellName } from "../core/catalogue.js";
import { countdown, instant } from "../core/clock.js";
import { h } from "../core/dom.js";
import { form, secondPerson } from "../core/forms.js";
import { amount, lots } from "../core/numbers.js";
import { facts, panel, table } from "../core/parts.js";
import { t } from "../core/words.js";

const VERDICTS = ["release", "exclude"];

/** The deals that wait for a review on the operator's desk. */
export function parkedDeals(waiting, refresh) {
  return panel(
    t("page.parked.title", { count: waiting.length }),
    h("p", { class: "note" }, t("page.parked.note")),
    h(
      "ul",
      { class: "list" },
      waiting.map((one) => h("li", { class: "form" }, about(one), proposed(one, refresh), proposing(one, refresh))),
    ),
  );
}

function about({ trade, parked_for: reason, ring, legs }) {
  const shown = new Set([trade, ...ring].map((row) => row.deal_id));
  return [
    facts([
      [t("word.cell"), cellName(trade.cell)],
      [t("page.parked.reason"), t(`page.parked.${reason}`)],
    ]),
    table({
      rows: [trade, ...ring, ...legs.filter((row) => !shown.has(row.deal_id))],
      rowClass: (row) => row === trade && "mine",
      columns: [
        { label: t("page.desk.parties"), cell: (row) => `${side(row, "seller")} → ${side(row, "buyer")}` },
        { label: t("word.lots"), isNumber: true, cell: (row) => lots(row.lots) },
        { label: t("word.price"), isNumber: true, cell: (row) => amount(row.price) },
        { label: t("page.parked.settled"), cell: (row) => instant(row.settled_at) },
        { label: t("word.state"), cell: (row) => t(`page.parked.state.${row.state}`) },
      ],
    }),
  ];
}

const side = (row, name) => `${row[name]} (${row[`${name}_group`]})`;

function proposed({ trade, proposal }, refresh) {
  if (!proposal) return null;
  const act = t("page.parked.approve", { verdict: t(`page.parked.${proposal.verdict}`) });
  return [
    h(
      "p",
      {},
      t("page.parked.proposed", {
        verdict: t(`page.parked.${proposal.verdict}`),
        count: proposal.deals.length,
        reason: proposal.reason,
      }),
      " · ",
      countdown(proposal.expires_at),
    ),
    secondPerson(proposal.is_mine, {
      label: act,
      confirm: () => ({
        title: act,
        lines: [[t("page.deal.reason"), proposal.reason]],
        note: t("page.parked.note"),
        act,
        isDanger: true,
      }),
      send: (key) =>
        send("POST", `/parked-deals/${trade.deal_id}/reviews/${proposal.motion_id}/approve`, undefined, key),
      done: refresh,
    }),
  ];
}

function proposing({ trade }, refresh) {
  return form({
    fields: [
      {
        name: "verdict",
        label: t("page.parked.verdict"),
        type: "select",
        options: VERDICTS.map((verdict) => [verdict, t(`page.parked.${verdict}`)]),
      },
      { name: "reason", label: t("page.deal.reason") },
    ],
    act: t("page.parked.propose"),
    send: (values, key) => send("POST", `/parked-deals/${trade.deal_id}/reviews`, values, key),
    done: refresh,
  });
}
