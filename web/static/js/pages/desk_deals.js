/** Deals on the operator's desk: contested claims, service tickets, price adjustments, lanes. */

import { send } from "../core/api.js";
import { instrumentOptions, regionOptions } from "../core/catalogue.js";
import { countdown } from "../core/clock.js";
import { h, say } from "../core/dom.js";
import { form } from "../core/forms.js";
import { lots, percent, whole } from "../core/numbers.js";
import { facts, panel } from "../core/parts.js";
import { pairsField } from "../core/rows.js";
import { firm, t, worded } from "../core/words.js";
import { about, desks } from "./tickets.js";

/** The contested claims on the operator's desk. */
export function contested(waiting, refresh) {
  return panel(
    t("page.desk.claims"),
    h(
      "ul",
      { class: "list" },
      waiting.map((claim) =>
        h(
          "li",
          { class: "form" },
          facts([
            [t("page.desk.parties"), `${firm(claim, "seller")} → ${firm(claim, "buyer")}`],
            [t("word.lots"), `${lots(claim.lots)} / ${lots(claim.ordered_lots)}`],
            [t("page.deal.reason"), claim.reason],
            claim.due_at && [t("page.deal.due"), countdown(claim.due_at)],
          ]),
          form({
            fields: [{ name: "lots", label: t("page.desk.claim_lots"), type: "lots" }],
            act: t("page.desk.claim_decide"),
            confirm: (values) => ({
              title: t("page.desk.claim_decide"),
              lines: [[t("page.desk.claim_lots"), lots(values.lots)]],
              act: t("page.desk.claim_decide"),
              isDanger: true,
            }),
            send: (values, key) => send("POST", `/claims/${claim.claim_id}/decide`, values, key),
            done: refresh,
          }),
        ),
      ),
    ),
  );
}

/** The open tickets on the operator's desk. */
export function waitingTickets(waiting, refresh) {
  return panel(
    t("page.desk.tickets", { count: waiting.length }),
    h(
      "ul",
      { class: "list" },
      waiting.map((ticket) =>
        h(
          "li",
          { class: "form" },
          about(ticket, [
            [t("page.desk.parties"), `${firm(ticket, "seller")} → ${firm(ticket, "buyer")}`],
            [t("page.ticket.opened_by"), t(`page.side.${ticket.opened_by}`)],
          ]),
          desks(ticket.desks),
          !ticket.is_settled && ticket.lots > 0 && h("p", { class: "note" }, t("page.ticket.not_settled")),
          form({
            fields: [{ name: "lots", label: t("page.ticket.fault_lots"), type: "lots", value: "0" }],
            act: t("page.desk.decide"),
            confirm: (values) => ({
              title: t("page.desk.decide"),
              lines: [[t("page.ticket.fault_lots"), lots(values.lots)]],
              act: t("page.desk.decide"),
              isDanger: true,
            }),
            send: (values, key) => send("POST", `/tickets/${ticket.ticket_id}/decide`, values, key),
            done: refresh,
          }),
        ),
      ),
    ),
  );
}

/** The operator's form to publish rows of a table. */
export function adjustmentForm() {
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.quality.publish")),
    h("p", { class: "note" }, t("page.quality.publish_note")),
    form({
      fields: [
        { name: "instrument", label: t("word.instrument"), type: "select", options: instrumentOptions() },
        { name: "measure", label: t("page.quality.measure"), hint: t("page.quality.measure_hint") },
        pairsField({
          name: "rows",
          label: t("page.quality.table"),
          keys: ["at_least", "discount_bps"],
          labels: [t("page.quality.at_least"), t("page.quality.discount_bps")],
          types: ["lots", "lots"],
          first: [["", ""]],
        }),
      ],
      act: t("page.quality.publish"),
      confirm: ({ measure, rows }) => ({
        title: t("page.quality.publish"),
        lines: rows.map((row) => [
          `${worded("page.measure", measure)} ≥ ${whole(row.at_least)}`,
          percent(row.discount_bps),
        ]),
        note: t("page.quality.publish_note"),
        act: t("page.quality.publish"),
      }),
      send: ({ instrument, measure, rows }, key) =>
        send(
          "POST",
          `/instruments/${instrument}/adjustments`,
          { rows: rows.map((row) => ({ measure, ...row })) },
          key,
        ),
      done: () => say(t("page.quality.published")),
    }),
  );
}

/** The operator's form to publish how long a lane takes. */
export function laneForm() {
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.lane.publish")),
    form({
      fields: [
        { name: "from_region", label: t("page.lane.from"), type: "select", options: regionOptions() },
        { name: "to_region", label: t("page.lane.to"), type: "select", options: regionOptions() },
        { name: "transit_hours", label: t("page.lane.hours"), type: "lots" },
      ],
      act: t("page.lane.publish"),
      send: (values, key) => send("POST", "/lanes", values, key),
      done: () => say(t("page.lane.published")),
    }),
  );
}
