/** What a group buy shows: its breaks with my landed prices, its rules, my pledge and result. */

import { cellName } from "../core/catalogue.js";
import { dayAndTime, month } from "../core/clock.js";
import { h } from "../core/dom.js";
import { amount, decimal, minor, percent, saving, whole } from "../core/numbers.js";
import { chip, empty, facts, panel, table } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { t, worded } from "../core/words.js";

export function breaks(page) {
  const { pool, preview, savings } = page;
  const isOver = !["gathering", "firming"].includes(pool.phase);
  if (pool.breaks.length === 0) {
    return panel(t("page.pool.breaks"), empty(t(isOver ? "page.pool.no_offers_stood" : "page.pool.no_offers")));
  }
  const landed = preview?.landed ?? pool.you?.landed;
  const mine = new Map((landed ?? []).map((line) => [line.from_lots, line]));
  const saved = new Map((savings?.breaks ?? []).map((line) => [line.from_lots, line]));
  const next = pool.progress?.from_lots;
  const isMine = mine.size > 0;
  return h(
    "section",
    { class: "panel plain" },
    h(
      "div",
      { class: "title" },
      h("h2", {}, t("page.pool.breaks")),
      isMine && h("span", { class: "note" }, preview ? t("page.pool.as_typed") : t("page.pool.as_pledged")),
    ),
    preview && page.typed.limit && reach(page, preview.landed),
    table({
      rows: pool.breaks,
      rowClass: ({ from_lots: from }) => (from === next ? "chosen" : ""),
      columns: [
        {
          label: t("page.pool.from_lots"),
          cell: (row) => [
            h("span", { class: "nowrap" }, t("page.pool.from", { lots: page.lots(row.from_lots) })),
            row.from_lots <= pool.progress?.reached_lots && [" ", chip("reached")],
          ],
        },
        { label: `${t("word.goods")} ${page.unit()}`, isNumber: true, cell: (row) => amount(row.price) },
        ...(isMine ? landedColumns(mine, saved) : []),
      ],
    }),
    isMine && savings && comparators(page),
  );
}

/** Say which break the limit in the form reaches, or that it can never be met. */
function reach(page, landed) {
  const missed = unreached(page, landed);
  if (missed) return h("p", { class: "banner bad" }, missed);
  return h("p", { class: "note" }, t("page.pool.limit_reaches", figuresOf(page, landed.find(isWithin))));
}

/** Return in words that a limit lies below every break, nothing where it reaches one. */
export function unreached(page, landed) {
  if (landed.length === 0 || landed.some(isWithin)) return null;
  return t("page.pool.limit_reaches_none", figuresOf(page, landed.at(-1)));
}

function isWithin({ is_within_limit: isReached }) {
  return isReached;
}

function figuresOf(page, { from_lots: from, landed: price }) {
  return { from: page.lots(from), landed: amount(price) };
}

function landedColumns(mine, saved) {
  const of = (row) => mine.get(row.from_lots);
  return [
    { label: t("word.freight"), isNumber: true, cell: (row) => of(row) && amount(of(row).freight) },
    { label: t("word.fee"), isNumber: true, cell: (row) => of(row) && amount(of(row).fee) },
    {
      label: t("page.pool.landed"),
      isNumber: true,
      cell: (row) =>
        of(row) && [
          h("strong", {}, amount(of(row).landed)),
          !of(row).is_within_limit && h("div", { class: "soft" }, t("page.pool.over_limit")),
        ],
    },
    {
      label: t("page.pool.saving"),
      isNumber: true,
      cell: (row) => savingLines(of(row)?.saving, saved.get(row.from_lots)),
    },
  ];
}

/** Return what is saved a lot against each price there is to compare with. */
function savingLines(alone, { saving_own: own, saving_published: published } = {}) {
  const lines = [
    [t("page.pool.against_alone"), alone],
    [t("page.pool.against_own"), own],
    [t("page.pool.against_published"), published],
  ].filter(([, saved]) => saved);
  if (lines.length === 0) return "—";
  return h(
    "ul",
    { class: "savings" },
    lines.map(([label, saved]) =>
      h(
        "li",
        {},
        h("span", { class: "soft" }, label),
        " ",
        saving(saved),
      ),
    ),
  );
}

function comparators(page) {
  const { own_price: own, published_price: published, missing } = page.savings;
  return h(
    "ul",
    { class: "notes" },
    own &&
      h(
        "li",
        {},
        t("page.pool.own_price", { price: amount(own.landed), cell: cellName(own.cell) }),
        " ",
        h("a", { href: `/deals/${own.deal_id}` }, t("page.pool.to_deal")),
      ),
    published &&
      h(
        "li",
        {},
        t("page.pool.published_price", {
          price: amount(published.price),
          landed: amount(published.landed),
          month: month(published.tenor),
        }),
      ),
    missing.map((name) => h("li", { class: "soft" }, t(`page.pool.missing.${name}`))),
  );
}

