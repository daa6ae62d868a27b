/** The forms of a request: writing it, changing it, letting it come again, sending it. */

import { send } from "../core/api.js";
import { cellFields, cellName } from "../core/catalogue.js";
import { month, monthsAhead } from "../core/clock.js";
import { h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount, lots, priceUnit } from "../core/numbers.js";
import { t } from "../core/words.js";

const MONTHS = 18;
const PAYMENTS = ["prepay", "on_delivery", "credit"];

export function newForm(page) {
  const [instrument, region, tenor] = cellFields(t);
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.requests.make")),
    form({
      isWide: true,
      fields: [
        instrument,
        region,
        { ...tenor, name: "first_tenor", label: t("page.requests.first_month") },
        lastMonth(""),
        { name: "lots", label: t("page.pool.lots"), type: "lots" },
        ...termFields({}),
        {
          name: "is_template",
          label: t("page.requests.is_template"),
          type: "check",
          hint: t("page.requests.template_hint"),
        },
      ],
      act: t("page.requests.make"),
      send: (values, key) => send("POST", "/requests", written(values), key),
      done: async (answer) => {
        say(t(answer.state === "template" ? "page.requests.kept" : "page.requests.drafted"));
        await page.refresh();
      },
    }),
  );
}

export function changeForm(page, request) {
  const { request_id: id } = request;
  return h(
    "details",
    {},
    h("summary", {}, t("page.requests.change")),
    form({
      isWide: true,
      fields: [
        { name: "first_tenor", label: t("page.requests.first_month"), type: "select", ...months(request.first_tenor) },
        lastMonth(request.last_tenor),
        { name: "lots", label: t("page.pool.lots"), type: "lots", value: String(request.lots) },
        ...termFields(request),
      ],
      act: t("page.requests.change"),
      send: (values, key) => send("PATCH", `/requests/${id}`, written(values), key),
      done: async () => {
        say(t("page.requests.changed"));
        await page.refresh();
      },
    }),
  );
}

/** Return how often a template comes again, or how to stop it. */
export function repeatForm(page, { request_id: id, repeat }) {
  const done = (word) => async () => {
    say(t(word));
    await page.refresh();
  };
  if (repeat) {
    return h(
      "p",
      { class: "foot" },
      actButton({
        label: t("page.requests.stop"),
        className: "quiet",
        send: (key) => send("DELETE", `/requests/${id}/repeat`, undefined, key),
        done: done("page.requests.stopped"),
      }),
    );
  }
  return h(
    "details",
    {},
    h("summary", {}, t("page.requests.repeat")),
    form({
      isWide: true,
      fields: [
        { name: "next_tenor", label: t("page.requests.next_month"), type: "select", ...months(monthsAhead(3)[2]) },
        { name: "every_months", label: t("page.requests.every_months"), type: "lots", value: "1" },
        {
          name: "lead_days",
          label: t("page.requests.lead_days"),
          type: "lots",
          value: "30",
          hint: t("page.requests.lead_hint"),
        },
        optionalMonth("until_tenor", t("page.requests.until_month"), "", t("page.requests.open_end")),
      ],
      act: t("page.requests.repeat"),
      send: (values, key) => send("PUT", `/requests/${id}/repeat`, filled(values), key),
      done: done("page.requests.repeats"),
    }),
  );
}

/** Return the open pools that a draft may go to; with none it says what to do next. */
export function sendForm(page, request, pools) {
  const free = pools.filter((pool) => !pool.you);
  if (free.length === 0) {
    return h(
      "p",
      { class: "note" },
      t(pools.length > 0 ? "page.requests.all_joined" : "page.requests.no_pool"),
      " ",
      h("a", { href: "/pools" }, t("page.pools.title")),
    );
  }
  if (!request.limit) return h("p", { class: "note" }, t("page.requests.limit_first"));
  const canProlong = free.some((pool) => pool.prolong_minutes > 0);
  return form({
    isWide: true,
    fields: [
      {
        name: "pool_id",
        label: t("page.requests.to"),
        type: "select",
        options: free.map((pool) => [pool.pool_id, `${cellName(pool.cell)} · ${t(`state.${pool.phase}`)}`]),
      },
      ...(canProlong ? [{ name: "agrees_to_prolong", label: t("page.requests.prolong"), type: "check" }] : []),
    ],
    act: t("page.requests.send"),
    confirm: ({ pool_id: id }) => ({
      title: t("page.pool.join_ask"),
      lines: [
        [t("word.cell"), cellName(free.find((pool) => pool.pool_id === id).cell)],
        [t("word.lots"), lots(request.lots)],
        [t("page.pool.limit"), `${amount(request.limit)} ${priceUnit()}`],
      ],
      note: t("page.pool.binding"),
      act: t("page.requests.send"),
    }),
    send: (values, key) => send("POST", `/requests/${request.request_id}/send`, values, key),
    done: (answer) => location.assign(`/pools/${answer.pool_id}`),
  });
}

function termFields({ tolerance = 0, limit, freight = "0.00", place = "", payment, credit_days: days }) {
  return [
    {
      name: "limit",
      label: t("page.pool.limit"),
      type: "amount",
      value: limit ?? "",
      isOptional: true,
      hint: `${t("page.pool.limit_hint")} ${priceUnit()}`,
    },
    { name: "freight", label: t("page.pool.freight"), type: "amount", value: freight },
    {
      name: "tolerance",
      label: t("word.tolerance"),
      type: "lots",
      value: String(tolerance),
      hint: t("page.pool.tolerance_hint"),
    },
    { name: "place", label: t("page.requests.place"), value: place, isOptional: true },
    {
      name: "payment",
      label: t("page.requests.payment"),
      type: "select",
      options: PAYMENTS.map((way) => [way, t(`page.payment.${way}`, { days: "N" })]),
      value: payment,
    },
    {
      name: "credit_days",
      label: t("page.requests.credit_days"),
      type: "lots",
      value: days ? String(days) : "",
      isOptional: true,
      hint: t("page.requests.credit_hint"),
    },
  ];
}

function months(value) {
  const listed = monthsAhead(MONTHS);
  const all = !value || listed.includes(value) ? listed : [value, ...listed];
  return { options: all.map((tenor) => [tenor, month(tenor)]), value };
}

function lastMonth(value) {
  return optionalMonth("last_tenor", t("page.requests.last_month"), value, t("page.requests.same_month"));
}

function optionalMonth(name, label, value, none) {
  const { options } = months(value);
  const chosen = [["", none], ...options];
  return { name, label, type: "select", options: chosen, value, isOptional: true };
}

/** Leave out what was not chosen. */
function filled(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
}

/** Return a request as it is sent: one month where no last one is chosen, credit only with days. */
function written({ last_tenor: last, credit_days: days, place = "", ...values }) {
  const isCredit = values.payment === "credit";
  return { ...values, last_tenor: last || values.first_tenor, place, credit_days: isCredit ? (days ?? 0) : 0 };
}
