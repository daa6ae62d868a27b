/** The form by which a firm opens an auction: a draft of its category, then its own figures. */

import { get, send } from "../core/api.js";
import { cellFields, cellName, cellOf } from "../core/catalogue.js";
import { instant, now, toLocal } from "../core/clock.js";
import { h } from "../core/dom.js";
import { form } from "../core/forms.js";
import { amount, lots } from "../core/numbers.js";
import { choicesField, pairsField } from "../core/rows.js";
import { firm, t } from "../core/words.js";

const MINUTE = 60_000;
const FORMATS = [
  "english",
  "sealed_first",
  "sealed_uniform",
  "second_price",
  "dutch",
  "japanese",
  "clock",
  "packages",
];
const BY_MONTH = ["clock", "packages"];
const SCORED = ["english", "sealed_first", "packages"];
// Which fields a format has beside those of all.
const OWN = {
  lots: ["english", "sealed_first", "sealed_uniform", "second_price", "dutch", "japanese"],
  start: ["english", "sealed_first", "sealed_uniform", "second_price", "dutch", "japanese"],
  reserve: ["english", "sealed_first", "sealed_uniform", "second_price", "dutch", "packages"],
  min_lots: ["english", "sealed_first", "sealed_uniform", "dutch", "japanese", "clock"],
  pricing: ["english", "sealed_uniform", "dutch"],
  interval_s: ["dutch", "japanese", "clock"],
  max_share: ["english", "sealed_first", "sealed_uniform", "dutch", "japanese", "clock"],
  items: BY_MONTH,
  owner_disclosure: ["english", "dutch", "japanese", "clock"],
  score_name: SCORED,
  score_unit: SCORED,
  score_most: SCORED,
};
const isOf = (name, format) => !OWN[name] || OWN[name].includes(format);
// Which of them must be filled in where they are shown: who buys names the most that he pays.
const NEEDED = {
  lots: () => true,
  interval_s: () => true,
  start: ({ format, side }) => format !== "english" || side === "buy",
  reserve: ({ format, side }) => format === "dutch" && side === "buy",
};

/**
 * `sides` are the directions that the viewer's roles may open, one or both; `known` the firms that
 * he has dealt with, who may be invited.
 */
export function openForm(sides, known) {
  let drafts = [];
  let drafted = "";
  const made = form({
    isWide: true,
    fields: fields(sides, known),
    act: t("page.auctions.open"),
    onchange: (values) => follow(values),
    confirm: (values) => asking(values, known),
    send: (values, key) => send("POST", "/auctions", bodyOf(values), key),
    done: ({ auction_id: id }) => location.assign(`/auctions/${id}`),
  });

  async function load(instrument) {
    drafted = instrument;
    ({ drafts } = await get(`/auction-drafts?instrument=${encodeURIComponent(instrument)}`));
    const select = made.querySelector("[name=draft]");
    select.replaceChildren(
      h("option", { value: "" }, t("page.auctions.no_draft")),
      ...drafts.map(({ name }) => h("option", { value: name }, t(`page.draft.${name}`))),
    );
  }

  let taken = "";
  function follow(values) {
    if (values.instrument !== drafted) load(values.instrument).catch(() => {});
    if (values.draft !== taken) {
      taken = values.draft;
      const found = drafts.find(({ name }) => name === taken);
      if (found) fillIn(made, found);
    }
    show(made);
  }

  load(made.querySelector("[name=instrument]").value).catch(() => {});
  show(made);
  return h("details", { class: "panel" }, h("summary", {}, t("page.auctions.open")), made);
}

/** Put a draft's figures into the form; what a person typed of prices and lots stays. */
function fillIn(made, draft) {
  const [scored] = draft.criteria;
  made.set("format", draft.format);
  made.set("step", draft.step);
  made.set("disclosure", draft.disclosure);
  made.set("interval_s", draft.interval_s ?? "");
  made.set("max_share", draft.max_share ?? "");
  made.set("closes_at", toLocal(now() + draft.minutes * MINUTE));
  made.set("score_name", scored?.name ?? "");
  made.set("score_unit", scored?.unit ?? "");
  made.set("score_most", scored?.highest ?? "");
}

/** Show the fields of the format that is chosen, and no others; mark what may be left empty. */
function show(made) {
  const [format, side] = ["format", "side"].map((name) => made.querySelector(`[name=${name}]`).value);
  for (const name of Object.keys(OWN)) {
    const field =
      name === "items" ? made.querySelector("fieldset") : made.querySelector(`[name=${name}]`).closest(".field");
    field.hidden = !isOf(name, format);
  }
  for (const [name, isNeeded] of Object.entries(NEEDED)) {
    made.need(name, isOf(name, format) && isNeeded({ format, side }));
  }
}

function asking(values, known) {
  const { items = [], format } = values;
  const isByMonth = BY_MONTH.includes(format);
  return {
    title: t("page.auctions.open_ask"),
    lines: [
      [t("word.cell"), cellName(cellOf(values))],
      [t("page.auction.format"), t(`page.format.${format}`)],
      [t("word.lots"), lots(isByMonth ? items.reduce((sum, item) => sum + item.lots, 0) : (values.lots ?? 0))],
      [t("page.auctions.side"), t(`page.auctions.${values.side}`)],
      !isByMonth && values.start && [t("page.auction.start_price"), amount(values.start)],
      [t("page.auctions.closes_at"), instant(values.closes_at)],
      values.invited?.length > 0 && [
        t("page.auctions.invited"),
        known
          .filter(({ organisation_id: id }) => values.invited.includes(id))
          .map((one) => firm(one))
          .join(t("word.comma")),
      ],
    ].filter(Boolean),
    note: t(values.side === "buy" ? "page.auctions.binding_purchase" : "page.auctions.binding"),
    act: t("page.auctions.open"),
  };
}