export function rules(page) {
  const { pool } = page;
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.pool.rules")),
    facts([
      [t("page.pool.mode"), t(`page.pool.mode.${pool.mode}`)],
      pool.mode !== "breaks" && [t("page.pool.auction_minutes"), whole(pool.auction_minutes)],
      pool.max_share && [t("page.pool.max_share"), percent(pool.max_share * 100)],
      [t("page.pool.min_members"), whole(pool.min_members)],
      [t("page.pool.similarity"), pool.similarity.join(" : ")],
      [t("word.deposit"), t("page.pool.deposit_how", { percent: percent(pool.deposit_bps) })],
      [t("word.fee"), percent(pool.fee_bps)],
      [t("page.pool.opened_by"), t(`page.pool.opened_by.${pool.opened_by}`)],
      pool.sight.length > 0 && [t("page.pool.sight"), pool.sight.map(sightOf).join(t("word.comma"))],
      pool.prolong_minutes > 0 && [t("page.pool.prolong_minutes"), whole(pool.prolong_minutes)],
    ]),
    h("p", { class: "note" }, t("page.pool.promise")),
    h("p", { class: "note" }, t("page.pool.equals_why")),
    h("p", { class: "note" }, t("page.pool.progress_why")),
  );
}

function sightOf({ tier, from_at: from }, place, steps) {
  const at = dayAndTime(Date.parse(from));
  return place === steps.length - 1 ? t("page.pool.sight_all", { at }) : t("page.pool.sight_tier", { tier: worded("tier", tier), at });
}

export function award(page, { award }) {
  const saved = page.savings?.award;
  const compared = [
    ["page.pool.against_own", saved?.saving_own],
    ["page.pool.against_published", saved?.saving_published],
  ].filter(([, sum]) => sum);
  return panel(
    t("page.pool.my_result"),
    facts([
      [t("word.lots"), page.lots(award.lots)],
      award.reduced_lots && [t("page.pool.reduced_to"), page.lots(award.reduced_lots)],
      [t("word.goods"), amount(award.goods)],
      [t("word.freight"), amount(award.freight)],
      [t("word.fee"), amount(award.fee)],
      [t("page.pool.landed"), h("strong", {}, `${amount(award.landed)} ${page.unit()}`)],
      [t("page.pool.bought_by"), t(`page.pool.by.${award.by}`)],
      ...compared.map(([label, sum]) => [`${t("page.pool.saving")} · ${t(label)}`, saving(sum)]),
    ]),
    award.reduced_lots && h("p", { class: "banner" }, t("page.pool.reduced_why")),
    award.parts.length > 0
      ? parts(page, award)
      : may("deals.read") &&
          h("p", {}, h("a", { class: "button main", href: `/deals/${award.deal_id}` }, t("page.pool.to_deal"))),
  );
}

/** Show the deal with each of several suppliers, and what was levelled beside them. */
function parts(page, award) {
  return [
    table({
      rows: award.parts,
      columns: [
        {
          label: t("page.pool.part"),
          cell: (part) =>
            may("deals.read") ? h("a", { href: `/deals/${part.deal_id}` }, part.deal_id) : part.deal_id,
        },
        { label: t("word.lots"), isNumber: true, cell: (part) => page.lots(part.lots) },
        { label: `${t("word.goods")} ${page.unit()}`, isNumber: true, cell: (part) => amount(part.goods) },
      ],
    }),
    h("p", { class: "note" }, t("page.pool.levelled_why", { levelled: amount(award.levelled) })),
  ];
}

/** Return in words of what a deposit is a share, and what the firm's tier takes off it. */
export function depositBase({ pool }, { deposit, full_deposit: full }) {
  const how = t("page.pool.deposit_how", { percent: percent(pool.deposit_bps) });
  if (full === deposit) return how;
  const off = decimal(minor(full) - minor(deposit));
  return t("page.pool.deposit_less", { how, full: amount(full), off: amount(off) });
}

export function pledged(page, you) {
  const { left_out: reason } = you;
  return panel(
    t(reason ? "page.pool.my_result" : "page.pool.my_pledge"),
    reason && [
      h("p", { class: "banner bad" }, worded("page.reason", reason)),
      h("p", {}, t(`page.pool.left_out.${reason}`)),
      h("p", {}, h("a", { href: "/pools" }, t("page.pool.other_pools"))),
    ],
    facts([
      [t("word.lots"), page.lots(you.lots)],
      you.tolerance > 0 && [t("word.tolerance"), page.lots(you.tolerance)],
      [t("page.pool.limit"), amount(you.limit)],
      [t("word.freight"), amount(you.freight)],
      [t("page.pool.size"), `${page.lots(you.size)} · ${t(`page.pool.size_from.${you.size_from}`)}`],
      !reason && [t("word.deposit_held"), amount(you.deposit)],
      !reason && [t("page.pool.deposit_base"), depositBase(page, you)],
      you.tier && [t("page.pool.first_place"), t("page.pool.first_place_of", { tier: worded("tier", you.tier) })],
    ]),
    you.is_large_share && h("p", { class: "banner" }, t("page.pool.large_share")),
    you.group && group(page, you.group),
  );
}

function group(page, group) {
  return [
    h(
      "p",
      { class: "banner good" },
      t("page.pool.formed", {
        lots: page.lots(group.lots),
        price: `${amount(group.at_most.landed)} ${page.unit()}`,
      }),
    ),
    group.auction_id &&
      h("p", {}, h("a", { href: `/auctions/${group.auction_id}` }, t("page.pool.to_auction"))),
  ];
}
