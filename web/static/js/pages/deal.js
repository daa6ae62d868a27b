/** One deal: what it costs and to whom, what is proved, and the act that waits for me. */

import { get, send } from "../core/api.js";
import { cellName, instrument, regionName } from "../core/catalogue.js";
import { countdown, instant, now } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { gathered } from "../core/live.js";
import { amount, decimal, lots, minor, percent, priceUnit, whole } from "../core/numbers.js";
import { chip, columns, facts, head, panel, stages, table, tiles } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { t, worded } from "../core/words.js";

const LIFE = ["formed", "funded", "shipping", "delivered", "accepted", "invoiced", "settled"];
const ASK_EVERY = 15_000;

export async function show(main, { dealId }) {
  const page = new DealPage(main, `/deals/${dealId}`);
  await page.refresh();
  const later = gathered(() => page.refresh().catch(() => {}));
  document.addEventListener("noticed", later);
  setInterval(later, ASK_EVERY);
}

class DealPage {
  constructor(main, path) {
    this.path = path;
    this.main = main;
    this.parts = {
      top: h("div"), lead: h("div", { class: "live" }), acts: h("aside", { class: "stack" }), rest: h("div", { class: "stack live" }),
    };
  }

  async refresh() {
    this.take(await get(this.path));
  }

  take(deal) {
    const before = this.deal;
    this.deal = deal;
    this.lot = instrument(deal.instrument_id)?.lot_text;
    if (!this.parts.top.isConnected) {
      const { top, lead, acts, rest } = this.parts;
      fill(this.main, top, columns(lead, acts, rest, t("page.deal.acts")));
    }
    fill(this.parts.top,
      head(cellName(deal.cell), {
        back: "/deals",
        aside: h("span", {}, chip(deal.state), " ", deal.note && h("span", { class: "chip warn" }, t(`page.deal.note.${deal.note}`))),
        note: `${t(`page.deals.${deal.side}`)} · ${deal.counterparty} · ${t(`page.deal.source.${deal.source}`)}`,
      }),
      stages(LIFE, deal.state === "returned" ? "settled" : deal.state));
    fill(this.parts.lead, this.figures());
    fill(this.parts.rest, this.lines(), this.evidences(), this.terms(), this.documents(), this.returns(), this.timeline());
    if (!before || before.state !== deal.state || before.cancel_wanted_by !== deal.cancel_wanted_by
      || before.returned_lots !== deal.returned_lots) this.showActs();
  }

  figures() {
    const { deal } = this;
    return panel(null, tiles([
      [t("word.total"), [amount(deal.total), " ", h("span", { class: "unit" }, t("word.cny"))], "large"],
      [t("word.lots"), this.quantity()],
      [t("word.goods_price"), [amount(deal.goods), " ", h("span", { class: "unit" }, this.unit())]],
      [t("page.deal.escrow"), amount(deal.escrow)],
      deal.due_at && [t("page.deal.due"), [countdown(deal.due_at), h("small", {}, instant(deal.due_at))]],
      deal.settled_at && [t("page.deal.settled_at"), instant(deal.settled_at)],
    ]));
  }

  quantity() {
    const { deal } = this;
    const told = [
      deal.accepted_lots > 0 && deal.accepted_lots !== deal.lots && t("page.deal.accepted_lots", { lots: this.lots(deal.accepted_lots) }),
      deal.returned_lots > 0 && t("page.deal.returned_lots", { lots: this.lots(deal.returned_lots) }),
    ].filter(Boolean);
    return [this.lots(deal.lots), told.length > 0 && h("small", {}, told.join(" · "))];
  }

  /** The glass box: every line with whom it goes to; the parts are the total. */
  lines() {
    const { deal } = this;
    const isAccepted = deal.accepted_lines.length > 0;
    const lines = isAccepted ? deal.accepted_lines : deal.lines;
    const sum = lines.reduce((found, line) => found + minor(line.amount), 0n);
    return h("section", { class: "panel plain" }, h("div", { class: "title" },
      h("h2", {}, t("page.deal.lines")),
      h("span", { class: "note" }, t(isAccepted ? "page.deal.lines_accepted" : "page.deal.lines_agreed"))),
    table({
      rows: lines,
      isLedger: true,
      columns: [
        { label: t("page.deal.line"), cell: (line) => t(`page.line_kind.${line.kind}`) },
        { label: t("page.deal.to"), cell: (line) => this.party(line.counterparty) },
        { label: t("page.deal.rate"), isNumber: true, cell: (line) => line.rate_bps !== null && percent(line.rate_bps) },
        { label: t("page.deal.amount"), isNumber: true, cell: (line) => amount(line.amount) },
      ],
      foot: h("tr", {}, h("th", { scope: "row", colspan: 3 }, t("word.total")),
        h("td", { class: "number" }, amount(decimal(sum)))),
    }));
  }

