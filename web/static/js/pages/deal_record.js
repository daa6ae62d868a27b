/** What a deal's record shows: prices, evidences, terms, documents and what happened. */

import { send } from "../core/api.js";
import { regionName } from "../core/catalogue.js";
import { instant } from "../core/clock.js";
import { h } from "../core/dom.js";
import { form } from "../core/forms.js";
import { amount, decimal, lots as quantity, minor, percent, unit, whole } from "../core/numbers.js";
import { chip, facts, panel, table } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { firm, t, worded } from "../core/words.js";

const AMOUNT = /^-?\d+\.\d+/;

/** The glass box: every line with whom it goes to; the parts are the total. */
export function lines(page) {
  const { deal } = page;
  const isAccepted = deal.accepted_lines.length > 0;
  const lines = isAccepted ? deal.accepted_lines : deal.lines;
  const sum = lines.reduce((found, line) => found + minor(line.amount), 0n);
  return h(
    "section",
    { class: "panel plain" },
    h(
      "div",
      { class: "title" },
      h("h2", {}, t("page.deal.lines")),
      h("span", { class: "note" }, t(isAccepted ? "page.deal.lines_accepted" : "page.deal.lines_agreed")),
    ),
    table({
      rows: lines,
      isLedger: true,
      columns: [
        { label: t("page.deal.line"), cell: (line) => t(`page.line_kind.${line.kind}`) },
        { label: t("page.deal.to"), cell: (line) => party(page, line.counterparty) },
        {
          label: t("page.deal.rate"),
          isNumber: true,
          cell: (line) => line.rate_bps !== null && percent(line.rate_bps),
        },
        { label: t("page.deal.amount"), isNumber: true, cell: (line) => amount(line.amount) },
      ],
      foot: h(
        "tr",
        {},
        h("th", { scope: "row", colspan: 3 }, t("word.total")),
        h("td", { class: "number" }, amount(decimal(sum))),
      ),
    }),
    fees(deal),
  );
}

/** What of the market's fee is for which flow, where more than one bears it. */
function fees(deal) {
  const borne = deal.fees.filter((fee) => minor(fee.amount) > 0n);
  const parts = borne.map((fee) => `${t(`page.line_kind.${fee.flow}`)} ${amount(fee.amount)}`);
  return borne.length > 1 && h("p", { class: "note" }, t("page.deal.fee_parts", { parts: parts.join(" · ") }));
}

function party(page, id) {
  const { deal } = page;
  if (id === "platform") return t("page.deal.platform");
  return id === deal.counterparty_id ? firm(deal, "counterparty") : t("page.deal.us");
}

export function evidences(page) {
  const { evidences } = page.deal;
  const held = Object.values(evidences).filter(Boolean).length;
  return panel(
    t("page.deal.evidences", { held }),
    h(
      "ul",
      { class: "list" },
      Object.entries(evidences).map(([kind, found]) =>
        h(
          "li",
          { class: `check ${found ? "held" : ""}` },
          h(
            "div",
            {},
            h("strong", {}, t(`page.evidence.${kind}`)),
            " ",
            h("span", { class: "for-readers" }, t(found ? "page.deal.proved" : "page.deal.missing")),
            found
              ? h(
                  "div",
                  { class: "note" },
                  found.lots !== null && `${page.lots(found.lots)} · `,
                  found.amount !== null && `${amount(found.amount)} · `,
                  instant(found.at),
                )
              : h("div", { class: "note" }, t("page.deal.missing")),
          ),
        ),
      ),
    ),
    h("p", { class: "note" }, t("page.deal.evidence_rule")),
  );
}

export function terms(page) {
  const { terms, return_days: days } = page.deal;
  if (terms.length === 0) return null;
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.deal.terms")),
    table({
      rows: terms,
      columns: [
        { label: t("page.deal.dimension"), cell: (term) => t(`page.dimension.${term.dimension}`) },
        { label: t("page.deal.promised"), cell: (term) => promised(page, term) },
        {
          label: t("word.tolerance_of"),
          cell: (term) => (term.tolerance === "0" ? "—" : `± ${term.tolerance}`),
        },
        { label: t("page.deal.measured"), cell: (term) => said(term.dimension, term.measured) },
      ],
    }),
    h("p", { class: "note" }, days === 0 ? t("page.deal.no_returns") : t("page.deal.returns_within", { days })),
  );
}

