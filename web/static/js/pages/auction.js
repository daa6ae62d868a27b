/** The auction room: the clock, the price as far as the rules show it, and my bid. */

import { get, send } from "../core/api.js";
import { countdown, instant, month, timeOfDay } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { live, newest, whenFresh } from "../core/live.js";
import { amount, lots, percent, priceUnit, shareUp, times, unit } from "../core/numbers.js";
import { chip, columns, empty, facts, head, panel, signInFirst, table, tiles } from "../core/parts.js";
import { isMember, may, plays } from "../core/viewer.js";
import { bidderName, firm, named, t, worded } from "../core/words.js";
import { ownDeals } from "./auction_deals.js";
import {
  announced,
  formOf,
  isAnnounced,
  isSealed,
  months,
  shapeOf,
  standingForm,
} from "./auction_forms.js";
import { itemName, packagesOf } from "./auction_packages.js";
import { isScored, scoreLines } from "./auction_scores.js";
import { LIVING, signals } from "./auction_signals.js";

const WARNED_AFTER = 1000;

export async function show(main, { auctionId }) {
  const room = new Room(main, `/auctions/${auctionId}`);
  // Only the operator's browser loads his desk.
  if (plays("operator")) ({ desk: room.desk } = await import("./room_desk.js"));
  whenFresh((isFresh, at) => room.trust(isFresh, at));
  await live({ topic: `auction:${auctionId}`, source: room.source });
  if (may("auctions.bid")) room.showReceipts(true).catch(() => {});
}

class Room {
  constructor(main, path) {
    this.path = path;
    this.source = newest(() => get(path), (auction) => this.take(main, auction));
    this.receipts = [];
    this.signals = signals();
    this.parts = {
      top: h("div"),
      lead: h("div", { class: "stack live" }),
      own: h("aside", { class: "stack" }),
      rest: h("div", { class: "stack live" }),
      step: h("div", { class: "form" }),
      receipts: h("div", { class: "stack" }),
      line: h("div", { class: "alarm", role: "alert" }),
    };
  }

  take(main, auction) {
    const before = this.auction;
    this.auction = auction;
    if (!this.parts.top.isConnected) {
      const { top, line, lead, own, rest } = this.parts;
      fill(main, top, this.signals.element, line, columns(lead, own, rest, t("page.auction.my_bid")));
    }
    this.showState();
    if (!before || shapeOf(before) !== shapeOf(auction)) this.showOwn();
    this.showStep();
    this.signals.take(auction, before);
  }

  /** Where nobody knows what the market has by now, no bid is one step away. */
  trust(isFresh, at) {
    this.isFresh = isFresh;
    this.asOf = at;
    if (isFresh) {
      clearTimeout(this.alarm);
      this.alarm = null;
      fill(this.parts.line);
    } else {
      // A line that is back at once is not worth a word.
      this.alarm ??= setTimeout(() => this.warn(), WARNED_AFTER);
    }
    if (this.auction) this.showStep();
  }

  warn() {
    this.alarm = null;
    if (!LIVING.includes(this.auction?.phase)) return;
    const words = t("page.auction.not_fresh", { at: timeOfDay(this.asOf) });
    fill(this.parts.line, h("p", { class: "banner bad" }, words));
  }

  showState() {
    const { auction } = this;
    const cell = `${named(this.names("instrument_name"))} · ${named(this.names("region_name"))} · ${month(auction.tenor)}`;
    fill(
      this.parts.top,
      head(auction.title || cell, {
        back: "/auctions",
        aside: chip(auction.phase),
        note: [t(`page.auctions.${auction.side}`), auction.title && cell, firm(auction, "owner_name")]
          .filter(Boolean)
          .join(" · "),
      }),
    );
    fill(
      this.parts.lead,
      auction.reason &&
        h(
          "p",
          { class: auction.phase === "paused" ? "banner" : "banner bad" },
          t(`page.auction.${auction.phase}_because`, { reason: auction.reason }),
        ),
      (auction.withdrawn ?? []).map(({ reason }) =>
        h("p", { class: "banner" }, t("page.auction.withdrawn_because", { reason })),
      ),
      panel(null, tiles(this.figures())),
      months(this),
      packagesOf(this),
      auction.result && this.result(),
    );
    fill(this.parts.rest, auction.standing && this.standing(), this.rules());
  }

