/** Suppliers' standing offers: what stands, my own, and the form for a new one. */

import { get, send } from "../core/api.js";
import { cellFields, cellName, cellOf } from "../core/catalogue.js";
import { instant, now, toLocal } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount, lots, priceUnit } from "../core/numbers.js";
import { chip, empty, facts, head, table } from "../core/parts.js";
import { pairsField } from "../core/rows.js";
import { may } from "../core/viewer.js";
import { firm, t, worded } from "../core/words.js";
import { importPanel } from "./imports.js";

const TWO_WEEKS = 14 * 86_400_000;
const KINDS = ["factory", "mill", "trader", "refiner"];

export async function show(main) {
  const body = h("div", { class: "stack live" });
  const refresh = async () => showAll(body, (await get("/offers?limit=200")).offers, refresh);
  const forms = h("div", { class: "stack" });
  const again = async () => {
    const [known, { rulebooks }] = await Promise.all([get("/counterparties"), get("/standing/rulebooks")]);
    const book = rulebooks.findLast(({ in_force_at: at }) => !at || Date.parse(at) <= now());
    fill(
      forms,
      offerForm(known.groups, book, refresh),
      importPanel({ kind: "offers", columns: meaningOf(known.groups), refresh }),
      groupsForm(known, again),
    );
  };
  fill(main, head(t("page.offers.title"), { note: t("page.offers.note") }), h("div", { class: "stack" }, forms, body));
  await Promise.all([refresh(), may("supply.offer") && again()]);
}

function showAll(body, offers, refresh) {
  const own = offers.filter((offer) => offer.own);
  const others = offers.filter((offer) => !offer.own);
  fill(
    body,
    own.length > 0 &&
      h(
        "section",
        { class: "panel plain" },
        h("h2", {}, t("page.offers.own")),
        table({
          rows: own,
          columns: [
            { label: t("word.cell"), cell: (offer) => cellName(offer.cell) },
            { label: t("page.offers.breaks"), cell: breaksOf },
            {
              label: t("page.offers.taken"),
              isNumber: true,
              cell: (offer) => `${offer.own.taken_lots} / ${lots(offer.capacity_lots)}`,
            },
            {
              label: t("word.state"),
              cell: (offer) => [chip(offer.state), h("div", { class: "note" }, audienceOf(offer.own))],
            },
            { label: t("page.offers.valid_until"), cell: (offer) => instant(offer.valid_until) },
            { label: "", cell: (offer) => offer.state === "standing" && withdraw(offer, refresh) },
          ],
        }),
      ),
    h(
      "section",
      { class: "panel plain" },
      h("h2", {}, t("page.offers.others")),
      others.length === 0
        ? h("div", { class: "panel" }, empty(t("page.offers.empty")))
        : table({
            rows: others,
            columns: [
              { label: t("word.cell"), cell: (offer) => cellName(offer.cell) },
              {
                label: t("page.offers.seller"),
                cell: (offer) => [
                  firm(offer, "seller_name"),
                  offer.why === "named" && h("div", { class: "note" }, t("page.offers.why_named")),
                  offer.why === "class" && h("div", { class: "note" }, t("page.offers.why_class")),
                  offer.why === "tier" && h("div", { class: "note" }, t("page.offers.why_tier")),
                ],
              },
              { label: t("page.offers.breaks"), cell: breaksOf },
              { label: t("page.offers.capacity"), isNumber: true, cell: (offer) => lots(offer.capacity_lots) },
              { label: t("page.offers.valid_until"), cell: (offer) => instant(offer.valid_until) },
            ],
          }),
    ),
  );
}

/** What an offer of a file means; its groups are told by their names. */
function meaningOf(groups) {
  const names = new Map(groups.map((group) => [group.group_id, group.name]));
  return [
    { label: t("word.cell"), cell: (offer) => cellName(offer.cell) },
    { label: t("page.offers.breaks"), cell: breaksOf },
    { label: t("page.offers.capacity"), isNumber: true, cell: (offer) => lots(offer.capacity_lots) },
    { label: t("page.offers.pack"), isNumber: true, cell: (offer) => lots(offer.pack) },
    {
      label: t("page.offers.shown_to"),
      cell: (offer) => audienceOf({ ...offer, shown_to: offer.shown_to.map((id) => names.get(id)) }),
    },
    { label: t("page.offers.valid_until"), cell: (offer) => offer.valid_until && instant(offer.valid_until) },
  ];
}

function breaksOf({ breaks }) {
  return h(
    "ul",
    {},
    breaks.map(({ from_lots: from, price }) =>
      h("li", { class: "nowrap" }, t("page.offers.break", { lots: lots(from), price: amount(price) })),
    ),
  );
}

/** Return who sees an offer of one's own before the close. */
function audienceOf({ is_public: isPublic, shown_to: groups, from_tier: tier, for_kind: kind, for_size: size }) {
  if (isPublic) return t("page.offers.seen_by_all");
  const named = [kind && worded("page.kind", kind), size && worded("size", size)].filter(Boolean).join(" · ");
  const seen = [
    ...groups,
    tier && t("page.offers.from_tier_up", { tier: worded("tier", tier) }),
    named && t("page.offers.class_of", { class: named }),
  ].filter(Boolean);
  return seen.length === 0 ? t("page.offers.hidden") : t("page.offers.seen_by", { groups: seen.join(t("word.comma")) });
}

