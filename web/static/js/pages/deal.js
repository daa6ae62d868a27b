/** One deal: what it costs and to whom, what is proved, and the act that waits for me. */

import { get } from "../core/api.js";
import { cellName, instrument } from "../core/catalogue.js";
import { countdown, instant } from "../core/clock.js";
import { fill, h, isBeingFilled, say } from "../core/dom.js";
import { gathered, newest } from "../core/live.js";
import { amount, lots, priceUnit } from "../core/numbers.js";
import { chip, columns, head, panel, stages, tiles } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { firm, t, worded } from "../core/words.js";
import { cancelForm, returnForm, taskForm } from "./deal_acts.js";
import { claims } from "./deal_claims.js";
import { documents, evidences, lines, returns, terms, timeline } from "./deal_record.js";
import { adjustments } from "./deal_quality.js";

const LIFE = ["formed", "funded", "shipping", "delivered", "accepted", "invoiced", "settled"];
const ASK_EVERY = 15_000;
const SHIPPED = ["shipping", "delivered", "disputed", "accepted", "invoiced", "settled"];

export async function show(main, { dealId }) {
  const page = new DealPage(main, `/deals/${dealId}`);
  await page.refresh();
  const later = gathered(() => page.refresh().catch(() => {}));
  document.addEventListener("noticed", later);
  setInterval(later, ASK_EVERY);
}

async function service() {
  const found = await Promise.all([import("./photographs.js"), import("./tickets.js"), import("./reviews.js")]);
  return Object.assign({}, ...found);
}

class DealPage {
  constructor(main, path) {
    this.path = path;
    this.source = newest(() => this.read(), (deal) => this.take(deal));
    this.main = main;
    this.parts = {
      top: h("div"),
      lead: h("div", { class: "live" }),
      acts: h("aside", { class: "stack" }),
      rest: h("div", { class: "stack live" }),
    };
  }

  async refresh() {
    await this.source.ask();
  }

  async read() {
    const deal = await get(this.path);
    this.adjustments ??= (await get(`/instruments/${deal.instrument_id}/adjustments`)).adjustments;
    // What comes after the money is not needed by a page that waits for it.
    if (deal.state !== "formed") this.later ??= await service();
    if (may("parties.read")) this.tier ??= (await get(`/standings/${deal.counterparty_id}`)).tier;
    if (deal.settled_at) {
      this.standing ??= (await get(`/reviews?organisation=${deal.counterparty_id}`)).axes;
    }
    return deal;
  }

  take(deal) {
    const before = this.deal;
    this.deal = deal;
    this.lot = instrument(deal.instrument_id)?.lot_text;
    if (!this.parts.top.isConnected) {
      const { top, lead, acts, rest } = this.parts;
      fill(this.main, top, columns(lead, acts, rest, t("page.deal.acts")));
    }
    fill(
      this.parts.top,
      head(cellName(deal.cell), {
        back: "/deals",
        aside: h(
          "span",
          {},
          chip(deal.state),
          " ",
          deal.note && h("span", { class: "chip warn" }, t(`page.deal.note.${deal.note}`)),
        ),
        note: `${t(`page.deals.${deal.side}`)} · ${firm(deal, "counterparty")} · ${worded("tier", this.tier)} · ${t(`page.deal.source.${deal.source}`)}`,
      }),
      stages(LIFE, deal.state === "returned" ? "settled" : deal.state),
    );
    fill(this.parts.lead, this.figures());
    if (this.isDone || !isBeingFilled(this.parts.rest)) this.showRest();
    if (
      !before ||
      before.state !== deal.state ||
      before.cancel_wanted_by !== deal.cancel_wanted_by ||
      before.is_reviewed !== deal.is_reviewed ||
      before.returned_lots !== deal.returned_lots
    )
      this.showActs();
  }

  showRest() {
    const { deal } = this;
    this.isDone = false;
    fill(
      this.parts.rest,
      lines(this),
      evidences(this),
      terms(this),
      adjustments(this.adjustments),
      documents(this),
      this.later?.photographs(this),
      claims(this),
      this.later?.tickets(this),
      returns(this),
      deal.settled_at && this.later.standingOf(this),
      timeline(this),
    );
  }

  figures() {
    const { deal } = this;
    return panel(
      null,
      tiles([
        [t("word.total"), [amount(deal.total), " ", h("span", { class: "unit" }, t("word.cny"))], "large"],
        [t("word.lots"), this.quantity()],
        [t("word.goods_price"), [amount(deal.goods), " ", h("span", { class: "unit" }, this.unit())]],
        [t("page.deal.escrow"), amount(deal.escrow)],
        deal.lane && deal.state === "shipping" && [t("page.lane.due"), countdown(deal.lane.due_at), deal.lane.warned_at ? "bad" : ""],
        deal.due_at && [t("page.deal.due"), [countdown(deal.due_at), h("small", {}, instant(deal.due_at))]],
        deal.settled_at && [t("page.deal.settled_at"), instant(deal.settled_at)],
      ]),
    );
  }

  quantity() {
    const { deal } = this;
    const told = [
      deal.accepted_lots > 0 &&
        deal.accepted_lots !== deal.lots &&
        t("page.deal.accepted_lots", { lots: this.lots(deal.accepted_lots) }),
      deal.returned_lots > 0 && t("page.deal.returned_lots", { lots: this.lots(deal.returned_lots) }),
    ].filter(Boolean);
    return [this.lots(deal.lots), told.length > 0 && h("small", {}, told.join(" · "))];
  }

  showActs() {
    const { deal } = this;
    const mine = deal.tasks.filter((task) => task.is_mine);
    const others = deal.tasks.filter((task) => !task.is_mine);
    fill(
      this.parts.acts,
      mine.map((task) => taskForm(this, task)),
      others.map((task) =>
        panel(
          t(`page.task.${task.act}`),
          h("p", {}, t(`page.deals.waits_for_${task.side}`)),
          task.side === deal.side && h("p", { class: "note" }, t("page.deal.not_your_role")),
        ),
      ),
      deal.dispute_reason &&
        h("p", { class: "banner bad" }, t("page.deal.disputed", { reason: deal.dispute_reason })),
      SHIPPED.includes(deal.state) && this.later.photographForm(this),
      returnForm(this),
      this.later?.ticketForm(this),
      deal.settled_at && this.later.reviewForm(this),
      cancelForm(this),
      h("p", {}, h("button", { type: "button", onclick: () => print() }, t("page.print"))),
    );
  }

  async done(key) {
    say(t(key));
    this.isDone = true;
    await this.refresh();
  }

  lots(number) {
    return lots(number, this.lot);
  }

  unit() {
    return priceUnit(this.deal.currency, this.lot);
  }
}
