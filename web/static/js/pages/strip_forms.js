/** The forms of a forward window: a buyer's order and a supplier's sealed offer. */

import { send } from "../core/api.js";
import { month } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { form } from "../core/forms.js";
import { amount } from "../core/numbers.js";
import { countsField, pairsField } from "../core/rows.js";
import { t } from "../core/words.js";
import { breaksText, storageText } from "./strip_words.js";

/** Three forms of an order; the chosen one is shown. */
export function orderForms(page) {
  const months = page.strip.tenors.map((tenor) => [tenor, month(tenor)]);
  const limit = {
    name: "limit",
    label: `${t("page.strip.limit")} (${page.unit()})`,
    type: "amount",
    hint: t("page.strip.limit_hint"),
  };
  const quantity = { name: "lots", label: t("word.lots"), type: "lots" };
  const least = {
    name: "min_lots",
    label: t("page.strip.min_lots"),
    type: "lots",
    isOptional: true,
    hint: t("page.strip.min_hint"),
  };
  const shapes = {
    period: [
      { name: "tenor", label: t("word.tenor"), type: "select", options: months },
      quantity,
      limit,
      least,
    ],
    flexible: [
      { name: "first", label: t("page.strip.first"), type: "select", options: months },
      { name: "last", label: t("page.strip.last"), type: "select", options: months, value: months.at(-1)[0] },
      quantity,
      limit,
      { name: "per_tenor_max", label: t("page.strip.per_tenor_max"), type: "lots", isOptional: true },
      least,
    ],
    block: [
      countsField({
        name: "schedule",
        label: t("page.strip.schedule"),
        options: months,
        hint: t("page.strip.block_hint"),
      }),
      limit,
    ],
  };
  const held = h("div");
  const chosen = h(
    "select",
    { id: "order-form" },
    Object.keys(shapes).map((shape) => h("option", { value: shape }, t(`page.form.${shape}`))),
  );
  const change = () =>
    fill(
      held,
      h("p", { class: "note" }, t(`page.form_why.${chosen.value}`)),
      orderForm(page, chosen.value, shapes[chosen.value]),
    );
  chosen.addEventListener("change", change);
  change();
  return h(
    "div",
    { class: "form" },
    h("div", { class: "field" }, h("label", { for: "order-form" }, t("page.strip.form")), chosen),
    held,
  );
}

function orderForm(page, shape, fields) {
  return form({
    fields,
    act: t("page.strip.order"),
    confirm: ({ tenor, first, last, schedule, ...values }) => {
      const count = values.lots ?? Object.values(schedule).reduce((sum, one) => sum + one, 0);
      const terms = { tenor, window: [first, last], lots: schedule };
      return {
        title: t("page.strip.order_ask"),
        lines: [
          [t("page.strip.form"), t(`page.form.${shape}`)],
          [t("word.tenor"), page.termsOf({ form: shape, terms })],
          [t("word.lots"), page.lots(count)],
          [t("page.strip.limit"), `${amount(values.limit)} ${page.unit()}`],
          values.per_tenor_max && [t("page.strip.per_tenor_max"), page.lots(values.per_tenor_max)],
          values.min_lots && [t("page.strip.min_lots"), page.lots(values.min_lots)],
        ].filter(Boolean),
        note: t("page.strip.order_note"),
        act: t("page.strip.order"),
      };
    },
    send: ({ first, last, ...rest }, key) =>
      send(
        "POST",
        `${page.path}/orders`,
        { form: shape, ...rest, ...(first && { window: [first, last] }) },
        key,
      ),
    done: (answer) => page.done("page.strip.ordered", { deposit: amount(answer.deposit) }),
  });
}

/** A supplier's schedule over the months: sealed, or in talks an answer to the bundle. */
export function offerForm(page, { act = t("page.strip.offer"), note = t("page.strip.offer_note") } = {}) {
  const { tenors } = page.strip;
  return form({
    fields: [
      ...tenors.map((tenor) =>
        pairsField({
          name: tenor,
          label: `${month(tenor)} (${page.unit()})`,
          keys: ["lots", "price"],
          labels: [t("word.lots"), t("word.price")],
          types: ["lots", "amount"],
          first: [["", ""]],
          isOptional: true,
        }),
      ),
      { name: "capacity", label: t("page.strip.capacity"), type: "lots" },
      { name: "min_total", label: t("page.strip.min_total"), type: "lots", value: "1" },
      pairsField({
        name: "breaks",
        label: t("page.strip.breaks"),
        keys: ["lots", "rebate"],
        labels: [t("page.pool.from_lots"), t("page.strip.rebate")],
        types: ["lots", "amount"],
        first: [["", ""]],
        hint: t("page.strip.breaks_hint"),
        isOptional: true,
      }),
      ...storageFields(tenors),
    ],
    act,
    confirm: (values) => ({
      title: t("page.strip.offer_ask"),
      lines: [
        ...tenors
          .filter((tenor) => values[tenor])
          .map((tenor) => [
            month(tenor),
            values[tenor].map((step) => `${page.lots(step.lots)} × ${amount(step.price)}`).join(t("word.comma")),
          ]),
        [t("page.strip.capacity"), page.lots(values.capacity)],
        [t("page.strip.min_total"), page.lots(values.min_total)],
        values.breaks && [t("page.strip.breaks"), breaksText(page, values)],
        values.storage && [t("page.strip.storage"), storageText(page, values)],
      ].filter(Boolean),
      note,
      act,
    }),
    send: (values, key) => {
      const steps = Object.fromEntries(
        tenors.filter((tenor) => values[tenor]).map((tenor) => [tenor, values[tenor]]),
      );
      const { capacity, min_total: least, breaks, storage } = values;
      return send(
        "POST",
        `${page.path}/offers`,
        { steps, capacity, min_total: least, ...(breaks && { breaks }), ...(storage && { storage }) },
        key,
      );
    },
    done: () => page.done("page.strip.offered"),
  });
}

/** Room to keep lots of one month for the next, at a carry. */
function storageFields(tenors) {
  if (tenors.length < 2) return [];
  const pairs = tenors.slice(1).map((to, at) => [{ from: tenors[at], to }, `${month(tenors[at])} → ${month(to)}`]);
  return [
    pairsField({
      name: "storage",
      label: t("page.strip.storage"),
      keys: ["lots", "carry"],
      labels: [t("word.lots"), t("page.strip.carry")],
      types: ["lots", "amount"],
      heads: pairs,
      hint: t("page.strip.storage_hint"),
      isOptional: true,
    }),
  ];
}
