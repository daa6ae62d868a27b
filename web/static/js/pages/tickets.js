/** Service tickets of a deal. */

import { send } from "../core/api.js";
import { countdown, instant } from "../core/clock.js";
import { h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount, lots } from "../core/numbers.js";
import { facts, panel, table } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { firm, t } from "../core/words.js";

const MATTERS = ["quality", "quantity", "damage", "delay", "documents", "payment"];
const LIVE = ["funded", "shipping", "delivered", "disputed", "accepted", "invoiced", "settled"];

/** The tickets of a deal, each with its desks and their clocks. */
export function tickets(page) {
  const { deal } = page;
  if (deal.tickets.length === 0) return null;
  return panel(
    t("page.deal.tickets"),
    h("p", { class: "note" }, t("page.ticket.note")),
    h(
      "ul",
      { class: "list" },
      deal.tickets.map((ticket) =>
        h(
          "li",
          { class: "form" },
          about(ticket, [
            [t("page.ticket.opened_by"), ticket.opened_by === deal.counterparty_id ? firm(deal, "counterparty") : t("page.deal.us")],
            Number(ticket.held) > 0 && [t("page.ticket.held"), amount(ticket.held)],
            ticket.state === "upheld" && [
              t("page.deal.claim_paid"),
              `${amount(ticket.compensation)} (${page.lots(ticket.fault_lots)})`,
            ],
          ]),
          desks(ticket.desks),
          ticket.state === "open" && answers(page, ticket),
        ),
      ),
    ),
  );
}

/** The form to open a ticket; only the buyer disputes lots. */
export function ticketForm(page) {
  const { deal } = page;
  if (!LIVE.includes(deal.state) || !may("fulfilment.raise_ticket")) return null;
  const isBuyer = deal.side === "buyer";
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.ticket.open")),
    h("p", { class: "note" }, t("page.ticket.open_note")),
    form({
      fields: [
        {
          name: "matter",
          label: t("page.ticket.matter"),
          type: "select",
          options: MATTERS.map((one) => [one, t(`page.matter.${one}`)]),
        },
        ...(isBuyer
          ? [
              {
                name: "lots",
                label: t("page.ticket.lots"),
                type: "lots",
                hint: t("page.ticket.lots_hint"),
                isOptional: true,
              },
            ]
          : []),
        { name: "reason", label: t("page.ticket.reason"), type: "long", rows: 3 },
      ],
      act: t("page.ticket.open"),
      confirm: ({ matter, lots: count }) => ({
        title: t("page.ticket.open"),
        lines: [
          [t("page.ticket.matter"), t(`page.matter.${matter}`)],
          [t("page.ticket.lots"), page.lots(count ?? 0)],
        ],
        act: t("page.ticket.open"),
      }),
      send: (values, key) => send("POST", `${page.path}/tickets`, values, key),
      done: () => page.done("page.ticket.opened"),
    }),
  );
}

/** Return what a ticket is about. */
export function about(ticket, more) {
  return facts([
    [t("page.ticket.matter"), t(`page.matter.${ticket.matter}`)],
    ticket.lots > 0 && [t("page.ticket.lots"), lots(ticket.lots)],
    ...more,
    [t("page.ticket.reason"), ticket.reason],
    ticket.state && [t("page.deal.claim_state"), t(`page.ticket_state.${ticket.state}`)],
  ]);
}

/** Return the desks of a ticket and what each has said. */
export function desks(rows) {
  return table({
    rows,
    columns: [
      { label: t("page.ticket.desk"), cell: ({ desk }) => t(`page.ticket_desk.${desk}`) },
      {
        label: t("page.deal.due"),
        cell: ({ state, due_at: due }) => (state === "waiting" ? countdown(due) : instant(due)),
      },
      {
        label: t("page.ticket.answer"),
        cell: ({ state, answer }) => answer || t(`page.desk_state.${state}`),
      },
    ],
  });
}

function answers(page, ticket) {
  const { deal } = page;
  const path = `${page.path}/tickets/${ticket.ticket_id}`;
  const mine = ticket.desks.filter((desk) => desk.is_mine);
  const isOurs = ticket.opened_by !== deal.counterparty_id;
  return [
    mine.length > 0 &&
      form({
        fields: [
          {
            name: "desk",
            label: t("page.ticket.desk"),
            type: "select",
            options: mine.map(({ desk }) => [desk, t(`page.ticket_desk.${desk}`)]),
          },
          { name: "text", label: t("page.ticket.answer"), type: "long", rows: 3 },
        ],
        act: t("page.ticket.send_answer"),
        send: (values, key) => send("POST", `${path}/answers`, values, key),
        done: () => page.done("page.ticket.answered"),
      }),
    h(
      "p",
      { class: "foot" },
      isOurs &&
        may("fulfilment.raise_ticket") &&
        actButton({
          label: t("page.ticket.withdraw"),
          confirm: () => ({
            title: t("page.ticket.withdraw_ask"),
            note: t("page.ticket.withdraw_note"),
            act: t("page.ticket.withdraw"),
          }),
          send: (key) => send("POST", `${path}/withdraw`, undefined, key),
          done: () => page.done("page.ticket.ended"),
        }),
      !isOurs &&
        deal.side === "seller" &&
        (deal.settled_at || ticket.lots === 0) &&
        may("fulfilment.concede_ticket") &&
        actButton({
          label: t("page.ticket.concede"),
          className: "danger",
          confirm: () => ({
            title: t("page.ticket.concede_ask"),
            lines: [
              [t("page.ticket.lots"), page.lots(ticket.lots)],
              [t("page.ticket.held"), amount(ticket.held)],
            ],
            act: t("page.ticket.concede"),
            isDanger: true,
          }),
          send: (key) => send("POST", `${path}/concede`, undefined, key),
          done: () => page.done("page.ticket.ended"),
        }),
    ),
  ];
}
