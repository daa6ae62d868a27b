/** What all accounts hold together, for the operator's desk. */

import { h } from "../core/dom.js";
import { amount } from "../core/numbers.js";
import { table } from "../core/parts.js";
import { t } from "../core/words.js";

/** A table for each currency, its columns in balance. */
export function trialTables({ rows, totals }) {
  return totals.map((total) => [
    table({
      rows: [...rows.filter((row) => row.currency === total.currency), { ...total, isTotal: true }],
      rowClass: (row) => row.isTotal && "mine",
      columns: [
        {
          label: t("page.desk.trial_accounts"),
          cell: (row) =>
            row.isTotal ? `${t("word.total")} ${row.currency}` : `${t(`page.purpose.${row.purpose}`)} · ${row.accounts}`,
        },
        { label: t("page.desk.trial_debit"), isNumber: true, cell: (row) => amount(row.debit) },
        { label: t("page.desk.trial_credit"), isNumber: true, cell: (row) => amount(row.credit) },
      ],
    }),
    h("p", { class: "note" }, t("page.desk.trial_unbooked", { amount: amount(total.unbooked) })),
  ]);
}
