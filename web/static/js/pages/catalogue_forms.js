/** The desk's catalogue: what is traded and where, and the forms that add to it. */

import { send } from "../core/api.js";
import { instrumentName, instruments, load, regionName, regions } from "../core/catalogue.js";
import { h, say } from "../core/dom.js";
import { form } from "../core/forms.js";
import { amount, lots, minor, percent } from "../core/numbers.js";
import { empty, table } from "../core/parts.js";
import { t } from "../core/words.js";

const RATES = [
  ...["tax_bps", "service_tax_bps", "fee_bps", "deposit_bps", "tolerance_bps"],
  ...["logistics_fee_bps", "capital_fee_bps"],
];

/** Return the catalogue behind a summary, open while it is empty or grows; `refill` shows the desk anew. */
export function catalogueForms({ isDefining, refill }) {
  const isEmpty = instruments().length === 0 || regions().length === 0;
  const renew = async () => {
    await load();
    refill({ isDefining: true });
  };
  return h(
    "details",
    { class: "panel", id: "catalogue", open: isEmpty || isDefining },
    h("summary", {}, t("page.desk.catalogue")),
    isEmpty && h("p", { class: "banner" }, t("page.desk.catalogue_first")),
    h("h3", {}, t("page.desk.regions")),
    known(),
    regionForm(renew),
    h("h3", {}, t("page.desk.instruments")),
    traded(),
    instrumentForm(renew),
  );
}

function known() {
  if (regions().length === 0) return empty(t("page.desk.no_region"));
  return table({
    rows: regions(),
    columns: [
      { label: t("page.desk.region_code"), cell: (row) => h("span", { class: "mono" }, row.code) },
      { label: t("word.region"), cell: (row) => regionName(row.code) },
      { label: t("page.desk.region_parent"), cell: (row) => (row.parent ? regionName(row.parent) : "—") },
    ],
  });
}

function regionForm(renew) {
  const isFirst = regions().length === 0;
  const parents = regions().map(({ code }) => [code, regionName(code)]);
  return form({
    isWide: true,
    fields: [
      {
        name: "code",
        label: t("page.desk.region_code"),
        hint: t("page.desk.region_code_hint"),
        value: isFirst ? "CN" : "",
      },
      { name: "name_zh", label: t("page.desk.name_zh"), value: isFirst ? "全国" : "" },
      { name: "name_en", label: t("page.desk.name_in_english"), value: isFirst ? "China" : "" },
      {
        name: "parent",
        label: t("page.desk.region_parent"),
        type: "select",
        options: [["", "—"], ...parents],
        value: parents[0]?.[0],
        isOptional: true,
      },
    ],
    act: t("page.desk.region_add"),
    send: (values, key) => send("POST", "/regions", values, key),
    done: async (_, { name_zh: zh }) => {
      say(t("page.desk.catalogue_added", { name: zh }));
      await renew();
    },
  });
}

function traded() {
  if (instruments().length === 0) return empty(t("page.desk.no_instrument"));
  return table({
    rows: instruments(),
    columns: [
      {
        label: t("word.instrument"),
        cell: (row) => [instrumentName(row.id), h("div", { class: "note mono" }, row.id)],
      },
      { label: t("page.desk.standard"), cell: (row) => row.standard },
      { label: t("page.desk.lot"), cell: (row) => row.lot_text },
      { label: t("page.desk.tick"), isNumber: true, cell: (row) => amount(row.tick) },
      { label: t("word.fee"), isNumber: true, cell: (row) => percent(row.fee_bps) },
      { label: t("word.deposit"), isNumber: true, cell: (row) => percent(row.deposit_bps) },
    ],
  });
}

function instrumentForm(renew) {
  const rate = (name, value, isOptional = false) => ({
    name,
    label: t(`page.desk.${name}`),
    type: "amount",
    value,
    isOptional,
  });
  return form({
    isWide: true,
    fields: [
      { name: "id", label: t("page.desk.instrument_id"), hint: t("page.desk.instrument_id_hint") },
      { name: "name_zh", label: t("page.desk.name_zh") },
      { name: "name_en", label: t("page.desk.name_in_english") },
      { name: "standard", label: t("page.desk.standard"), hint: t("page.desk.standard_hint") },
      { name: "packaging", label: t("page.desk.packaging"), hint: t("page.desk.packaging_hint") },
      { name: "lot_text", label: t("page.desk.lot"), value: "1 t", hint: t("page.desk.lot_hint") },
      { name: "tick", label: t("page.desk.tick"), type: "amount", value: "1.00" },
      { name: "step", label: t("page.desk.step"), type: "amount", value: "25.00", hint: t("page.desk.step_hint") },
      { name: "max_lots", label: t("page.desk.max_lots"), type: "lots", value: "100000" },
      rate("tax_bps", "13"),
      rate("service_tax_bps", "6"),
      rate("fee_bps", ""),
      rate("deposit_bps", "10"),
      rate("tolerance_bps", "1"),
      rate("logistics_fee_bps", "", true),
      rate("capital_fee_bps", "", true),
      { name: "lot_fee", label: t("page.desk.lot_fee"), type: "amount", isOptional: true },
      { name: "return_days", label: t("page.desk.return_days"), type: "lots", value: "7" },
      { name: "return_policy", label: t("page.desk.return_policy"), type: "long" },
    ],
    act: t("page.desk.instrument_add"),
    confirm: (values) => ({
      title: t("page.desk.instrument_ask"),
      lines: [
        [t("word.instrument"), `${values.name_zh} (${values.id})`],
        [t("page.desk.lot"), values.lot_text],
        [t("page.desk.tick"), amount(values.tick)],
        [t("page.desk.max_lots"), lots(values.max_lots, values.lot_text)],
        ...RATES.filter((name) => values[name] !== undefined).map((name) => [
          t(`page.desk.${name}`),
          percent(bpsOf(values[name])),
        ]),
      ],
      note: t("page.desk.instrument_for_good"),
      act: t("page.desk.instrument_add"),
    }),
    send: (values, key) => send("POST", "/instruments", bodyOf(values), key),
    done: async (_, { name_zh: zh }) => {
      say(t("page.desk.catalogue_added", { name: zh }));
      await renew();
    },
  });
}

/** Rates are typed in per cent and sent in basis points. */
function bodyOf(values) {
  const rates = RATES.filter((name) => values[name] !== undefined).map((name) => [name, bpsOf(values[name])]);
  return { ...values, ...Object.fromEntries(rates) };
}

function bpsOf(typed) {
  return Number(minor(typed));
}
