/** The forms of a contract: calling lots off, and proposing a change after seeing what it does. */

import { send } from "../core/api.js";
import { date, month } from "../core/clock.js";
import { planOf } from "./contract_changes.js";
import { fill, h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { panel } from "../core/parts.js";
import { t } from "../core/words.js";

/** Lots of a month, wanted on one of its trading days. */
export function callOffForm(page, slot) {
  return panel(
    `${t("page.contract.call_off")} · ${month(slot.tenor)}`,
    form({
      fields: [
        { name: "lots", label: t("word.lots"), type: "lots", value: String(slot.left_lots) },
        {
          name: "delivery_on",
          label: t("page.contract.delivery_on"),
          type: "select",
          options: slot.delivery_days.map((day) => [day, date(day)]),
          hint: t("page.contract.days_hint"),
        },
      ],
      act: t("page.contract.call_off"),
      confirm: (values) => ({
        title: t("page.contract.call_off_ask"),
        lines: [
          [t("word.lots"), page.lots(values.lots)],
          [t("page.contract.delivery_on"), date(values.delivery_on)],
        ],
        note: t("page.contract.call_off_note"),
        act: t("page.contract.call_off"),
      }),
      send: (values, key) => send("POST", `/slots/${slot.slot_id}/call-offs`, values, key),
      done: () => page.done("page.contract.called_off"),
    }),
  );
}

/** A change of a month: chosen, previewed to the fen, then proposed. */
export function changeForm(page, slot) {
  const path = `/slots/${slot.slot_id}`;
  const kinds = slot.is_mine
    ? ["lots", "month", "place", "transfer", "swap", "cancel"]
    : ["lots", "month", "cancel"];
  if (!slot.is_fixed) kinds.push("price");
  const id = `change-${slot.slot_id}`;
  const held = h("div");
  const chosen = h(
    "select",
    { id },
    kinds.map((kind) => h("option", { value: kind }, t(`page.change.${kind}`))),
  );
  const change = () =>
    fill(
      held,
      h("p", { class: "note" }, t(`page.change_why.${chosen.value}`)),
      oneChange(page, slot, path, chosen.value),
    );
  chosen.addEventListener("change", change);
  change();
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, [t("page.contract.change"), month(slot.tenor), !slot.is_mine && slot.buyer].filter(Boolean).join(" · ")),
    h(
      "div",
      { class: "form" },
      h("div", { class: "field" }, h("label", { for: id }, t("page.contract.kind")), chosen),
      held,
    ),
  );
}

function oneChange(page, slot, path, kind) {
  const shown = h("div");
  return h(
    "div",
    {},
    form({
      fields: fieldsOf(page, slot, kind),
      act: t("page.contract.preview"),
      send: (values) => send("POST", `${path}/preview`, { kind, ...values }),
      done: (plan, values) =>
        fill(
          shown,
          planOf(plan, page.lot),
          h("p", { class: "note" }, t("page.contract.asks", { count: plan.asks })),
          h(
            "p",
            { class: "foot" },
            actButton({
              label: t("page.contract.propose"),
              confirm: () => ({
                title: t("page.contract.propose_ask"),
                note: t("page.contract.propose_note"),
                act: t("page.contract.propose"),
              }),
              send: (key) => send("POST", `${path}/proposals`, { kind, ...values }, key),
              done: () => page.done("page.contract.proposed"),
            }),
          ),
        ),
    }),
    shown,
  );
}

function fieldsOf(page, slot, kind) {
  const quantity = { name: "lots", label: t("word.lots"), type: "lots", value: String(slot.left_lots) };
  const others = page.tenors().filter((tenor) => tenor !== slot.tenor);
  const tenor = {
    name: "tenor",
    label: t("word.tenor"),
    type: "select",
    options: others.map((one) => [one, month(one)]),
  };
  const to = { name: "to", label: t("page.contract.to"), hint: t("page.contract.to_hint") };
  switch (kind) {
    case "lots":
      return [quantity];
    case "month":
      return [tenor];
    case "place":
      return [
        {
          name: "place_id",
          label: t("page.contract.place"),
          type: "select",
          options: page.places.map((one) => [one.place_id, one.name]),
        },
        { name: "freight", label: t("page.contract.freight"), type: "amount", value: slot.freight },
      ];
    case "transfer":
      return [to, quantity];
    case "swap":
      return [to, tenor, quantity];
    default:
      return [];
  }
}
