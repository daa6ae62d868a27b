/** One forward contract: its months, call-offs, deposits, changes, and what happened so far. */

import { get, send } from "../core/api.js";
import { instrument, instrumentName, regionName } from "../core/catalogue.js";
import { countdown, date, dayAndTime, instant, month } from "../core/clock.js";
import { proposalCard } from "./contract_changes.js";
import { fill, h, say } from "../core/dom.js";
import { actButton } from "../core/forms.js";
import { gathered, newest } from "../core/live.js";
import { amount, lots, priceUnit } from "../core/numbers.js";
import { chip, columns, empty, facts, head, panel, table, tiles } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { firm, t, worded } from "../core/words.js";
import { callOffForm, changeForm } from "./contract_forms.js";
import { wholeFact } from "./strip_words.js";

const ASK_EVERY = 20_000;

export async function show(main, { contractId }) {
  const page = new ContractPage(main, `/contracts/${contractId}`);
  await page.refresh();
  const later = gathered(() => page.refresh().catch(() => {}));
  document.addEventListener("noticed", later);
  setInterval(later, ASK_EVERY);
}

class ContractPage {
  constructor(main, path) {
    this.main = main;
    this.path = path;
    this.source = newest(
      () => Promise.all([get(path), get("/receiving-places")]),
      ([contract, { places }]) => this.take(contract, places),
    );
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

  take(contract, places) {
    // What somebody has unfolded stays so until there is something new to show.
    const told = JSON.stringify([contract, places]);
    if (told === this.told) return;
    this.told = told;
    this.places = places;
    const before = JSON.stringify(this.living ?? null);
    this.contract = contract;
    this.living = contract.slots.filter((slot) => slot.state === "open");
    this.lot = instrument(contract.instrument)?.lot_text;
    if (!this.parts.top.isConnected) {
      const { top, lead, acts, rest } = this.parts;
      fill(this.main, top, columns(lead, acts, rest, t("page.contract.acts")));
    }
    const { instrument: id, region, side } = contract;
    fill(
      this.parts.top,
      head(contract.title, {
        back: "/contracts",
        aside: this.documents(),
        note: `${instrumentName(id)} · ${regionName(region)} · ${t(`page.deals.${side}`)} · ${firm(contract, "counterparty")}`,
      }),
    );
    fill(this.parts.lead, this.rules(), this.living.map((slot) => this.slot(slot)), this.over());
    fill(this.parts.rest, this.proposals(), this.timeline());
    // A form that somebody is filling in stays as long as the months stay what they are.
    if (before !== JSON.stringify(this.living)) this.showActs();
  }

  documents() {
    const file = `/api/v1${this.path}/document`;
    return h(
      "span",
      { class: "row" },
      h("a", { href: `${file}?lang=zh`, download: true }, "PDF 中文"),
      h("a", { href: `${file}?lang=en`, download: true }, "PDF English"),
    );
  }

  rules() {
    const { rules } = this.contract;
    const share = (bps) => `${Math.floor(bps / 100)}.${String(bps % 100).padStart(2, "0")} %`;
    return panel(
      t("page.contract.rules"),
      facts([
        [t("page.contract.number"), h("span", { class: "mono" }, this.contract.contract_id)],
        [t("page.contracts.signed_at"), instant(this.contract.signed_at)],
        [t("page.contract.at_signing"), share(rules.signing_bps)],
        [t("page.desk.strip_pricing"), t(`page.strip.pricing.${rules.pricing}`)],
        wholeFact(rules.make_whole),
        rules.month_bps > 0 && [t("page.contract.before_month"), share(rules.month_bps)],
        rules.index_reference && [
          t("page.contract.index"),
          t("page.contract.index_words", {
            reference: amount(rules.index_reference),
            fallback: amount(rules.index_default),
          }),
        ],
      ]),
    );
  }

  slot(slot) {
    const unit = priceUnit(this.contract.currency, this.lot);
    return h(
      "section",
      { class: "panel" },
      h(
        "div",
        { class: "row" },
        h("h2", {}, `${month(slot.tenor)}${slot.is_mine ? "" : ` · ${firm(slot, "buyer")}`}`),
        chip(slot.state),
      ),
      tiles([
        [t("page.contract.left"), this.lots(slot.left_lots), "large"],
        [t("page.contract.called"), `${this.lots(slot.called_lots)} / ${this.lots(slot.lots)}`],
        [
          t("word.price"),
          [amount(slot.price), " ", h("span", { class: "unit" }, unit), !slot.is_fixed && h("span", { class: "chip warn" }, t("page.contract.price_open"))],
        ],
        [t("page.contract.total"), amount(slot.total)],
        slot.deposit !== null && [t("page.contract.deposit"), amount(slot.deposit)],
      ]),
      facts([
        [t("page.contract.place"), slot.place ?? t("page.contract.no_place")],
        !slot.is_fixed && [t("page.contract.fixed_at"), instant(slot.ahead_at)],
        slot.stage === "called" && [t("page.contract.stage_due"), countdown(slot.stage_due_at)],
        slot.stage === "later" && [t("page.contract.stage_asked"), instant(slot.ahead_at)],
        [t("page.contract.nominate_by"), instant(slot.nominate_by)],
      ]),
      this.callOffs(slot),
      this.glassBox(slot),
      h("p", { class: "note" }, t("page.contract.silence")),
    );
  }

  /** What the month's total is made of, and whose each part is. */
  glassBox(slot) {
    const { side, counterparty } = this.contract;
    const seller = side === "seller" ? t("page.deal.us") : counterparty;
    return h(
      "details",
      {},
      h("summary", {}, t("page.deal.lines")),
      table({
        rows: slot.lines,
        isLedger: true,
        columns: [
          { label: t("page.deal.line"), cell: (line) => t(`page.line_kind.${line.kind}`) },
          {
            label: t("page.deal.to"),
            cell: (line) => (line.counterparty === "platform" ? t("page.deal.platform") : seller),
          },
          { label: t("page.deal.amount"), isNumber: true, cell: (line) => amount(line.amount) },
        ],
      }),
    );
  }

  callOffs(slot) {
    if (slot.call_offs.length === 0) return null;
    return table({
      rows: slot.call_offs,
      columns: [
        { label: t("page.contract.delivery_on"), cell: (one) => date(one.delivery_on) },
        { label: t("word.lots"), isNumber: true, cell: (one) => this.lots(one.lots) },
        {
          label: t("word.state"),
          cell: (one) => [chip(one.deal_state ?? one.state), one.by === "silence" && ` ${t("page.contract.by_silence")}`],
        },
        { label: t("page.contract.confirm_by"), cell: (one) => one.state === "nominated" && instant(one.confirm_by) },
        { label: t("page.deals.one"), cell: (one) => this.callOffAct(slot, one) },
      ],
    });
  }

  callOffAct(slot, one) {
    if (one.deal_id) return may("deals.read") && h("a", { href: `/deals/${one.deal_id}` }, t("page.strip.to_deal"));
    if (one.state !== "nominated") return null;
    const lines = [
      [t("word.lots"), this.lots(one.lots)],
      [t("page.contract.delivery_on"), date(one.delivery_on)],
    ];
    if (!slot.is_mine && may("forwards.confirm")) {
      return actButton({
        label: t("page.contract.confirm"),
        confirm: () => ({
          title: t("page.contract.confirm_ask"),
          lines,
          note: t("page.contract.confirm_note"),
          act: t("page.contract.confirm"),
        }),
        send: (key) => send("POST", `/call-offs/${one.call_off_id}/confirm`, {}, key),
        done: () => this.done("page.contract.confirmed"),
      });
    }
    if (slot.is_mine && may("forwards.call") && one.by === "buyer") {
      return actButton({
        label: t("page.contract.take_back"),
        className: "danger",
        confirm: () => ({ title: t("page.contract.take_back_ask"), lines, act: t("page.contract.take_back"), isDanger: true }),
        send: (key) => send("DELETE", `/call-offs/${one.call_off_id}`, undefined, key),
        done: () => this.done("page.contract.taken_back"),
      });
    }
    return null;
  }

  over() {
    const over = this.contract.slots.filter((slot) => slot.state !== "open");
    if (over.length === 0) return null;
    return h(
      "section",
      { class: "panel plain" },
      h("h2", {}, t("page.contract.over")),
      table({
        rows: over,
        columns: [
          { label: t("word.tenor"), cell: (slot) => month(slot.tenor) },
          { label: t("page.strip.buyer"), cell: (slot) => firm(slot, "buyer") },
          { label: t("page.contract.called"), isNumber: true, cell: (slot) => `${this.lots(slot.called_lots)} / ${this.lots(slot.lots)}` },
          { label: t("word.price"), isNumber: true, cell: (slot) => amount(slot.price) },
          { label: t("word.state"), cell: (slot) => chip(slot.state) },
          {
            label: t("page.deals.one"),
            cell: (slot) =>
              slot.call_offs
                .filter((one) => one.deal_id)
                .map((one) => [h("a", { href: `/deals/${one.deal_id}` }, date(one.delivery_on)), " "]),
          },
        ],
      }),
    );
  }

  proposals() {
    const { proposals } = this.contract;
    if (proposals.length === 0) return null;
    const mySlots = this.living.filter((slot) => slot.is_mine);
    return h(
      "section",
      { class: "panel" },
      h("h2", {}, t("page.contract.proposals")),
      h(
        "ul",
        { class: "list" },
        proposals.map((proposal) =>
          proposalCard(proposal, { lot: this.lot, mySlots, done: (key) => this.done(key) }),
        ),
      ),
    );
  }

  timeline() {
    const { timeline } = this.contract;
    return panel(
      t("page.deal.timeline"),
      h(
        "ol",
        { class: "list" },
        timeline.toReversed().map((entry) =>
          h(
            "li",
            { class: "row" },
            h("span", {}, worded("page.fact", entry.fact), " ", h("span", { class: "soft" }, this.figures(entry.figures))),
            h("span", { class: "note" }, instant(entry.at)),
          ),
        ),
      ),
    );
  }

  figures({ tenor, lots: count, delivery_on: day, price, kind, state, what, until }) {
    return [
      tenor && month(tenor),
      kind && worded("page.change", kind),
      count && this.lots(count),
      price && amount(price),
      date(day),
      state && worded("state", state),
      what && worded("page.deadline", what),
      until && dayAndTime(Date.parse(until)),
    ]
      .filter(Boolean)
      .join(" · ");
  }

  showActs() {
    const panels = this.living.flatMap((slot) => [
      slot.is_mine && slot.stage === "called" && may("forwards.pay") && this.stage(slot),
      slot.is_mine && may("forwards.call") && slot.left_lots > 0 && slot.is_fixed && callOffForm(this, slot),
      may("forwards.amend") && changeForm(this, slot),
    ]);
    const shown = panels.filter(Boolean);
    fill(this.parts.acts, shown.length > 0 ? shown : panel(t("page.contract.acts"), empty(t("page.contract.nothing"))));
  }

  stage(slot) {
    return panel(
      `${t("page.contract.stage")} · ${month(slot.tenor)}`,
      facts([
        [t("page.deal.amount"), amount(slot.stage_call)],
        [t("page.deal.pay_until"), instant(slot.stage_due_at)],
      ]),
      h("p", { class: "note" }, t("page.contract.stage_silence")),
      h(
        "p",
        { class: "foot" },
        actButton({
          label: t("page.contract.pay"),
          confirm: () => ({
            title: t("page.contract.pay_ask"),
            lines: [[t("page.deal.amount"), amount(slot.stage_call)]],
            act: t("page.contract.pay"),
          }),
          send: (key) => send("POST", `/slots/${slot.slot_id}/pay`, {}, key),
          done: () => this.done("page.contract.paid"),
        }),
      ),
    );
  }

  async done(key) {
    say(t(key));
    await this.refresh();
  }

  /** Return the months of the window, which changes may choose from. */
  tenors() {
    return this.contract.rules.tenors;
  }

  lots(count) {
    return lots(count, this.lot);
  }
}
