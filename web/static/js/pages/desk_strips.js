/** The desk's form for a forward window: months, deposits, index, and how prices are negotiated. */

import { get, send } from "../core/api.js";
import { instrumentName, instrumentOptions, monthOptions, regionName, regionOptions } from "../core/catalogue.js";
import { instant, month, now, toLocal } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { form } from "../core/forms.js";
import { amount, minor } from "../core/numbers.js";
import { t } from "../core/words.js";

const DAY = 86_400_000;
const ROUNDS = ["sealed", "counter", "clock"];
const MAX_MONTHS = 24;

/** Return the form behind a summary; how prices are negotiated is chosen first. */
export function stripForm() {
  const held = h("div");
  const chosen = h(
    "select",
    { id: "strip-rounds" },
    ROUNDS.map((kind) => h("option", { value: kind }, t(`page.strip.rounds.${kind}`))),
  );
  let firms = [];
  const change = () => fill(held, windowForm(chosen.value, firms));
  chosen.addEventListener("change", change);
  const panel = h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.desk.open_strip")),
    h("div", { class: "field" }, h("label", { for: "strip-rounds" }, t("page.strip.rounds")), chosen),
    held,
  );
  panel.addEventListener("toggle", async () => {
    if (!panel.open || firms.length > 0) return;
    firms = (await get("/organisations")).organisations;
    if (chosen.value === "counter") change();
  });
  change();
  return panel;
}

function windowForm(rounds, firms) {
  return form({
    isWide: true,
    fields: [...windowFields(), ...moneyFields(), ...roundFields(rounds, firms)],
    act: t("page.desk.open_strip"),
    confirm: (values) => ({
      title: t("page.desk.open_strip_ask"),
      lines: [
        [t("page.desk.strip_title"), values.title],
        [t("page.strip.rounds"), t(`page.strip.rounds.${rounds}`)],
        [t("word.instrument"), `${instrumentName(values.instrument)} · ${regionName(values.region)}`],
        [t("page.strips.months"), following(values).map(month).join(t("word.comma"))],
        [t("page.strip.closes_at"), instant(values.closes_at)],
        [t("page.desk.strip_pricing"), t(`page.strip.pricing.${values.pricing}`)],
        values.index_reference && [t("page.desk.strip_index_reference"), amount(values.index_reference)],
      ].filter(Boolean),
      act: t("page.desk.open_strip"),
    }),
    send: (values, key) => send("POST", "/strips", bodyOf(rounds, values), key),
    done: ({ strip_id: id }) => location.assign(`/strips/${id}`),
  });
}

function windowFields() {
  const [, , third] = monthOptions(3);
  return [
    { name: "title", label: t("page.desk.strip_title") },
    { name: "instrument", label: t("word.instrument"), type: "select", options: instrumentOptions() },
    { name: "region", label: t("word.region"), type: "select", options: regionOptions() },
    { name: "first", label: t("page.strip.first"), type: "select", options: monthOptions(), value: third[0] },
    { name: "count", label: t("page.desk.months"), type: "lots", value: "3" },
    { name: "closes_at", label: t("page.strip.closes_at"), type: "instant", value: toLocal(now() + 2 * DAY) },
  ];
}

function moneyFields() {
  const share = (name, label) => ({
    name,
    label: t(label),
    type: "amount",
    isOptional: true,
    hint: t("page.desk.strip_share_hint"),
  });
  const index = (name, label) => ({
    name,
    label: t(label),
    type: "amount",
    isOptional: true,
    hint: t("page.desk.strip_index_hint"),
  });
  return [
    {
      name: "pricing",
      label: t("page.desk.strip_pricing"),
      type: "select",
      options: ["supported", "make_whole"].map((rule) => [rule, t(`page.strip.pricing.${rule}`)]),
      hint: t("page.desk.strip_pricing_hint"),
    },
    share("signing_bps", "page.desk.strip_signing_share"),
    share("month_bps", "page.desk.strip_month_share"),
    index("index_reference", "page.desk.strip_index_reference"),
    index("index_default", "page.desk.strip_index_default"),
  ];
}

function roundFields(rounds, firms) {
  if (rounds === "counter") {
    return [
      {
        name: "seller",
        label: t("page.desk.strip_seller"),
        type: "select",
        options: firms.map(({ id, name }) => [id, name]),
      },
      { name: "answer_minutes", label: t("page.desk.strip_answer_minutes"), type: "lots", value: "1440" },
    ];
  }
  if (rounds !== "clock") return [];
  return [
    {
      name: "direction",
      label: t("page.desk.strip_direction"),
      type: "select",
      options: ["falling", "rising"].map((way) => [way, t(`page.desk.strip_${way}`)]),
    },
    { name: "start", label: t("page.desk.strip_start"), type: "amount" },
    { name: "step", label: t("page.desk.strip_step"), type: "amount", value: "50" },
    { name: "round_minutes", label: t("page.desk.strip_round_minutes"), type: "lots", value: "10" },
  ];
}

function bodyOf(rounds, { first, count, ...values }) {
  const tenors = following({ first, count });
  const { title, instrument, region, pricing, closes_at: closesAt, ...rest } = values;
  const body = { title, instrument, region, pricing, closes_at: closesAt, tenors };
  for (const name of ["signing_bps", "month_bps"]) {
    if (rest[name] !== undefined) body[name] = Number(minor(rest[name]));
  }
  for (const name of ["index_reference", "index_default"]) {
    if (rest[name] !== undefined) body[name] = rest[name];
  }
  if (rounds === "counter") body.counter = { seller: rest.seller, answer_minutes: rest.answer_minutes };
  if (rounds === "clock") {
    const start = Object.fromEntries(tenors.map((tenor) => [tenor, rest.start]));
    body.clock = { direction: rest.direction, start, step: rest.step, round_minutes: rest.round_minutes };
  }
  return body;
}

/** Return `count` months from the first on. */
function following({ first, count }) {
  const [year, from] = first.split("-").map(Number);
  return Array.from({ length: Math.min(count, MAX_MONTHS) }, (_, ahead) => {
    const at = year * 12 + from - 1 + ahead;
    return `${Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}`;
  });
}
