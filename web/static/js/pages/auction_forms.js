/** What a bidder may do in each format beside the open one: one form, or one button. */

import { send } from "../core/api.js";
import { countdown, month, now } from "../core/clock.js";
import { h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount, decimal, minor, times, unit } from "../core/numbers.js";
import { panel, table } from "../core/parts.js";
import { t } from "../core/words.js";
import { packageForm } from "./auction_packages.js";
import { attributesOf, isScored, scoreFields } from "./auction_scores.js";

const SEALED = ["sealed_first", "sealed_uniform", "second_price", "packages"];
const MOST_MOVES = 1_000_000;

export const isSealed = ({ format }) => SEALED.includes(format);
export const isAnnounced = ({ format }) => ["dutch", "japanese", "clock"].includes(format);

/** Return what has to be drawn anew when it changes: a round, or what is left. */
export function shapeOf({ phase, round, lots_left: left, my_eligible_lots: eligible, motions }) {
  return JSON.stringify([phase, round, left, eligible, motions]);
}

/** Return the form of an auction whose prices are sealed or announced. */
export function formOf(room) {
  const { format } = room.auction;
  if (format === "dutch") return takeForm(room);
  if (format === "japanese") return acceptForm(room);
  if (format === "clock") return demandForm(room);
  return format === "packages" ? packageForm(room) : sealedForm(room);
}

/** Return the tiles of an auction whose prices are announced. */
export function announced(room) {
  const { auction } = room;
  if (auction.format === "dutch") {
    return [
      [t("page.auction.clock_price"), [dutchClock(auction), " ", unitOf(room)], "large"],
      [t("page.auction.lots_left"), room.lots(auction.lots_left)],
    ];
  }
  if (auction.round === undefined) return [];
  const [only] = auction.items;
  return [
    [t("page.auction.round"), String(auction.round + 1)],
    auction.phase === "open" && [t("page.auction.round_ends"), countdown(auction.round_ends_at), "large"],
    auction.format === "japanese" && [t("page.auction.round_price"), room.priced(only.price), "large"],
  ];
}

/** Return the months of a clock auction with their prices and what one asked for. */
export function months(room) {
  const { auction } = room;
  if (auction.format !== "clock") return null;
  return panel(
    t("page.auction.months"),
    table({
      rows: auction.items,
      columns: [
        { label: t("word.tenor"), cell: ({ id }) => month(id) },
        { label: t("page.auction.on_offer"), isNumber: true, cell: ({ lots }) => room.lots(lots) },
        { label: t("page.auction.round_price"), isNumber: true, cell: ({ price }) => amount(price) },
        auction.my_demand && {
          label: t("page.auction.my_demand"),
          isNumber: true,
          cell: ({ id }) => room.lots(auction.my_demand[id] ?? 0),
        },
      ].filter(Boolean),
    }),
  );
}

/** Return a form that leaves a secret limit, where the rules know standing orders. */
export function standingForm(room) {
  const { auction } = room;
  if (auction.format !== "english" || auction.shares.length > 0 || auction.max_share) return null;
  const post = (limit, key) => send("POST", `${room.path}/standing`, { limit }, key);
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.auction.limit")),
    h("p", { class: "note" }, t("page.auction.limit_note")),
    auction.my_limit && h("p", {}, t("page.auction.limit_stands", { price: amount(auction.my_limit) })),
    form({
      fields: [{ name: "limit", label: `${t("page.auction.limit_price")} (${room.unit()})`, type: "amount" }],
      act: t("page.auction.limit_set"),
      confirm: ({ limit }) => room.asking(limit, auction.lots),
      send: ({ limit }, key) => post(limit, key),
      done: () => room.refresh(),
    }),
    auction.my_limit &&
      actButton({
        label: t("page.auction.limit_drop"),
        className: "",
        send: (key) => post(null, key),
        done: () => room.refresh(),
      }),
  );
}

/** Return the price of a falling or rising clock at an instant, as amount text. */
export function dutchPrice(auction, at) {
  const until = auction.clock_stopped_at
    ? Date.parse(auction.clock_stopped_at)
    : Math.min(at, Date.parse(auction.closes_at));
  const moves = Math.floor((until - Date.parse(auction.clock_from)) / 1000 / auction.interval_s);
  const down = auction.side === "sell";
  const rest = auction.reserve && minor(auction.reserve);
  let price = minor(auction.start);
  for (let move = 0; move < Math.min(moves, MOST_MOVES); move += 1) {
    const moved = down ? price - stepAt(auction, price) : price + stepAt(auction, price);
    if (moved <= 0n) break;
    if (rest && (down ? moved < rest : moved > rest)) return decimal(rest);
    price = moved;
  }
  return decimal(price);
}

