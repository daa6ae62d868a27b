/** One group buy: how near the break is, what it would cost me, and my pledge. */

import { get, send } from "../core/api.js";
import { cellName, instrument } from "../core/catalogue.js";
import { countdown, instant } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { gathered, live, newest } from "../core/live.js";
import { amount, lots, priceUnit } from "../core/numbers.js";
import { chip, columns, empty, head, panel, signInFirst, stages, tiles } from "../core/parts.js";
import { isMember, may } from "../core/viewer.js";
import { t } from "../core/words.js";
import { offered, sale } from "./pool_after.js";
import { changeForm, joinForm, leaving, prolonging } from "./pool_forms.js";
import { award, breaks, pledged, rules } from "./pool_record.js";
import { drafts } from "./pool_drafts.js";
import { stopDesk } from "./pool_stop.js";

export async function show(main, { poolId }) {
  const page = new PoolPage(main, poolId);
  await live({ topic: `pool:${poolId}`, source: page.source });
}

/** Return text that is equal where values are: the feed leaves out what is null, and sorts. */
function shapeOf(value) {
  return JSON.stringify(value, (_, part) => {
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part ?? undefined;
    const held = Object.entries(part).filter(([, one]) => one !== null);
    return Object.fromEntries(held.sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}

class PoolPage {
  constructor(main, poolId) {
    this.path = `/pools/${poolId}`;
    this.source = newest(() => get(this.path), (pool) => this.take(main, pool));
    this.preview = null;
    this.savings = null;
    this.compared = null;
    this.shape = null;
    this.parts = {
      top: h("div"),
      lead: h("div", { class: "live" }),
      own: h("aside", { class: "stack" }),
      rest: h("div", { class: "stack live" }),
    };
    this.look = gathered(() => this.lookAhead(), 250);
  }

  take(main, pool) {
    this.pool = pool;
    this.lot = instrument(pool.instrument_id)?.lot_text;
    if (!this.parts.top.isConnected) {
      const { top, lead, own, rest } = this.parts;
      fill(main, top, columns(lead, own, rest, t("page.pool.mine")));
    }
    this.showState();
    // A form in use is not taken from under the hand that fills it in.
    const { leaving: _, landed: __, ...own } = pool.you ?? {};
    const shape = shapeOf([pool.phase, own, pool.sold, pool.stop]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.preview = null;
      this.showOwn();
    }
    this.compare().catch(() => {});
  }

  get isLive() {
    return ["gathering", "firming"].includes(this.pool.phase);
  }

  showState() {
    const { pool, isLive } = this;
    fill(
      this.parts.top,
      head(cellName(pool.cell), {
        back: "/pools",
        aside: chip(pool.phase),
        note: t(`page.pool.phase.${pool.phase}`),
      }),
      stages(["gathering", "firming", "closed", "awarded"], pool.phase),
    );
    fill(
      this.parts.lead,
      panel(
        t("page.pool.where_it_stands"),
        tiles([
          isLive && [t("page.pool.closes_in"), countdown(pool.closes_at), "large"],
          pool.phase === "gathering" && [t("page.pool.firming_in"), countdown(pool.firming_at)],
          [t("page.pool.closes_at"), instant(pool.closes_at)],
        ]),
        pool.stop?.is_stopped && h("p", { class: "banner bad" }, t("page.pool.was_stopped", pool.stop)),
        pool.is_prolonged && isLive && h("p", { class: "banner" }, t("page.pool.is_prolonged")),
        isLive && this.progress(),
      ),
    );
    fill(this.parts.rest, breaks(this), rules(this));
  }

  progress() {
    const { progress, min_members: least } = this.pool;
    if (!progress) {
      return h(
        "p",
        { class: "soft", "aria-live": "polite" },
        t("page.pool.progress_hidden", { count: Math.max(3, least) }),
      );
    }
    const words = this.step(progress);
    const reached = this.preview?.progress_with_you;
    return h(
      "div",
      { class: "progress", "aria-live": "polite" },
      h("progress", { max: 100, value: progress.percent, "aria-label": words }),
      h(
        "p",
        { class: "row" },
        h("span", {}, words),
        h("span", { class: "soft" }, `${amount(progress.price)} ${this.unit()}`),
      ),
      h("p", { class: "note" }, t("page.pool.progress_since"), " ", instant(progress.since)),
      h("p", { class: "note" }, t("page.pool.progress_rule")),
      reached && h("p", { class: "effect" }, t("page.pool.with_you"), " ", h("strong", {}, this.atLeast(reached))),
    );
  }

  /** Return a step in words. */
  step({ percent, from_lots: from }) {
    return t("page.pool.progress", { percent, lots: this.lots(from) });
  }

  /** Return in words what is surely reached. */
  atLeast({ percent, from_lots: from }) {
    return t("page.pool.at_least_step", { percent, lots: this.lots(from) });
  }

  showOwn() {
    const { pool } = this;
    const { you } = pool;
    fill(
      this.parts.own,
      [
        pool.sold.map((group) => sale(this, group)),
        you?.substitute ? offered(this, you) : null,
        you?.award ? award(this, you) : null,
        you && !you.award ? pledged(this, you) : null,
        you && this.isLive ? prolonging(this, you) : null,
        this.isLive && may("pools.stop") ? stopDesk(this.path, pool) : null,
        this.acts(you),
        you && this.isLive ? leaving(this, you) : null,
      ].flat(),
    );
  }

  acts(you) {
    if (!this.isLive) return you || this.pool.sold.length > 0 ? null : panel(null, empty(t("page.pool.over")));
    if (!isMember) return panel(t("page.pool.join"), h("p", {}, t("page.pool.join_why")), signInFirst());
    if (!may("pools.pledge")) return panel(t("page.pool.join"), empty(t("page.pool.buyers_only")));
    if (you) return changeForm(this, you);
    this.lookAtProposal();
    return [joinForm(this), drafts(this)];
  }

  /** Show at once what terms would cost that another page proposes. */
  lookAtProposal() {
    const { lots: quantity, ...more } = Object.fromEntries(new URLSearchParams(location.search));
    if (!/^[1-9]\d*$/.test(quantity ?? "")) return;
    this.typed = { ...more, lots: Number(quantity) };
    this.look();
  }

  /** Show what the pledge in the form would cost at each break, and do to the progress. */
  async lookAhead() {
    if (!this.typed.lots) return;
    this.preview = await this.previewOf(this.typed);
    this.showState();
    await this.compare();
  }

  /** Return what terms would cost, hold and do; null where they are refused. */
  async previewOf({ lots: quantity, limit, freight, tolerance }) {
    const body = {
      lots: quantity,
      ...(limit && { limit }),
      ...(freight && { freight }),
      ...(tolerance && { tolerance }),
    };
    try {
      return await send("POST", `${this.path}/preview`, body);
    } catch {
      return null;
    }
  }

  /** Ask anew what is saved against last prices, where what it depends on has changed. */
  async compare() {
    if (!may("deals.read") || !(this.pool.you || may("pools.pledge"))) return;
    const freight = this.preview ? this.typed?.freight : null;
    const { breaks: listed, you } = this.pool;
    const compared = shapeOf([listed, you?.freight, you?.award, freight]);
    if (compared === this.compared) return;
    this.compared = compared;
    this.savings = await get(`${this.path}/savings${freight ? `?freight=${freight}` : ""}`);
    this.showState();
    if (you?.award) this.showOwn();
  }

  async refresh() {
    await this.source.ask();
  }

  lots(number) {
    return lots(number, this.lot);
  }

  unit() {
    return priceUnit(this.pool.currency, this.lot);
  }
}