export function documents(page) {
  const { documents } = page.deal;
  if (documents.length === 0) return null;
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.deal.documents")),
    table({
      rows: documents,
      columns: [
        {
          label: t("page.deal.document"),
          cell: (one) => [
            `${t(`page.document.${one.kind}`)} № ${one.number} `,
            files(page, one),
            one.tax_number && h("div", { class: "note mono" }, `${one.tax_number} ${one.tax_code}`),
            taxNumberForm(page, one),
          ],
        },
        { label: t("page.deal.issuer"), cell: (one) => party(page, one.issuer) },
        { label: t("page.deal.net"), isNumber: true, cell: (one) => amount(one.net) },
        {
          label: `${t("word.tax")}`,
          isNumber: true,
          cell: (one) => `${amount(one.tax)} (${percent(one.tax_bps)})`,
        },
        { label: t("word.total"), isNumber: true, cell: (one) => amount(one.total) },
        {
          label: t("word.at"),
          cell: (one) => [instant(one.issued_at), one.refund && [" ", chip(one.refund)]],
        },
      ],
    }),
  );
}

/** Return the links to a document's files. They stand in a line of text, so they are underlined. */
function files({ deal }, { id }) {
  const path = `/api/v1/deals/${deal.deal_id}/documents/${id}`;
  return h("span", {}, h("a", { href: `${path}/ubl.xml` }, "UBL"), " ", h("a", { href: `${path}/paper.pdf` }, "PDF"));
}

/** What the seller types when the tax platform has answered to his document. */
function taxNumberForm(page, { id, issuer, tax_number: known }) {
  const { deal } = page;
  const isOurs = deal.side === "seller" && issuer !== "platform";
  if (known || !isOurs || !may("invoices.file")) return null;
  return h(
    "details",
    {},
    h("summary", {}, t("page.deal.tax_number")),
    form({
      fields: [
        { name: "number", label: t("page.deal.tax_number") },
        { name: "code", label: t("page.deal.tax_code"), isOptional: true },
      ],
      act: t("page.deal.tax_number_keep"),
      send: (values, key) => send("POST", `${page.path}/documents/${id}/tax-number`, values, key),
      done: () => page.done("page.deal.tax_number_kept"),
    }),
  );
}

export function returns(page) {
  const { returns } = page.deal;
  if (returns.length === 0) return null;
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.deal.returns")),
    table({
      rows: returns,
      columns: [
        { label: t("word.lots"), cell: (one) => page.lots(one.lots) },
        { label: t("page.deal.reason"), cell: (one) => t(`page.return.${one.reason}`) },
        { label: t("page.deal.evidence"), cell: (one) => one.evidence },
        { label: t("page.deal.freight_by"), cell: (one) => t(`page.side.${one.freight_by}`) },
        { label: t("word.at"), cell: (one) => instant(one.returned_at) },
      ],
    }),
  );
}

export function timeline(page) {
  const { deal } = page;
  const { shipment, receipt, acceptance } = deal;
  return panel(
    t("page.deal.timeline"),
    facts([
      [t("page.deal.number"), h("span", { class: "mono" }, deal.deal_id)],
      shipment && [
        t("page.deal.shipment"),
        `${page.lots(shipment.lots)} · ${[shipment.carrier, shipment.vehicle].filter(Boolean).join(" ")}` +
          (shipment.document && ` · ${shipment.document}`) +
          weight(shipment),
      ],
      receipt && [
        t("page.deal.receipt"),
        `${page.lots(receipt.lots)} · ${receipt.place} · ${receipt.document}${weight(receipt)}`,
      ],
      acceptance && [
        t("page.deal.acceptance"),
        `${page.lots(acceptance.lots)} · ${t(`page.accepted_by.${acceptance.by}`)}`,
      ],
    ]),
    h(
      "ol",
      { class: "list" },
      deal.timeline.map((entry) =>
        h(
          "li",
          { class: "row" },
          h("span", {}, worded("page.fact", entry.fact)),
          h("span", { class: "note" }, instant(entry.at)),
        ),
      ),
    ),
  );
}

function weight({ weight_kg: kg }) {
  return kg ? ` · ${whole(kg)} kg` : "";
}

/** A promised time is the latest one, and a promised price is that of one lot. */
function promised(page, { dimension, promised: text }) {
  const found = said(dimension, text);
  if (dimension === "time" && typeof found !== "string") return [t("page.deal.at_the_latest"), " ", found];
  return dimension === "price" && AMOUNT.test(text) ? `${found}/${unit(page.lot)}` : found;
}

/** Terms are kept in texts of no language; an instant and a region have words of ours. */
function said(dimension, text) {
  if (dimension === "time" && /^\d{4}-\d\d-\d\dT/.test(text ?? "")) return instant(text);
  if (dimension === "price" && AMOUNT.test(text ?? "")) {
    return text.replace(AMOUNT, amount).replace(/\bCNY\b/, t("word.cny"));
  }
  const [, number, lot, kg] = /^(\d+) × (.+?)(?: · (\d+) kg)?$/.exec(text ?? "") ?? [];
  if (dimension === "quantity" && lot) return quantity(number, lot) + weight({ weight_kg: kg });
  return dimension === "place" && text ? regionName(text) : text;
}