function stepAt({ step, steps, tick }, price) {
  let found = minor(step ?? tick);
  for (const band of steps) if (price >= minor(band.from)) found = minor(band.step);
  return found;
}

function dutchClock(auction) {
  const shown = h("span", { class: "clock-price" });
  const tell = () => {
    shown.textContent = amount(dutchPrice(auction, now()));
    if (!shown.isConnected && shown.dataset.seen) clearInterval(timer);
    if (shown.isConnected) shown.dataset.seen = "yes";
  };
  const timer = setInterval(tell, 250);
  tell();
  return shown;
}

function sealedForm(room) {
  const { auction } = room;
  const isWhole = auction.format === "second_price" || auction.min_lots === auction.lots;
  return h(
    "div",
    {},
    isSealed(auction) && h("p", { class: "note" }, t("page.auction.sealed_note")),
    form({
      fields: [
        ...(isWhole ? [] : [lotsField(room, auction.my_lots ?? "")]),
        {
          name: "price",
          label: `${t("word.price")} (${room.unit()})`,
          type: "amount",
          hint:
            auction.next_allowed &&
            t(isScored(auction) ? "page.auction.score_no_worse_than" : "page.auction.no_worse_than", {
              price: amount(auction.next_allowed),
            }),
        },
        ...scoreFields(auction),
      ],
      act: t(isSealed(auction) ? "page.auction.bid_sealed" : "page.auction.bid"),
      confirm: ({ price, lots = auction.lots }) => ({
        ...room.asking(price, lots),
        lines: [
          [t("word.price"), `${amount(price)} ${room.unit()}`],
          [t("word.lots"), room.lots(lots)],
          [t("page.auction.value"), amount(times(price, lots))],
        ],
        note: t(isSealed(auction) ? "page.auction.sealed_binding" : "page.auction.binding"),
      }),
      send: ({ price, lots, ...values }, key) =>
        send("POST", `${room.path}/bids`, { price, lots, ...attributesOf(auction, values) }, key),
      done: (receipt) => room.placed(receipt),
    }),
  );
}

function takeForm(room) {
  const price = () => dutchPrice(room.auction, now());
  return h(
    "div",
    {},
    h("p", { class: "note" }, t("page.auction.dutch_note")),
    form({
      fields: [lotsField(room, room.auction.lots_left)],
      act: t("page.auction.take_now"),
      confirm: ({ lots }) => room.asking(price(), lots),
      send: ({ lots }, key) => send("POST", `${room.path}/bids`, { price: price(), lots }, key),
      done: (receipt) => room.placed(receipt),
    }),
  );
}

function acceptForm(room) {
  const { auction } = room;
  const [{ price }] = auction.items;
  const most = auction.my_eligible_lots ?? auction.lots;
  if (most === 0) return h("p", { class: "empty" }, t("page.auction.left"));
  return h(
    "div",
    {},
    h("p", { class: "note" }, t("page.auction.japanese_note", { lots: room.lots(most) })),
    form({
      fields: [lotsField(room, auction.my_demand?.[""] || most)],
      act: t("page.auction.accept", { price: amount(price) }),
      confirm: ({ lots }) => room.asking(price, lots),
      send: ({ lots }, key) => send("POST", `${room.path}/bids`, { price, lots }, key),
      done: (receipt) => room.placed(receipt),
    }),
  );
}

function demandForm(room) {
  const { auction } = room;
  const most = auction.my_eligible_lots ?? auction.lots;
  if (most === 0) return h("p", { class: "empty" }, t("page.auction.left"));
  return h(
    "div",
    {},
    h("p", { class: "note" }, t("page.auction.clock_note", { lots: room.lots(most) })),
    form({
      fields: auction.items.map(({ id, lots, price }) => ({
        name: id,
        label: `${month(id)} · ${amount(price)}`,
        type: "lots",
        hint: t("page.auction.at_most", { lots: room.lots(lots) }),
        value: String(auction.my_demand?.[id] ?? 0),
      })),
      act: t("page.auction.demand"),
      confirm: (demand) => ({
        title: t("page.auction.bid_ask"),
        lines: auction.items.map(({ id, price }) => [
          month(id),
          `${room.lots(demand[id])} × ${amount(price)} = ${amount(times(price, demand[id]))}`,
        ]),
        note: t("page.auction.binding"),
        act: t("page.auction.demand"),
      }),
      send: (demand, key) => send("POST", `${room.path}/demands`, { demand, round: auction.round }, key),
      done: (receipt) => room.placed(receipt),
    }),
  );
}

function lotsField(room, value) {
  return {
    name: "lots",
    label: `${t("word.lots")} (${unit(room.auction.lot_text)})`,
    type: "lots",
    value: String(value),
  };
}

function unitOf(room) {
  return h("span", { class: "unit" }, room.unit());
}