function withdraw(offer, refresh) {
  return actButton({
    label: t("page.offers.withdraw"),
    className: "danger",
    confirm: () => ({
      title: t("page.offers.withdraw_ask"),
      lines: [
        [t("word.cell"), cellName(offer.cell)],
        [t("page.offers.taken"), lots(offer.own.taken_lots)],
      ],
      note: t("page.offers.withdraw_note"),
      act: t("page.offers.withdraw"),
      isDanger: true,
    }),
    send: (key) => send("DELETE", `/offers/${offer.offer_id}`, undefined, key),
    done: refresh,
  });
}

function groupsForm({ counterparties, groups }, again) {
  const known = new Map(counterparties.map((one) => [one.organisation_id, firm(one, "name")]));
  const fields = counterparties.map(({ organisation_id: id }) => ({ name: id, label: known.get(id), type: "check", value: false }));
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.offers.groups")),
    h("p", { class: "note" }, t("page.offers.groups_note")),
    groups.length > 0 &&
      facts(groups.map((group) => [group.name, group.members.map((id) => known.get(id) ?? id).join(t("word.comma")) || "—"])),
    counterparties.length === 0
      ? empty(t("page.offers.no_counterparty"))
      : form({
          fields: [{ name: "name", label: t("page.offers.group_name") }, ...fields],
          act: t("page.offers.group_set"),
          send: ({ name, ...chosen }, key) => {
            const members = counterparties.map((one) => one.organisation_id).filter((id) => chosen[id]);
            return send("PUT", "/counterparty-groups", { name, members }, key);
          },
          done: async () => {
            say(t("page.offers.group_kept"));
            await again();
          },
        }),
  );
}

function offerForm(groups, { tiers, sizes }, refresh) {
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.offers.make")),
    form({
      isWide: true,
      fields: [
        ...cellFields(t),
        pairsField({
          name: "breaks",
          label: `${t("page.offers.breaks")} (${priceUnit()})`,
          keys: ["from_lots", "price"],
          labels: [t("page.pool.from_lots"), t("word.price")],
          types: ["lots", "amount"],
          first: [
            ["1", ""],
            ["", ""],
          ],
        }),
        { name: "capacity_lots", label: t("page.offers.capacity"), type: "lots" },
        {
          name: "pack",
          label: t("page.offers.pack"),
          type: "lots",
          value: "1",
          hint: t("page.offers.pack_hint"),
        },
        {
          name: "valid_until",
          label: t("page.offers.valid_until"),
          type: "instant",
          value: toLocal(now() + TWO_WEEKS),
        },
        { name: "is_public", label: t("page.offers.public"), type: "check", value: true },
        {
          name: "group",
          label: t("page.offers.shown_to"),
          type: "select",
          isOptional: true,
          options: [["", t("page.offers.nobody")], ...groups.map((group) => [group.group_id, group.name])],
        },
        {
          name: "from_tier",
          label: t("page.offers.from_tier"),
          type: "select",
          isOptional: true,
          options: [["", t("page.offers.nobody")], ...tiers.slice(1).map(({ name }) => [name, worded("tier", name)])],
        },
        {
          name: "for_kind",
          label: t("page.offers.for_kind"),
          type: "select",
          isOptional: true,
          options: [["", t("page.offers.any_kind")], ...KINDS.map((kind) => [kind, worded("page.kind", kind)])],
        },
        {
          name: "for_size",
          label: t("page.offers.for_size"),
          type: "select",
          isOptional: true,
          options: [["", t("page.offers.any_size")], ...sizes.map(({ name }) => [name, worded("size", name)])],
        },
      ],
      act: t("page.offers.make"),
      confirm: (values) => ({
        title: t("page.offers.ask"),
        lines: [
          [t("word.cell"), cellName(cellOf(values))],
          ...values.breaks.map(({ from_lots: from, price }) => [
            t("page.pool.from", { lots: lots(from) }),
            amount(price),
          ]),
          [t("page.offers.capacity"), lots(values.capacity_lots)],
          values.pack > 1 && [t("page.offers.pack"), lots(values.pack)],
          [t("page.offers.valid_until"), instant(values.valid_until)],
          [t("page.offers.reach"), audienceOf({ ...values, shown_to: namesOf(groups, values.group) })],
        ].filter(Boolean),
        note: t("page.offers.binding"),
        act: t("page.offers.make"),
      }),
      send: ({ instrument, region, tenor, group, from_tier: tier, for_kind: kind, for_size: size, ...rest }, key) => {
        const wanted = { shown_to: group ? [group] : [], from_tier: tier || null, for_kind: kind || null, for_size: size || null };
        const audience = rest.is_public ? {} : wanted;
        return send("POST", "/offers", { cell: cellOf({ instrument, region, tenor }), ...rest, ...audience }, key);
      },
      done: async () => {
        say(t("page.offers.made"));
        await refresh();
      },
    }),
  );
}

function namesOf(groups, id) {
  return groups.filter(({ group_id: one }) => one === id).map(({ name }) => name);
}
