/** One group buy: how near the break is, what it would cost me, and my pledge. */

import { get, send } from "../core/api.js";
import { cellName, instrument } from "../core/catalogue.js";
import { countdown, instant } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { gathered, live } from "../core/live.js";
import { amount, lots, priceUnit } from "../core/numbers.js";
import { chip, columns, empty, head, panel, signInFirst, stages, tiles } from "../core/parts.js";
import { isMember, may } from "../core/viewer.js";
import { t } from "../core/words.js";
import { award, breaks, pledged, rules } from "./pool_record.js";

export async function show(main, { poolId }) {
  const page = new PoolPage(poolId);
  await live({ topic: `pool:${poolId}`, path: `/pools/${poolId}`, show: (pool) => page.take(main, pool) });
}

class PoolPage {
  constructor(poolId) {
    this.path = `/pools/${poolId}`;
    this.preview = null;
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
    const shape = JSON.stringify([
      pool.phase,
      pool.you?.pledge_id,
      pool.you?.lots,
      pool.you?.limit,
      pool.you?.award,
      pool.you?.group,
    ]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.preview = null;
      this.showOwn();
    }
  }

  showState() {
    const { pool } = this;
    const isLive = ["gathering", "firming"].includes(pool.phase);
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
    const words = t("page.pool.progress", { percent: progress.percent, lots: this.lots(progress.from_lots) });
    return h(
      "div",
      { "aria-live": "polite" },
      h("progress", { max: 100, value: progress.percent, "aria-label": words }),
      h(
        "p",
        { class: "row" },
        h("span", {}, words),
        h("span", { class: "soft" }, `${amount(progress.price)} ${this.unit()}`),
      ),
    );
  }

  showOwn() {
    const { pool } = this;
    const { you } = pool;
    fill(
      this.parts.own,
      [
        you?.award ? award(this, you) : null,
        you && !you.award ? pledged(this, you) : null,
        this.acts(you),
      ].flat(),
    );
  }

  acts(you) {
    const { phase } = this.pool;
    if (!["gathering", "firming"].includes(phase)) return you ? null : panel(null, empty(t("page.pool.over")));
    if (!isMember) return panel(t("page.pool.join"), h("p", {}, t("page.pool.join_why")), signInFirst());
    if (!may("pools.pledge")) return panel(t("page.pool.join"), empty(t("page.pool.buyers_only")));
    return you ? this.changeForm(you) : this.joinForm();
  }

  leaving({ leaving, pledge_id: id }) {
    if (!leaving.is_allowed) return h("p", { class: "note" }, t("page.pool.no_leaving"));
    if (!may("pools.pledge")) return null;
    const without = leaving.progress_without_you;
    return h(
      "p",
      { class: "foot" },
      actButton({
        label: t("page.pool.withdraw"),
        className: "danger",
        confirm: () => ({
          title: t("page.pool.withdraw_ask"),
          lines: [
            [t("page.pool.releases"), amount(leaving.releases)],
            without && [t("page.pool.without_you"), `${without.percent} %`],
          ].filter(Boolean),
          note: t("page.pool.withdraw_note"),
          act: t("page.pool.withdraw"),
          isDanger: true,
        }),
        send: (key) => send("DELETE", `${this.path}/pledges/${id}`, undefined, key),
        done: async () => {
          say(t("page.pool.withdrawn"));
          await this.refresh();
        },
      }),
    );
  }

  joinForm() {
    const { pool } = this;
    return panel(
      t("page.pool.join"),
      form({
        fields: [
          { name: "lots", label: t("page.pool.lots"), type: "lots", hint: t("page.pool.lots_hint") },
          {
            name: "limit",
            label: t("page.pool.limit"),
            type: "amount",
            hint: `${t("page.pool.limit_hint")} ${this.unit()}`,
          },
          {
            name: "freight",
            label: t("page.pool.freight"),
            type: "amount",
            value: "0.00",
            hint: t("page.pool.freight_hint"),
          },
          {
            name: "tolerance",
            label: t("word.tolerance"),
            type: "lots",
            isOptional: true,
            hint: t("page.pool.tolerance_hint"),
          },
          {
            name: "size",
            label: t("page.pool.size"),
            type: "lots",
            isOptional: true,
            hint: t("page.pool.size_hint"),
          },
          ...this.prolongField(false),
        ],
        act: t("page.pool.join"),
        onchange: (values) => {
          this.typed = values;
          this.look();
        },
        confirm: (values) => this.asking(values, "join"),
        send: (values, key) => send("POST", `${this.path}/pledges`, values, key),
        done: async (answer) => {
          say(t("page.pool.joined", { deposit: amount(answer.deposit) }));
          await this.refresh();
        },
      }),
      pool.phase === "firming" && h("p", { class: "banner" }, t("page.pool.firming_warning")),
    );
  }

  changeForm(you) {
    return h(
      "details",
      { class: "panel", open: this.pool.phase === "firming" ? null : true },
      h("summary", {}, t("page.pool.change")),
      form({
        fields: [
          { name: "lots", label: t("page.pool.lots"), type: "lots", value: String(you.lots) },
          { name: "limit", label: t("page.pool.limit"), type: "amount", value: you.limit },
          { name: "freight", label: t("page.pool.freight"), type: "amount", value: you.freight },
          { name: "tolerance", label: t("word.tolerance"), type: "lots", value: String(you.tolerance) },
          ...this.prolongField(you.agrees_to_prolong),
        ],
        act: t("page.pool.change"),
        onchange: (values) => {
          this.typed = values;
          this.look();
        },
        confirm: (values) => this.asking(values, "change"),
        send: (values, key) => send("PATCH", `${this.path}/pledges/${you.pledge_id}`, values, key),
        done: async () => {
          say(t("page.pool.changed"));
          await this.refresh();
        },
      }),
      this.pool.phase === "firming" && h("p", { class: "note" }, t("page.pool.only_rises")),
    );
  }

  prolongField(value) {
    const { prolong_minutes: minutes } = this.pool;
    return minutes > 0
      ? [{ name: "agrees_to_prolong", label: t("page.pool.agree_prolong", { minutes }), type: "check", value }]
      : [];
  }

  asking(values, act) {
    return {
      title: t(`page.pool.${act}_ask`),
      lines: [
        [t("word.cell"), cellName(this.pool.cell)],
        [t("word.lots"), this.lots(values.lots)],
        [t("page.pool.limit"), `${amount(values.limit)} ${this.unit()}`],
        this.preview?.deposit && [t("word.deposit"), amount(this.preview.deposit)],
      ].filter(Boolean),
      note: this.pool.phase === "firming" ? t("page.pool.firming_warning") : t("page.pool.binding"),
      act: t(`page.pool.${act}`),
    };
  }

  /** Show what the pledge in the form would cost at each break. */
  async lookAhead() {
    const { lots: quantity, limit, freight, tolerance } = this.typed;
    if (!quantity) return;
    const body = {
      lots: quantity,
      ...(limit && { limit }),
      ...(freight && { freight }),
      ...(tolerance && { tolerance }),
    };
    try {
      this.preview = await send("POST", `${this.path}/preview`, body);
    } catch {
      this.preview = null;
    }
    this.showState();
  }

  async refresh() {
    this.take(document.getElementById("page"), await get(this.path));
  }

  lots(number) {
    return lots(number, this.lot);
  }

  unit() {
    return priceUnit(this.pool.currency, this.lot);
  }
}