  figures() {
    const { auction } = this;
    const isOpen = auction.phase === "open" || auction.phase === "scheduled";
    const shows = "best" in auction && !isAnnounced(auction);
    return [
      auction.phase === "scheduled" && [t("page.auction.opens_in"), countdown(auction.opens_at), "large"],
      auction.phase === "open" && [t("page.auction.closes_in"), countdown(auction.closes_at), "large"],
      ...(isOpen || auction.phase === "paused" ? announced(this) : []),
      shows && [t("page.auction.best"), this.priced(auction.best), "large"],
      auction.my_best && [t("page.auction.mine"), [this.priced(auction.my_best), h("small", {}, this.place())]],
      [t("page.auction.on_offer"), this.lots(auction.lots)],
      auction.start && [this.startLabel(), this.priced(auction.start)],
      !isOpen && [
        t(auction.phase === "paused" ? "page.auction.closes_before_pause" : "word.closed_at"),
        instant(auction.closes_at),
      ],
      auction.extensions > 0 && [t("page.auction.extensions"), String(auction.extensions)],
    ];
  }

  startLabel() {
    const { auction } = this;
    if (isAnnounced(auction)) return t("page.auction.start_price");
    return t(auction.side === "sell" ? "page.auction.floor" : "page.auction.ceiling");
  }

  place() {
    const { is_leading: isLeading, my_rank: rank, my_lots: own, phase } = this.auction;
    const isOpen = phase === "open";
    return [
      this.lots(own),
      isOpen && rank && t("page.auction.rank", { rank }),
      isOpen && isLeading && t("page.auction.leading"),
      isOpen && isLeading === false && t("page.auction.not_leading"),
    ]
      .filter(Boolean)
      .join(" · ");
  }

  result() {
    const { auction } = this;
    const { result, my_award: won } = auction;
    const words = result.is_awarded
      ? t("page.auction.awarded")
      : worded("page.outcome", result.outcome ?? "unawarded");
    return panel(
      t("page.auction.result"),
      facts([
        [t("page.auction.outcome"), words],
        result.clearing_price && [t("page.auction.clearing_price"), this.priced(result.clearing_price)],
        ...(auction.my_awards ?? []).map((one) => [
          one.item ? `${t("page.auction.my_award")} · ${itemName(one.item)}` : t("page.auction.my_award"),
          h("strong", {}, `${this.lots(one.lots)} × ${amount(one.price)}`),
        ]),
        auction.my_outcome && [t("page.auction.my_outcome"), t(`page.my_outcome.${auction.my_outcome}`)],
        auction.my_rank && [t("page.auction.my_rank"), String(auction.my_rank)],
        "is_proved" in result && [
          t("page.auction.proof"),
          t(result.is_proved ? "page.auction.proved" : "page.auction.unproved"),
        ],
        ...scoreLines(auction),
        ...explained(auction),
        auction.draw && [t("page.auction.seed"), h("span", { class: "mono soft" }, auction.draw.seed)],
        auction.draw?.beacon && [
          t("page.auction.beacon"),
          h("span", { class: "mono soft" }, auction.draw.beacon),
        ],
      ]),
      h(
        "p",
        {},
        h(
          "a",
          { href: `/api/v1${this.path}/bundle`, download: `${auction.auction_id}.bundle.json` },
          t("page.auction.bundle"),
        ),
      ),
      result.awards?.length > 0 &&
        table({
          rows: result.awards,
          columns: [
            { label: t("page.auction.bidder"), cell: (row) => bidderName(auction, row.bidder) },
            { label: t("word.lots"), isNumber: true, cell: (row) => this.lots(row.lots) },
            { label: t("word.price"), isNumber: true, cell: (row) => amount(row.price) },
          ],
        }),
      may("deals.read") &&
        (won || auction.audience === "owner") &&
        result.is_awarded &&
        ownDeals(auction),
    );
  }

  standing() {
    const { standing, bidders } = this.auction;
    if (standing.length === 0) return panel(t("page.auction.standing"), empty(t("page.auction.no_bids")));
    return h(
      "section",
      { class: "panel plain" },
      h("h2", {}, t("page.auction.standing")),
      table({
        rows: standing,
        columns: [
          { label: "#", cell: ({ rank }) => String(rank) },
          ...(bidders
            ? [{ label: t("page.auction.bidder"), cell: ({ bidder }) => bidderName(this.auction, bidder) }]
            : []),
          { label: t("word.price"), isNumber: true, cell: ({ price }) => amount(price) },
          { label: t("word.lots"), isNumber: true, cell: (row) => this.lots(row.lots) },
          ...(bidders ? [{ label: t("word.at"), isNumber: true, cell: ({ at }) => timeOfDay(at) }] : []),
        ],
      }),
    );
  }

