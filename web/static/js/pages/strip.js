/** One forward window: my orders by month, my sealed offer, and what the bundle brought. */

import { get, send } from "../core/api.js";
import { instrument, instrumentName, regionName } from "../core/catalogue.js";
import { countdown, instant, month } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton } from "../core/forms.js";
import { live, newest } from "../core/live.js";
import { amount, decimal, lots, minor, percent, priceUnit } from "../core/numbers.js";
import { chip, columns, empty, facts, head, panel, signInFirst, stages, table, tiles } from "../core/parts.js";
import { isMember, may } from "../core/viewer.js";
import { firm, t } from "../core/words.js";
import { offerForm, orderForms } from "./strip_forms.js";
import { talkForms, talksPanels } from "./strip_talks.js";
import { breaksText, stepsText, storageText, wholeFact } from "./strip_words.js";

export async function show(main, { stripId }) {
  const page = new StripPage(main, `/strips/${stripId}`);
  await live({ topic: `strip:${stripId}`, source: page.source, refetch: true });
}

const PHASES = {
  sealed: ["gathering", "cleared"],
  clock: ["gathering", "talking", "cleared"],
  counter: ["gathering", "talking", "asking", "cleared"],
};

class StripPage {
  constructor(main, path) {
    this.main = main;
    this.path = path;
    this.source = newest(() => get(path), (strip) => this.take(strip));
    this.parts = {
      top: h("div"),
      lead: h("div", { class: "stack live" }),
      acts: h("aside", { class: "stack" }),
      rest: h("div", { class: "stack live" }),
    };
  }

  async refresh() {
    await this.source.ask();
  }

  take(strip) {
    const before = this.strip;
    this.strip = strip;
    this.lot = instrument(strip.instrument)?.lot_text;
    if (!this.parts.top.isConnected) {
      const { top, lead, acts, rest } = this.parts;
      fill(this.main, top, columns(lead, acts, rest, t("page.strip.take_part")));
    }
    fill(
      this.parts.top,
      head(strip.title, {
        back: "/strips",
        aside: chip(strip.phase),
        note: `${instrumentName(strip.instrument)} · ${regionName(strip.region)} · ${strip.tenors.map(month).join(t("word.comma"))}`,
      }),
      stages(PHASES[strip.rounds], strip.phase),
    );
    fill(this.parts.lead, this.figures(), talksPanels(this));
    fill(this.parts.rest, this.orders(), this.offers(), this.contracts());
    if (before?.phase !== strip.phase) this.showActs();
  }

  figures() {
    const { strip } = this;
    const isOpen = strip.phase === "gathering";
    return panel(
      null,
      tiles([
        isOpen && [t("page.strip.closes_in"), countdown(strip.closes_at), "large"],
        [t("page.strip.closes_at"), instant(strip.closes_at)],
        [t("page.strips.months"), String(strip.tenors.length)],
      ]),
      h("p", { "aria-live": "polite", class: "soft" }, this.words()),
      h("p", { class: "note" }, this.terms().join(" · ")),
    );
  }

  /** What was frozen before the window opened. */
  terms() {
    const { strip } = this;
    const deposits = { signing: percent(strip.signing_bps ?? 0), month: percent(strip.month_bps) };
    const index = { reference: amount(strip.index_reference), default: amount(strip.index_default) };
    return [
      t(`page.strip.rounds.${strip.rounds}`),
      t(`page.strip.pricing.${strip.awarded_pricing ?? strip.pricing}`),
      strip.signing_bps !== null && t("page.strip.deposits", deposits),
      strip.index_reference !== null && t("page.strip.index", index),
    ].filter(Boolean);
  }

  words() {
    const { phase, enough_firms: enough } = this.strip;
    if (phase === "gathering") return t(enough ? "page.strips.enough" : "page.strips.not_enough");
    return t(`page.strip.phase.${phase}`);
  }

  orders() {
    const { orders } = this.strip;
    if (!orders?.length) return null;
    return h(
      "section",
      { class: "panel" },
      h("h2", {}, t("page.strip.my_orders")),
      h(
        "ul",
        { class: "list" },
        orders.map((order) => this.order(order)),
      ),
    );
  }

  order(order) {
    const canCancel = order.state === "standing" && this.strip.phase === "gathering" && may("forwards.order");
    return h(
      "li",
      { class: "form" },
      h(
        "div",
        { class: "row" },
        h("strong", {}, `${t(`page.form.${order.form}`)} · ${this.lots(order.lots)}`),
        chip(order.state),
      ),
      h(
        "p",
        { class: "note" },
        `${this.termsOf(order)} · ${t("page.strip.limit")} ${amount(order.limit)} ${this.unit()}`,
      ),
      order.awards.length > 0 && this.awards(order),
      canCancel &&
        h(
          "p",
          { class: "foot" },
          actButton({
            label: t("page.strip.cancel_order"),
            className: "danger",
            confirm: () => ({
              title: t("page.strip.cancel_ask"),
              lines: [[t("word.lots"), this.lots(order.lots)]],
              note: t("page.strip.cancel_note"),
              act: t("page.strip.cancel_order"),
              isDanger: true,
            }),
            send: (key) => send("DELETE", `${this.path}/orders/${order.order_id}`, undefined, key),
            done: () => this.done("page.strip.order_cancelled"),
          }),
        ),
    );
  }