/** Return the terms as the market takes them: nothing of another format, months in a row. */
function bodyOf({ instrument, region, tenor, admits, draft: _, items = [], ...rest }) {
  const { score_name: name, score_unit: worth, score_most: most, ...figures } = rest;
  const own = Object.entries(figures).filter(([field]) => isOf(field, rest.format));
  const isByMonth = BY_MONTH.includes(rest.format);
  const months = items.map((item, ahead) => ({ tenor: monthAfter(tenor, ahead), ...item }));
  return {
    cell: cellOf({ instrument, region, tenor }),
    ...Object.fromEntries(own),
    ...(isByMonth && { items: months, lots: months.reduce((sum, item) => sum + item.lots, 0) }),
    ...(rest.format === "dutch" && figures.reserve && { reserve_is_public: true }),
    ...(name &&
      isOf("score_name", rest.format) && {
        criteria: [{ name, unit: worth ?? "0.00", lowest: 0, highest: most ?? 0 }],
      }),
    ...(admits && { kinds: admits.split(",") }),
  };
}

function monthAfter(tenor, ahead) {
  const [year, month] = tenor.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 + ahead, 1)).toISOString().slice(0, 7);
}

function fields(sides, known) {
  const choice = (name, label, options, more) => ({ name, label, type: "select", options, ...more });
  const optional = (name, label, type, hint, value) => ({ name, label, type, hint, value, isOptional: true });
  return [
    choice(
      "side",
      t("page.auctions.side"),
      sides.map((one) => [one, t(`page.auctions.${one}`)]),
    ),
    ...cellFields(t),
    choice("draft", t("page.auctions.draft"), [["", t("page.auctions.no_draft")]], { isOptional: true }),
    choice(
      "format",
      t("page.auction.format"),
      FORMATS.map((one) => [one, t(`page.format.${one}`)]),
    ),
    optional("lots", t("word.lots"), "lots"),
    optional("title", t("page.auctions.name"), "text"),
    optional("start", t("page.auction.start_price"), "amount", t("page.auctions.start_hint")),
    { name: "step", label: t("page.auction.step"), type: "amount", value: "10.00" },
    pairsField({
      name: "items",
      label: t("page.auctions.by_month"),
      keys: ["lots", "start"],
      labels: [t("word.lots"), t("page.auction.start_price")],
      types: ["lots", "amount"],
      first: [
        ["", ""],
        ["", ""],
        ["", ""],
      ],
      hint: t("page.auctions.by_month_hint"),
      isOptional: true,
    }),
    optional("reserve", t("page.auction.reserve"), "amount", t("page.auctions.reserve_hint")),
    optional("min_lots", t("page.auction.min_lots"), "lots", undefined, "1"),
    optional("max_share", t("page.auctions.max_share"), "lots"),
    optional("interval_s", t("page.auctions.interval"), "lots"),
    {
      name: "closes_at",
      label: t("page.auctions.closes_at"),
      type: "instant",
      value: toLocal(now() + 60 * MINUTE),
    },
    choice(
      "pricing",
      t("page.auction.pricing"),
      ["auto", "pay_as_bid", "last_accepted", "first_rejected"].map((one) => [one, t(`page.pricing.${one}`)]),
    ),
    choice(
      "disclosure",
      t("page.auction.disclosure"),
      ["auto", "best", "full", "rank", "blind"].map((one) => [one, t(`page.disclosure.${one}`)]),
    ),
    choice(
      "observer_disclosure",
      t("page.auction.observer_disclosure"),
      [["", t("page.auctions.as_bidders")], ...["best", "blind"].map((one) => [one, t(`page.disclosure.${one}`)])],
      { isOptional: true },
    ),
    choice(
      "owner_disclosure",
      t("page.auction.owner_disclosure"),
      [["", t("page.disclosure.auto")], ...["full", "blind"].map((one) => [one, t(`page.owner_disclosure.${one}`)])],
      { isOptional: true },
    ),
    optional("score_name", t("page.auctions.score_name"), "text", t("page.auctions.score_hint")),
    optional("score_unit", t("page.auctions.score_unit"), "amount"),
    optional("score_most", t("page.auctions.score_most"), "lots"),
    choice(
      "admits",
      t("page.auction.admits"),
      [
        ["", t("page.auctions.everybody")],
        ["trader,refiner", t("page.auctions.large_only")],
        ...["factory", "trader", "refiner", "mill"].map((kind) => [kind, t(`page.kind.${kind}`)]),
      ],
      { isOptional: true },
    ),
    known.length > 0 &&
      choicesField({
        name: "invited",
        label: t("page.auctions.invited"),
        options: known.map((one) => [one.organisation_id, firm(one)]),
        hint: t("page.auctions.invited_hint"),
        isOptional: true,
      }),
  ].filter(Boolean);
}