  rules() {
    const { auction } = this;
    return h(
      "details",
      { class: "panel" },
      h("summary", {}, t("page.auction.rules")),
      facts([
        [t("page.auction.step"), auction.step ? amount(auction.step) : t("page.auction.by_band")],
        [t("page.auction.tick"), amount(auction.tick)],
        [t("page.auction.min_lots"), this.lots(auction.min_lots)],
        auction.max_share && [t("page.auction.max_share"), `${auction.max_share} %`],
        auction.all_lots_or_none && [t("page.auction.awarded"), t("page.auction.all_lots_or_none")],
        [t("page.auction.pricing"), t(`page.pricing.${auction.pricing}`)],
        [t("page.auction.format"), t(`page.format.${auction.format}`)],
        auction.interval_s > 0 && [t("page.auction.interval"), `${auction.interval_s} s`],
        [t("page.auction.disclosure"), t(`page.disclosure.${auction.disclosure}`)],
        auction.observer_disclosure && [
          t("page.auction.observer_disclosure"),
          t(`page.disclosure.${auction.observer_disclosure}`),
        ],
        auction.owner_disclosure && [
          t("page.auction.owner_disclosure"),
          t(`page.owner_disclosure.${auction.owner_disclosure}`),
        ],
        [t("page.auction.counted"), t(`page.tie.${auction.tie}`)],
        [t("word.deposit"), percent(auction.deposit_bps)],
        auction.reserve && [t("page.auction.reserve"), amount(auction.reserve)],
        auction.kinds.length > 0 && [
          t("page.auction.admits"),
          auction.kinds.map((kind) => t(`page.kind.${kind}`)).join(t("word.comma")),
        ],
        [t("page.auction.opened_at"), instant(auction.opens_at)],
        [t("page.auction.hard_stop"), instant(auction.hard_stop)],
      ]),
      auction.format === "english" &&
        h("p", { class: "note" }, t("page.auction.soft_close", { minutes: auction.soft_close_s / 60 })),
      h("p", { class: "note" }, t("page.auction.outage")),
      auction.draw_commitment && h("p", { class: "mono soft" }, auction.draw_commitment),
      auction.draw_beacon && h("p", { class: "mono soft" }, auction.draw_beacon),
    );
  }

  showOwn() {
    fill(
      this.parts.own,
      this.acts(),
      this.mayBid() && standingForm(this),
      this.parts.receipts,
      this.desk?.(this),
    );
  }

  acts() {
    const { auction } = this;
    if (auction.audience === "owner") return panel(t("page.auction.my_bid"), empty(t("page.auction.is_yours")));
    if (auction.phase === "scheduled")
      return panel(t("page.auction.my_bid"), empty(t("page.auction.not_open_yet")));
    if (auction.phase !== "open") return null;
    const role = auction.side === "sell" ? "buyer" : "seller";
    if (!isMember) return panel(t("page.auction.my_bid"), signInFirst());
    if (!may("auctions.bid") || !plays(role))
      return panel(t("page.auction.my_bid"), empty(t(`page.auction.for_${role}`)));
    const isOwn = isSealed(auction) || isAnnounced(auction) || isScored(auction);
    return panel(t("page.auction.my_bid"), isOwn ? formOf(this) : this.bidForm());
  }

  mayBid() {
    const { auction } = this;
    const role = auction.side === "sell" ? "buyer" : "seller";
    return auction.phase === "open" && auction.audience === "member" && may("auctions.bid") && plays(role);
  }

  /** The one-step bid follows the market; what a person types is left alone. */
  showStep() {
    const { auction, quantity } = this;
    if (!this.parts.step.isConnected || auction.phase !== "open") return;
    const next = auction.next_allowed;
    const shape = `${next} ${quantity} ${auction.is_leading} ${auction.my_best} ${this.isFresh}`;
    if (shape === this.stepShape) return;
    this.stepShape = shape;
    const isInUse = this.parts.step.contains(document.activeElement);
    fill(
      this.parts.step,
      auction.is_leading && h("p", { class: "banner good" }, t("page.auction.you_lead")),
      auction.is_leading === false &&
        auction.my_best &&
        h("p", { class: "banner" }, t("page.auction.not_leading")),
      next && quantity
        ? actButton({
            label: t("page.auction.bid_step", { price: amount(next), lots: this.lots(quantity) }),
            className: auction.is_leading ? "large" : "main large",
            isLocked: !this.isFresh,
            confirm: () => this.asking(next, quantity),
            send: (id) => send("POST", `${this.path}/bids`, { price: next, lots: quantity }, id),
            done: (receipt) => this.placed(receipt),
          })
        : h("p", { class: "note" }, t(next ? "page.auction.no_quantity" : "page.auction.no_step")),
    );
    if (isInUse) this.parts.step.querySelector("button")?.focus();
  }

