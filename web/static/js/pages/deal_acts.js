/** What there is to do about a deal, and the forms to do it. */

import { send } from "../core/api.js";
import { instrument } from "../core/catalogue.js";
import { instant, now } from "../core/clock.js";
import { h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount, minor, percent } from "../core/numbers.js";
import { facts } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { firm, t, worded } from "../core/words.js";
import { discountOf, gradedField } from "./deal_quality.js";

export function taskForm(page, { act }) {
  const forms = {
    "deals.fund": () => fund(page),
    "fulfilment.ship": () => ship(page),
    "fulfilment.deliver": () => deliver(page),
    "fulfilment.accept": () => accept(page),
    "invoices.issue": () => invoice(page),
    "deals.cancel": () => [],
  };
  const shown = (forms[act] ?? (() => []))();
  return h(
    "section",
    { class: "panel call" },
    h("h2", {}, t(`page.task.${act}`)),
    h("p", { class: "note" }, worded("page.task_why", act)),
    shown,
  );
}

function fund(page) {
  const { deal } = page;
  return [
    facts([
      [t("page.deal.deposit_paid"), [amount(deal.deposit), h("div", { class: "note" }, depositBase(deal))]],
      [t("page.deal.call"), h("strong", {}, amount(deal.left ?? deal.call))],
      [t("page.deal.reference"), h("span", { class: "mono" }, deal.call_reference)],
      [t("page.deal.pay_until"), instant(deal.funding_due_at)],
    ]),
    h(
      "p",
      { class: "foot" },
      actButton({
        label: t("page.deal.fund", { amount: amount(deal.left ?? deal.call) }),
        confirm: () => ({
          title: t("page.deal.fund_ask"),
          lines: [
            [t("page.deal.call"), `${amount(deal.left ?? deal.call)} ${t("word.cny")}`],
            [t("page.deals.seller_is"), firm(deal, "counterparty")],
          ],
          note: t("page.deal.fund_note"),
          act: t("page.deal.fund_act"),
        }),
        send: (key) => send("POST", `${page.path}/fund`, undefined, key),
        done: () => page.done("page.deal.funded"),
      }),
    ),
    h(
      "details",
      {},
      h("summary", {}, t("page.deal.fund_part")),
      h("p", { class: "note" }, t("page.deal.fund_part_note")),
      form({
        fields: [{ name: "amount", label: t("page.deal.amount"), type: "amount" }],
        act: t("page.deal.fund_part"),
        confirm: ({ amount: part }) => ({
          title: t("page.deal.fund_part"),
          lines: [[t("page.deal.amount"), `${amount(part)} ${t("word.cny")}`]],
          act: t("page.deal.fund_part"),
        }),
        send: (values, key) => send("POST", `${page.path}/fund-part`, values, key),
        done: () => page.done("page.deal.fund_part_done"),
      }),
    ),
  ];
}

/** Return in words of what the deposit is a share, and why it may be less than was announced. */
function depositBase(deal) {
  const paid = Number((minor(deal.deposit) * 20_000n + minor(deal.total)) / (minor(deal.total) * 2n));
  const asked = instrument(deal.instrument_id)?.deposit_bps ?? 0;
  const share = t("page.deal.deposit_share", { percent: percent(paid), total: amount(deal.total) });
  if (paid >= asked || deal.source === "strip") return share;
  return `${share} ${t("page.deal.deposit_lowered", { percent: percent(asked) })}`;
}

function ship(page) {
  return actForm(page, "ship", [
    { name: "lots", label: t("word.lots"), type: "lots", value: String(page.deal.lots) },
    { name: "carrier", label: t("page.deal.carrier") },
    { name: "vehicle", label: t("page.deal.vehicle"), isOptional: true },
    {
      name: "document",
      label: t("page.deal.document_number"),
      hint: t("page.deal.carrier_hint"),
      isOptional: true,
    },
    { name: "weight_kg", label: t("page.deal.weight"), type: "lots", isOptional: true },
  ]);
}

function deliver(page) {
  const sent = page.deal.shipment?.lots ?? page.deal.lots;
  return actForm(page, "deliver", [
    { name: "lots", label: t("word.lots"), type: "lots", value: String(sent) },
    { name: "place", label: t("page.deal.place") },
    { name: "document", label: t("page.deal.document_number"), hint: t("page.deal.document_hint") },
    { name: "weight_kg", label: t("page.deal.weight"), type: "lots", isOptional: true },
  ]);
}

