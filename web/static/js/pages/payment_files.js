/** The files of payments for the bank: made once, each payment in one only, and had again. */

import { get, send } from "../core/api.js";
import { instant } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { form } from "../core/forms.js";
import { amount, whole } from "../core/numbers.js";
import { empty, table } from "../core/parts.js";
import { t } from "../core/words.js";

/** Fill an element with what makes a file and the files that were made. */
export async function showPaymentFiles(shown, refresh) {
  const { files } = await get("/bank/payment-files");
  fill(
    shown,
    h("p", { class: "note" }, t("page.payment_files.note")),
    form({
      fields: [{ name: "account", label: t("page.payment_files.account"), value: files[0]?.account ?? "CNY-1" }],
      act: t("page.payment_files.make"),
      send: (values, key) => send("POST", "/bank/payment-files", values, key),
      done: async () => {
        say(t("page.payment_files.made"));
        await Promise.all([showPaymentFiles(shown, refresh), refresh()]);
      },
    }),
    files.length === 0 ? empty(t("page.payment_files.none")) : made(files),
  );
}

function made(files) {
  return table({
    rows: files,
    columns: [
      {
        label: t("page.payment_files.file"),
        cell: ({ message_id: id }) =>
          h("a", { class: "mono", href: `/api/v1/bank/payment-files/${id}`, download: `${id}.xml` }, id),
      },
      { label: t("word.at"), cell: (row) => instant(row.made_at) },
      { label: t("page.payment_files.made_by"), cell: (row) => row.made_by },
      { label: t("page.payment_files.account"), cell: (row) => h("span", { class: "mono" }, row.account) },
      { label: t("page.payment_files.payments"), isNumber: true, cell: (row) => whole(row.payments) },
      { label: t("word.total"), isNumber: true, cell: (row) => `${amount(row.amount)} ${row.currency}` },
    ],
  });
}
