/** The firm's money: balances, what is set aside, what is called for, and every movement. */

import { get, send } from "../core/api.js";
import { instant } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { form } from "../core/forms.js";
import { gathered } from "../core/live.js";
import { amount, change } from "../core/numbers.js";
import { chip, columns, empty, facts, head, panel, table } from "../core/parts.js";
import { referencePath } from "../core/references.js";
import { may } from "../core/viewer.js";
import { t, worded } from "../core/words.js";
import { ownAccounts, usable } from "./money_accounts.js";

export async function show(main) {
  const lead = h("div", { class: "live" });
  const aside = h("aside", { class: "stack" });
  const rest = h("div", { class: "stack live" });
  const way = h("div");
  const out = h("div");
  let shown = null;
  fill(main, head(t("page.money.title")), columns(lead, aside, rest, t("page.money.ways")));
  const refresh = async () => {
    const money = await get("/money");
    fill(lead, balancesOf(money));
    showMoney(rest, money);
    showWayIn(way, money);
    own.show(money);
    const numbers = usable(money.accounts);
    if (shown !== String(numbers)) fill(out, may("settlement.pay_out") && payForm(numbers, refresh));
    shown = String(numbers);
  };
  const own = ownAccounts(refresh);
  fill(aside, way, own.panel, out);
  await refresh();
  document.addEventListener(
    "noticed",
    gathered(() => refresh().catch(() => {})),
  );
}

function balancesOf({ balances }) {
  if (balances.length === 0) return panel(t("page.money.balances"), empty(t("page.money.empty")));
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.money.balances")),
    table({
      rows: balances,
      columns: [
        {
          label: t("page.money.account"),
          cell: (row) => `${worded("page.purpose", row.purpose)} · ${row.currency}`,
        },
        { label: t("page.money.balance"), isNumber: true, cell: (row) => amount(row.balance) },
        { label: t("page.money.held"), isNumber: true, cell: (row) => amount(row.held) },
        {
          label: t("page.money.available"),
          isNumber: true,
          cell: (row) => h("strong", { class: "price" }, amount(row.available)),
        },
      ],
    }),
  );
}

function showMoney(rest, { holds, calls, payments, statement }) {
  fill(
    rest,
    calls.length > 0 &&
      h(
        "section",
        { class: "panel plain call" },
        h("h2", {}, t("page.money.calls")),
        table({
          rows: calls,
          columns: [
            {
              label: t("page.money.for"),
              cell: (row) => referenced(row.escrow),
            },
            { label: t("page.deal.amount"), isNumber: true, cell: (row) => amount(row.amount) },
            { label: t("page.deal.reference"), cell: (row) => h("span", { class: "mono" }, row.reference) },
            { label: t("page.deal.pay_until"), cell: (row) => instant(row.due_at) },
          ],
        }),
      ),
    holds.length > 0 &&
      h(
        "section",
        { class: "panel plain" },
        h("h2", {}, t("page.money.holds")),
        table({
          rows: holds,
          columns: [
            { label: t("page.money.for"), cell: (row) => referenced(row.reference) },
            { label: t("page.deal.amount"), isNumber: true, cell: (row) => amount(row.amount) },
            { label: t("page.money.since"), cell: (row) => instant(row.placed_at) },
          ],
        }),
      ),
    payments.length > 0 &&
      h(
        "section",
        { class: "panel plain" },
        h("h2", {}, t("page.money.payments")),
        table({
          rows: payments,
          columns: [
            { label: t("page.money.payee"), cell: (row) => row.payee_account },
            { label: t("page.deal.amount"), isNumber: true, cell: (row) => amount(row.amount) },
            { label: t("word.state"), cell: (row) => chip(row.state) },
            { label: t("word.at"), cell: (row) => instant(row.ordered_at) },
          ],
        }),
      ),
    statement.length === 0
      ? panel(t("page.money.statement"), empty(t("page.money.no_movement")))
      : h(
          "section",
          { class: "panel plain" },
          h(
            "div",
            { class: "title" },
            h("h2", {}, t("page.money.statement")),
            h("a", { href: "/api/v1/money/statement.csv" }, t("page.money.statement_csv")),
          ),
          table({
            rows: statement,
            isLedger: true,
            columns: [
              { label: t("word.at"), cell: (row) => instant(row.at) },
              { label: t("page.money.kind"), cell: (row) => worded("page.transfer", row.kind) },
              { label: t("page.money.for"), cell: (row) => referenced(row.deal_id ?? row.reference) },
              { label: t("page.deal.amount"), isNumber: true, cell: (row) => change(row.amount) },
            ],
          }),
        ),
  );
}

function referenced(reference) {
  const path = referencePath(reference);
  return path && h("a", { href: path.href }, path.name);
}

function showWayIn(way, { deposit_reference: reference, pay_in: account }) {
  fill(
    way,
    panel(
      t("page.money.pay_in"),
      account
        ? h("p", {}, t("page.money.pay_in_how"))
        : h("p", { class: "banner bad" }, t("page.money.no_market_account")),
      facts([
        ...(account
          ? [
              [t("page.money.account_holder"), account.holder],
              [t("page.money.account_number"), copied(account.number)],
              [t("page.money.account_bank"), account.bank],
            ]
          : []),
        [t("page.money.reference"), copied(reference)],
      ]),
      h("p", { class: "note" }, t("page.money.pay_in_note")),
    ),
  );
}

/** Return a text that is typed over elsewhere, with a button that copies it. */
function copied(text) {
  const copy = () => navigator.clipboard.writeText(text).then(() => say(t("page.money.copied")));
  const name = `${t("page.money.copy")} ${text}`;
  return [
    h("strong", { class: "mono" }, text),
    " ",
    navigator.clipboard &&
      h("button", { type: "button", class: "quiet", "aria-label": name, onclick: copy }, t("page.money.copy")),
  ];
}

function payForm(numbers, refresh) {
  if (numbers.length === 0) return panel(t("page.money.pay_out"), h("p", { class: "note" }, t("page.money.no_account")));
  return panel(
    t("page.money.pay_out"),
    form({
      fields: [
        { name: "amount", label: `${t("page.deal.amount")} (${t("word.cny")})`, type: "amount" },
        {
          name: "payee_account",
          label: t("page.money.payee"),
          type: "select",
          options: numbers.map((number) => [number, number]),
        },
      ],
      act: t("page.money.pay_out"),
      confirm: (values) => ({
        title: t("page.money.pay_out_ask"),
        lines: [
          [t("page.deal.amount"), `${amount(values.amount)} ${t("word.cny")}`],
          [t("page.money.payee"), values.payee_account],
        ],
        note: t("page.money.pay_out_note"),
        act: t("page.money.pay_out"),
      }),
      send: (values, key) => send("POST", "/payments", values, key),
      done: async () => {
        say(t("page.money.paid_out"));
        await refresh();
      },
    }),
  );
}