  party(id) {
    const { deal } = this;
    if (id === "platform") return t("page.deal.platform");
    return id === deal.counterparty_id ? deal.counterparty : t("page.deal.us");
  }

  evidences() {
    const { evidences } = this.deal;
    const held = Object.values(evidences).filter(Boolean).length;
    return panel(t("page.deal.evidences", { held }), h("ul", { class: "list" },
      Object.entries(evidences).map(([kind, found]) => h("li", { class: `check ${found ? "held" : ""}` },
        h("div", {}, h("strong", {}, t(`page.evidence.${kind}`)), " ",
          h("span", { class: "for-readers" }, t(found ? "page.deal.proved" : "page.deal.missing")),
          found
            ? h("div", { class: "note" }, found.lots !== null && `${this.lots(found.lots)} · `,
              found.amount !== null && `${amount(found.amount)} · `, instant(found.at))
            : h("div", { class: "note" }, t("page.deal.missing")))))),
    h("p", { class: "note" }, t("page.deal.evidence_rule")));
  }

  terms() {
    const { terms } = this.deal;
    if (terms.length === 0) return null;
    return h("section", { class: "panel plain" }, h("h2", {}, t("page.deal.terms")), table({
      rows: terms,
      columns: [
        { label: t("page.deal.dimension"), cell: (term) => t(`page.dimension.${term.dimension}`) },
        { label: t("page.deal.promised"), cell: promised },
        { label: t("word.tolerance_of"), cell: (term) => (term.tolerance === "0" ? "—" : `± ${term.tolerance}`) },
        { label: t("page.deal.measured"), cell: (term) => term.measured },
      ],
    }));
  }

  documents() {
    const { documents } = this.deal;
    if (documents.length === 0) return null;
    return h("section", { class: "panel plain" }, h("h2", {}, t("page.deal.documents")), table({
      rows: documents,
      columns: [
        { label: t("page.deal.document"), cell: (one) => `${t(`page.document.${one.kind}`)} № ${one.number}` },
        { label: t("page.deal.issuer"), cell: (one) => this.party(one.issuer) },
        { label: t("page.deal.net"), isNumber: true, cell: (one) => amount(one.net) },
        { label: `${t("word.tax")}`, isNumber: true, cell: (one) => `${amount(one.tax)} (${percent(one.tax_bps)})` },
        { label: t("word.total"), isNumber: true, cell: (one) => amount(one.total) },
        { label: t("word.at"), cell: (one) => [instant(one.issued_at), one.refund && [" ", chip(one.refund)]] },
      ],
    }));
  }

  returns() {
    const { returns } = this.deal;
    if (returns.length === 0) return null;
    return h("section", { class: "panel plain" }, h("h2", {}, t("page.deal.returns")), table({
      rows: returns,
      columns: [
        { label: t("word.lots"), cell: (one) => this.lots(one.lots) },
        { label: t("page.deal.reason"), cell: (one) => t(`page.return.${one.reason}`) },
        { label: t("page.deal.evidence"), cell: (one) => one.evidence },
        { label: t("page.deal.freight_by"), cell: (one) => t(`page.side.${one.freight_by}`) },
        { label: t("word.at"), cell: (one) => instant(one.returned_at) },
      ],
    }));
  }

  timeline() {
    const { deal } = this;
    const { shipment, receipt, acceptance } = deal;
    return panel(t("page.deal.timeline"),
      facts([
        [t("page.deal.number"), h("span", { class: "mono" }, deal.deal_id)],
        shipment && [t("page.deal.shipment"), `${this.lots(shipment.lots)} · ${[shipment.carrier, shipment.vehicle].filter(Boolean).join(" ")}`],
        receipt && [t("page.deal.receipt"), `${this.lots(receipt.lots)} · ${receipt.place} · ${receipt.document}`
          + (receipt.weight_kg ? ` · ${whole(receipt.weight_kg)} kg` : "")],
        acceptance && [t("page.deal.acceptance"), `${this.lots(acceptance.lots)} · ${t(`page.accepted_by.${acceptance.by}`)}`],
      ]),
      h("ol", { class: "list" }, deal.timeline.map((entry) => h("li", { class: "row" },
        h("span", {}, worded("page.fact", entry.fact)), h("span", { class: "note" }, instant(entry.at))))));
  }