  bidForm() {
    const { auction } = this;
    const isWhole = auction.side === "buy" || auction.min_lots === auction.lots;
    this.quantity = auction.my_lots ?? (isWhole ? auction.lots : null);
    const made = form({
      fields: [
        {
          name: "lots",
          label: `${t("word.lots")} (${unit(auction.lot_text)})`,
          type: "lots",
          value: this.quantity === null ? "" : String(this.quantity),
        },
        { name: "step", element: this.parts.step, read: () => ({}), problem() {}, focus() {} },
        {
          name: "price",
          label: `${t("page.auction.type_bid")} (${this.unit()})`,
          type: "amount",
          hint: t(priceHint(auction)),
        },
      ],
      act: t("page.auction.bid"),
      onchange: ({ lots: typed }) => {
        this.quantity = typed;
        this.showStep();
      },
      confirm: ({ price, lots: quantity }) => this.asking(price, quantity),
      send: (values, key) => send("POST", `${this.path}/bids`, values, key),
      done: async (receipt) => {
        // The next bid may be half typed by now: the form stays, and what is being written in it.
        const price = made.querySelector("[name=price]");
        if (document.activeElement !== price) made.set("price", "");
        this.keep(receipt);
        this.showStep();
        await this.source.ask();
      },
    });
    return made;
  }

  asking(price, quantity) {
    const value = times(price, quantity);
    const deposit = shareUp(value, this.auction.deposit_bps);
    return {
      title: t("page.auction.bid_ask"),
      lines: [
        [t("word.price"), `${amount(price)} ${this.unit()}`],
        [t("word.lots"), this.lots(quantity)],
        [t("page.auction.value"), amount(value)],
        [t("page.auction.deposit_now", { percent: percent(this.auction.deposit_bps) }), amount(deposit)],
      ],
      note: t("page.auction.binding"),
      act: t("page.auction.bid"),
    };
  }

  async placed(receipt) {
    this.keep(receipt);
    this.showOwn();
    await this.refresh();
  }

  keep(receipt) {
    this.receipts.unshift(receipt);
    this.stepShape = null;
    this.auction = { ...this.auction, my_lots: receipt.lots };
    this.showReceipts();
  }

  /** What the firm has said is worded by a module that only bidders load. */
  async showReceipts(isFirst) {
    const { receiptList, restored } = await import("./receipts.js");
    if (isFirst) this.receipts = await restored(this);
    fill(this.parts.receipts, receiptList(this));
  }

  async refresh() {
    await this.source.ask();
    this.showOwn();
  }

  names(name) {
    return { name_zh: this.auction[`${name}_zh`], name_en: this.auction[`${name}_en`] };
  }

  priced(price) {
    return price ? [amount(price), " ", h("span", { class: "unit" }, this.unit())] : "—";
  }

  lots(number) {
    return lots(number, this.auction.lot_text);
  }

  unit() {
    return priceUnit(this.auction.currency, this.auction.lot_text);
  }
}

/** Return why lots went where they went, as far as a bidder may know. */
function explained({ my_explanation: why, tie }) {
  if (!why) return [];
  const isCut = why.won_lots > 0 && why.asked_lots > why.won_lots;
  return [
    [t("page.auction.counted"), t(`page.counted.${why.counted}`)],
    why.counted !== "packages" && [t("page.auction.equals"), t(`page.equals.${tie}`)],
    why.worst_winning && [t("page.auction.worst_winning"), amount(why.worst_winning)],
    isCut && [t("page.auction.cut"), t("page.auction.cut_note")],
  ];
}

/** Return what a typed price has to be better than: the best one, or only one's own before. */
function priceHint({ improve, side }) {
  if (improve === "own") return "page.auction.own_hint";
  return side === "sell" ? "page.auction.outbid_hint" : "page.auction.undercut_hint";
}
