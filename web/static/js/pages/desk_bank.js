/** The bank on the operator's desk: statements in as files or text, payments out as files. */

import { get, send } from "../core/api.js";
import { fill, h, say } from "../core/dom.js";
import { fileField } from "../core/files.js";
import { actButton, form } from "../core/forms.js";
import { amount } from "../core/numbers.js";
import { table } from "../core/parts.js";
import { t } from "../core/words.js";

const COLUMNS = "account,entry_reference,direction,amount,currency,booked_on,payer,remittance";

/** Two ways to give in a statement, and what became of each of its lines. */
export function bankForms(refresh) {
  const taken = h("div", { class: "live" });
  const done = async (answer) => {
    say(t("page.desk.imported", answer));
    fill(taken, results(answer.lines));
    await refresh();
  };
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.desk.import")),
    h("p", { class: "note" }, t("page.desk.import_file_note")),
    form({
      fields: [
        fileField({ name: "statement", label: t("page.desk.statement_file"), accept: ".xml,.csv,text/csv,text/xml" }),
      ],
      act: t("page.desk.import_file"),
      send: async ({ statement }, key) => send("POST", "/bank/lines", await statement.file.text(), key),
      done,
    }),
    h("details", {}, h("summary", {}, t("page.desk.import_text")), textForm(done)),
    taken,
  );
}

function textForm(done) {
  const example = `CNY-1,2027-0001,credit,500000.00,CNY,2027-01-04,${t("page.desk.example_payer")},G…`;
  return [
    h("p", { class: "note" }, t("page.desk.import_note")),
    h("p", { class: "mono soft" }, COLUMNS),
    form({
      fields: [{ name: "text", label: t("page.desk.csv"), type: "long", rows: 7, hint: example }],
      act: t("page.desk.import"),
      // A form gives its text without the newline that ends the last line of a whole statement.
      send: ({ text }, key) =>
        send(
          "POST",
          "/bank/lines",
          `${/^.*,(credit|debit),/.test(text) ? `${COLUMNS}\n${text}` : text}\n`,
          key,
        ),
      done,
    }),
  ];
}

/** What became of each line of the statement. */
function results(lines) {
  return table({
    rows: lines,
    columns: [
      { label: t("page.desk.entry"), cell: (line) => h("span", { class: "mono" }, line.entry_reference) },
      { label: t("word.state"), cell: (line) => t(`page.line_state.${line.state}`) },
    ],
  });
}

/** Book a debit that nobody ordered as what the bank takes for itself. */
export function chargeButton(line, refresh) {
  return h(
    "p",
    { class: "foot" },
    actButton({
      label: t("page.desk.charge"),
      className: "danger",
      confirm: () => ({
        title: t("page.desk.charge"),
        lines: [
          [t("page.deal.amount"), `${amount(line.amount)} ${line.currency}`],
          [t("page.desk.remittance"), line.remittance],
        ],
        note: t("page.desk.charge_note"),
        act: t("page.desk.charge"),
        isDanger: true,
      }),
      send: (key) => send("POST", `/bank/unmatched/${line.line_id}/charge`, undefined, key),
      done: async () => {
        await refresh();
        document.querySelector(".trial")?.dispatchEvent(new Event("toggle"));
      },
    }),
  );
}

/** Drop a line whose money another line, of a batch or the batch itself, has told before. */
export function sameMoneyButton(line, refresh) {
  return h(
    "p",
    { class: "foot" },
    actButton({
      label: t("page.desk.same_money"),
      confirm: () => ({
        title: t("page.desk.same_money"),
        lines: [
          [t("page.deal.amount"), `${amount(line.amount)} ${line.currency}`],
          [t("page.desk.entry"), line.entry_reference],
        ],
        note: t("page.desk.same_money_note"),
        act: t("page.desk.same_money"),
        isDanger: true,
      }),
      send: (key) => send("POST", `/bank/unmatched/${line.line_id}/same-money`, undefined, key),
      done: refresh,
    }),
  );
}

/** What all accounts hold together, asked for when it is opened. */
export function trialBalance() {
  return opened("page.desk.trial", "trial", async (shown) => {
    const [{ trialTables }, found] = await Promise.all([import("./trial_balance.js"), get("/bank/trial-balance")]);
    fill(shown, ...trialTables(found));
  });
}

/** The files that the bank pays by, asked for when they are opened. */
export function paymentFiles(refresh) {
  return opened("page.payment_files.title", "payment-files", async (shown) => {
    const { showPaymentFiles } = await import("./payment_files.js");
    await showPaymentFiles(shown, refresh);
  });
}

/** A panel that is filled when it is opened. */
export function opened(title, name, show) {
  const shown = h("div", { class: "live" });
  return h(
    "details",
    { class: `panel ${name}`, ontoggle: ({ target }) => target.open && show(shown) },
    h("summary", {}, t(title)),
    shown,
  );
}