  showActs() {
    const { deal } = this;
    const mine = deal.tasks.filter((task) => task.is_mine);
    const others = deal.tasks.filter((task) => !task.is_mine);
    fill(this.parts.acts,
      mine.map((task) => this.task(task)),
      others.map((task) => panel(t(`page.task.${task.act}`),
        h("p", {}, t(`page.deals.waits_for_${task.side}`)),
        task.side === deal.side && h("p", { class: "note" }, t("page.deal.not_your_role")))),
      deal.dispute_reason && h("p", { class: "banner bad" }, t("page.deal.disputed", { reason: deal.dispute_reason })),
      this.returnForm(), this.cancel(),
      h("p", {}, h("button", { type: "button", onclick: () => print() }, t("page.print"))));
  }

  task({ act }) {
    const forms = {
      "deals.fund": () => this.fund(),
      "fulfilment.ship": () => this.ship(),
      "fulfilment.deliver": () => this.deliver(),
      "fulfilment.accept": () => this.accept(),
      "invoices.issue": () => this.invoice(),
      "deals.cancel": () => [],
    };
    const shown = (forms[act] ?? (() => []))();
    return h("section", { class: "panel call" }, h("h2", {}, t(`page.task.${act}`)),
      h("p", { class: "note" }, worded("page.task_why", act)), shown);
  }

  fund() {
    const { deal } = this;
    return [
      facts([
        [t("page.deal.deposit_paid"), amount(deal.deposit)],
        [t("page.deal.call"), h("strong", {}, amount(deal.call))],
        [t("page.deal.reference"), h("span", { class: "mono" }, deal.call_reference)],
        [t("page.deal.pay_until"), instant(deal.funding_due_at)],
      ]),
      h("p", { class: "foot" }, actButton({
        label: t("page.deal.fund", { amount: amount(deal.call) }),
        confirm: () => ({
          title: t("page.deal.fund_ask"),
          lines: [[t("page.deal.call"), amount(deal.call)], [t("page.deals.seller_is"), deal.counterparty]],
          note: t("page.deal.fund_note"),
          act: t("page.deal.fund_act"),
        }),
        send: (key) => send("POST", `${this.path}/fund`, undefined, key),
        done: () => this.done("page.deal.funded"),
      })),
    ];
  }

  ship() {
    return this.form("ship", [
      { name: "lots", label: t("word.lots"), type: "lots", value: String(this.deal.lots) },
      { name: "carrier", label: t("page.deal.carrier") },
      { name: "vehicle", label: t("page.deal.vehicle"), isOptional: true },
    ]);
  }

  deliver() {
    const sent = this.deal.shipment?.lots ?? this.deal.lots;
    return this.form("deliver", [
      { name: "lots", label: t("word.lots"), type: "lots", value: String(sent) },
      { name: "place", label: t("page.deal.place") },
      { name: "document", label: t("page.deal.document_number"), hint: t("page.deal.document_hint") },
      { name: "weight_kg", label: t("page.deal.weight"), type: "lots", isOptional: true },
    ]);
  }

  accept() {
    const { deal } = this;
    return [
      facts([
        [t("page.deal.delivered_lots"), this.lots(deal.delivered_lots)],
        deal.receipt && [t("page.deal.receipt"), `${deal.receipt.place} · ${deal.receipt.document}`],
      ]),
      form({
        fields: [
          { name: "lots", label: t("page.deal.accept_lots"), type: "lots", value: String(deal.delivered_lots), hint: t("page.deal.accept_hint") },
          { name: "quantity", label: t("page.deal.measured_quantity"), isOptional: true },
          { name: "quality", label: t("page.deal.measured_quality"), isOptional: true },
        ],
        act: t("page.deal.accept"),
        confirm: ({ lots: taken }) => ({
          title: t("page.deal.accept_ask"),
          lines: [[t("word.lots"), `${this.lots(taken)} / ${this.lots(deal.lots)}`]],
          note: t("page.deal.accept_note"),
          act: t("page.deal.accept"),
        }),
        send: ({ lots: taken, ...measured }, key) => send("POST", `${this.path}/accept`, { lots: taken, measured }, key),
        done: () => this.done("page.deal.accepted"),
      }),
      h("details", {}, h("summary", {}, t("page.deal.refuse")), this.form("refuse", [
        { name: "reason", label: t("page.deal.refuse_reason"), type: "long", rows: 3 },
      ])),
    ];
  }