  termsOf({ form: shape, terms }) {
    if (shape === "period") return month(terms.tenor);
    if (shape === "flexible") return terms.window.map(month).join(" – ");
    return Object.entries(terms.lots)
      .map(([tenor, count]) => `${month(tenor)} ${this.lots(count)}`)
      .join(t("word.comma"));
  }

  awards(order) {
    const { awards, paid, single } = order;
    const gain = single && minor(single) - minor(paid) + minor(order.make_whole);
    return [
      this.lines(awards),
      facts([
        [t("page.strip.paid"), amount(paid)],
        wholeFact(order.make_whole),
        single && [t("page.strip.single"), amount(single)],
        gain !== null &&
          gain !== undefined && [
            t("page.strip.gain"),
            h("strong", { class: gain > 0n ? "gain" : "" }, amount(decimal(gain))),
          ],
      ]),
      !single && h("p", { class: "note" }, t("page.strip.no_single")),
    ];
  }

  /** Months with lots and price, each with its contract. */
  lines(rows) {
    return table({
      rows,
      columns: [
        { label: t("word.tenor"), cell: ({ tenor }) => month(tenor) },
        { label: t("word.lots"), isNumber: true, cell: (line) => this.lots(line.lots) },
        { label: t("word.price"), isNumber: true, cell: ({ price }) => amount(price) },
        {
          label: t("page.contracts.one"),
          cell: ({ contract_id: id }) =>
            may("forwards.contracts") && h("a", { href: `/contracts/${id}` }, t("page.strip.to_deal")),
        },
      ],
    });
  }

  offers() {
    const { offers } = this.strip;
    if (!offers?.length) return null;
    return h(
      "section",
      { class: "panel" },
      h("h2", {}, t("page.strip.my_offers")),
      h(
        "ul",
        { class: "list" },
        offers.map((offer) =>
          h(
            "li",
            { class: "form" },
            h(
              "div",
              { class: "row" },
              h("strong", {}, t("page.strip.up_to", { lots: this.lots(offer.capacity) })),
              chip(offer.state),
            ),
            h("p", { class: "note" }, stepsText(this, offer)),
            offer.breaks.length > 0 && h("p", { class: "note" }, breaksText(this, offer)),
            offer.storage.length > 0 && h("p", { class: "note" }, storageText(this, offer)),
            offer.bought.length > 0 && [h("p", {}, t("page.strip.bought")), this.lines(offer.bought)],
            wholeFact(offer.make_whole) && facts([wholeFact(offer.make_whole)]),
          ),
        ),
      ),
    );
  }

  contracts() {
    const { contracts } = this.strip;
    if (!contracts?.length) return null;
    return h(
      "section",
      { class: "panel plain" },
      h("h2", {}, t("page.strip.contract")),
      table({
        rows: contracts,
        columns: [
          { label: t("page.strip.buyer"), cell: (line) => firm(line, "buyer") },
          { label: t("word.tenor"), cell: (line) => month(line.tenor) },
          { label: t("word.lots"), isNumber: true, cell: (line) => this.lots(line.lots) },
          { label: t("word.price"), isNumber: true, cell: (line) => amount(line.price) },
          {
            label: t("page.contracts.one"),
            cell: (line) => h("a", { href: `/contracts/${line.contract_id}` }, t("page.strip.to_deal")),
          },
        ],
      }),
    );
  }

  showActs() {
    const { phase, rounds } = this.strip;
    if (phase === "talking" && isMember) return void fill(this.parts.acts, talkForms(this));
    if (phase !== "gathering") return void fill(this.parts.acts);
    if (!isMember) return void fill(this.parts.acts, panel(t("page.strip.take_part"), signInFirst()));
    const forms = [
      may("forwards.order") && panel(t("page.strip.order"), orderForms(this)),
      may("forwards.offer") &&
        rounds === "sealed" &&
        h(
          "details",
          { class: "panel", open: !may("forwards.order") },
          h("summary", {}, t("page.strip.offer")),
          offerForm(this),
        ),
    ].filter(Boolean);
    fill(
      this.parts.acts,
      forms.length > 0 ? forms : panel(t("page.strip.take_part"), empty(t("page.strip.traders_only"))),
    );
  }

  async done(key, figures) {
    say(t(key, figures));
    await this.refresh();
    this.showActs();
  }

  lots(number) {
    return lots(number, this.lot);
  }

  unit() {
    return priceUnit("CNY", this.lot);
  }
}