function accept(page) {
  const { deal } = page;
  return [
    facts([
      [t("page.deal.delivered_lots"), page.lots(deal.delivered_lots)],
      deal.receipt && [t("page.deal.receipt"), `${deal.receipt.place} · ${deal.receipt.document}`],
    ]),
    form({
      fields: [
        {
          name: "lots",
          label: t("page.deal.accept_lots"),
          type: "lots",
          value: String(deal.delivered_lots),
          hint: t("page.deal.accept_hint"),
        },
        { name: "quantity", label: t("page.deal.measured_quantity"), isOptional: true },
        { name: "quality", label: t("page.deal.measured_quality"), isOptional: true },
        gradedField(page.adjustments),
      ].filter(Boolean),
      act: t("page.deal.accept"),
      confirm: ({ lots: taken, graded }) => ({
        title: t("page.deal.accept_ask"),
        lines: [
          [t("word.lots"), `${page.lots(taken)} / ${page.lots(deal.lots)}`],
          ...(graded ? [[t("page.quality.discount"), percent(discountOf(page.adjustments, graded))]] : []),
        ],
        note: t("page.deal.accept_note"),
        act: t("page.deal.accept"),
      }),
      send: ({ lots: taken, graded, ...measured }, key) =>
        send("POST", `${page.path}/accept`, { lots: taken, measured, graded: graded ?? {} }, key),
      done: () => page.done("page.deal.accepted"),
    }),
    h(
      "details",
      {},
      h("summary", {}, t("page.deal.refuse")),
      actForm(page, "refuse", [{ name: "reason", label: t("page.deal.refuse_reason"), type: "long", rows: 3 }]),
    ),
  ];
}

function invoice(page) {
  const { deal } = page;
  return h(
    "p",
    { class: "foot" },
    actButton({
      label: t("page.deal.invoice"),
      confirm: () => ({
        title: t("page.deal.invoice_ask"),
        lines: [
          [t("word.lots"), page.lots(deal.accepted_lots)],
          [t("page.deals.buyer_is"), firm(deal, "counterparty")],
        ],
        note: t("page.deal.invoice_note"),
        act: t("page.deal.invoice"),
      }),
      send: (key) => send("POST", `${page.path}/invoice`, undefined, key),
      done: (answer) => page.done(answer.state === "settled" ? "page.deal.settled_now" : "page.deal.invoiced"),
    }),
  );
}

export function returnForm(page) {
  const { deal } = page;
  const left = deal.accepted_lots - deal.returned_lots;
  if (deal.side !== "buyer" || !may("fulfilment.return") || !deal.return_until || left < 1) return null;
  if (Date.parse(deal.return_until) <= now()) return null;
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.deal.return")),
    h("p", { class: "note" }, t("page.deal.return_until"), " ", instant(deal.return_until)),
    h("p", { class: "note" }, instrument(deal.instrument_id)?.return_policy),
    actForm(
      page,
      "return",
      [
        { name: "lots", label: t("word.lots"), type: "lots", value: "1" },
        {
          name: "reason",
          label: t("page.deal.reason"),
          type: "select",
          options: ["wet", "damaged", "wrong_goods", "below_standard", "unwanted"].map((one) => [
            one,
            t(`page.return.${one}`),
          ]),
        },
        { name: "evidence", label: t("page.deal.evidence"), type: "long", rows: 3 },
        {
          name: "disposition",
          label: t("page.deal.disposition"),
          type: "select",
          options: ["restock", "downgrade", "scrap", "replace"].map((one) => [
            one,
            t(`page.disposition.${one}`),
          ]),
        },
      ],
      true,
    ),
  );
}

export function cancelForm(page) {
  const { deal } = page;
  if (!["formed", "funded"].includes(deal.state) || !may("deals.cancel")) return null;
  const isAsked = deal.cancel_wanted_by === deal.counterparty_id;
  if (deal.cancel_wanted_by && !isAsked) return withdrawForm(page);
  return h(
    "p",
    { class: "foot" },
    actButton({
      label: t(isAsked ? "page.deal.cancel_agree" : "page.deal.cancel"),
      className: "danger",
      confirm: () => ({
        title: t("page.deal.cancel_ask"),
        note: t("page.deal.cancel_note"),
        act: t(isAsked ? "page.deal.cancel_agree" : "page.deal.cancel"),
        isDanger: true,
      }),
      send: (key) => send("POST", `${page.path}/cancel`, undefined, key),
      done: () => page.done("page.deal.cancel_told"),
    }),
  );
}

function withdrawForm(page) {
  const { deal } = page;
  return h(
    "div",
    { class: "banner" },
    h("p", {}, t("page.deal.cancel_proposed"), " ", t("page.deal.cancel_until"), " ", instant(deal.cancel_until)),
    actButton({
      label: t("page.deal.cancel_withdraw"),
      confirm: () => ({ title: t("page.deal.cancel_withdraw_ask"), act: t("page.deal.cancel_withdraw") }),
      send: (key) => send("POST", `${page.path}/cancel/withdraw`, undefined, key),
      done: () => page.done("page.deal.cancel_withdrawn"),
    }),
  );
}

function actForm(page, act, fields, isDanger = false) {
  return form({
    fields,
    act: t(`page.deal.${act}`),
    confirm: (values) => ({
      title: t(`page.deal.${act}_ask`),
      lines: fields
        .filter(({ name }) => values[name] !== undefined)
        .map(({ name, label, type, options }) => {
          const chosen = options?.find(([value]) => value === values[name])?.[1];
          return [
            label,
            chosen ?? (type === "lots" && name === "lots" ? page.lots(values[name]) : String(values[name])),
          ];
        }),
      act: t(`page.deal.${act}`),
      isDanger,
    }),
    send: (values, key) => send("POST", `${page.path}/${act}`, values, key),
    done: () => page.done(`page.deal.${act}_done`),
  });
}