  invoice() {
    const { deal } = this;
    return h("p", { class: "foot" }, actButton({
      label: t("page.deal.invoice"),
      confirm: () => ({
        title: t("page.deal.invoice_ask"),
        lines: [[t("word.lots"), this.lots(deal.accepted_lots)], [t("page.deals.buyer_is"), deal.counterparty]],
        note: t("page.deal.invoice_note"),
        act: t("page.deal.invoice"),
      }),
      send: (key) => send("POST", `${this.path}/invoice`, undefined, key),
      done: (answer) => this.done(answer.state === "settled" ? "page.deal.settled_now" : "page.deal.invoiced"),
    }));
  }

  returnForm() {
    const { deal } = this;
    const left = deal.accepted_lots - deal.returned_lots;
    if (deal.side !== "buyer" || !may("fulfilment.return") || !deal.return_until || left < 1) return null;
    if (Date.parse(deal.return_until) <= now()) return null;
    return h("details", { class: "panel" }, h("summary", {}, t("page.deal.return")),
      h("p", { class: "note" }, t("page.deal.return_until"), " ", instant(deal.return_until)),
      h("p", { class: "note" }, instrument(deal.instrument_id)?.return_policy),
      this.form("return", [
        { name: "lots", label: t("word.lots"), type: "lots", value: "1" },
        { name: "reason", label: t("page.deal.reason"), type: "select",
          options: ["wet", "damaged", "wrong_goods", "below_standard", "unwanted"].map((one) => [one, t(`page.return.${one}`)]) },
        { name: "evidence", label: t("page.deal.evidence"), type: "long", rows: 3 },
        { name: "disposition", label: t("page.deal.disposition"), type: "select",
          options: ["restock", "downgrade", "scrap", "replace"].map((one) => [one, t(`page.disposition.${one}`)]) },
      ], true));
  }

  cancel() {
    const { deal } = this;
    if (!["formed", "funded"].includes(deal.state) || !may("deals.cancel")) return null;
    const isAsked = deal.cancel_wanted_by === deal.counterparty_id;
    if (deal.cancel_wanted_by && !isAsked) return h("p", { class: "banner" }, t("page.deal.cancel_proposed"));
    return h("p", { class: "foot" }, actButton({
      label: t(isAsked ? "page.deal.cancel_agree" : "page.deal.cancel"),
      className: "danger",
      confirm: () => ({
        title: t("page.deal.cancel_ask"),
        note: t("page.deal.cancel_note"),
        act: t(isAsked ? "page.deal.cancel_agree" : "page.deal.cancel"),
        isDanger: true,
      }),
      send: (key) => send("POST", `${this.path}/cancel`, undefined, key),
      done: () => this.done("page.deal.cancel_told"),
    }));
  }

  form(act, fields, isDanger = false) {
    return form({
      fields,
      act: t(`page.deal.${act}`),
      confirm: (values) => ({
        title: t(`page.deal.${act}_ask`),
        lines: fields.filter(({ name }) => values[name] !== undefined).map(({ name, label, type, options }) => {
          const chosen = options?.find(([value]) => value === values[name])?.[1];
          return [label, chosen ?? (type === "lots" && name === "lots" ? this.lots(values[name]) : String(values[name]))];
        }),
        act: t(`page.deal.${act}`),
        isDanger,
      }),
      send: (values, key) => send("POST", `${this.path}/${act}`, values, key),
      done: () => this.done(`page.deal.${act}_done`),
    });
  }

  async done(key) {
    say(t(key));
    await this.refresh();
  }

  lots(number) {
    return lots(number, this.lot);
  }

  unit() {
    return priceUnit(this.deal.currency, this.lot);
  }
}

/** Promises are kept in texts of no language; an instant and a region have words of ours. */
function promised({ dimension, promised: text }) {
  if (dimension === "time") return instant(text);
  return dimension === "place" ? regionName(text) : text;
}
