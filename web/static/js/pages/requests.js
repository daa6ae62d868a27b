/** What my firm needs: drafts, templates that come again, and what became of the rest. */

import { get, send } from "../core/api.js";
import { cellName, instrumentName, regionName } from "../core/catalogue.js";
import { month } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton } from "../core/forms.js";
import { amount, lots } from "../core/numbers.js";
import { chip, empty, head, panel, table, tiles } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { t } from "../core/words.js";
import { importPanel } from "./imports.js";
import { fits } from "./requests_fit.js";
import { changeForm, newForm, repeatForm, sendForm } from "./requests_forms.js";

/** What a request of a file means. */
function meaning() {
  return [
    { label: t("word.cell"), cell: nameOf },
    { label: t("word.lots"), isNumber: true, cell: (one) => lots(one.lots) },
    { label: t("word.tolerance"), isNumber: true, cell: (one) => lots(one.tolerance) },
    { label: t("page.pool.limit"), isNumber: true, cell: (one) => (one.limit ? amount(one.limit) : t("page.requests.no_limit")) },
    { label: t("word.freight"), isNumber: true, cell: (one) => amount(one.freight) },
    { label: t("page.requests.place"), cell: (one) => one.place },
    { label: t("page.requests.payment"), cell: paymentOf },
  ];
}

export async function show(main) {
  const body = h("div", { class: "stack" });
  const page = {
    pools: [],
    async refresh() {
      const [{ requests }, gathering, firming] = await Promise.all([
        get("/requests?limit=200"),
        get("/pools?phase=gathering&limit=200"),
        get("/pools?phase=firming&limit=200"),
      ]);
      page.pools = [...gathering.pools, ...firming.pools];
      showAll(page, body, requests);
    },
  };
  fill(
    main,
    head(t("page.requests.title"), { note: t("page.requests.note") }),
    h("div", { class: "stack" }, may("demand.request") && [newForm(page), importPanel({ kind: "requests", columns: meaning(), refresh: page.refresh })], body),
  );
  await page.refresh();
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function showAll(page, body, requests) {
  const of = (...states) => requests.filter(({ state }) => states.includes(state));
  const [drafts, templates, rest] = [of("draft"), of("template"), of("sent", "bought", "withdrawn")];
  fill(
    body,
    part(t("page.requests.drafts"), drafts, (one) => draft(page, one), t("page.requests.no_drafts")),
    part(t("page.requests.templates"), templates, (one) => template(page, one), t("page.requests.no_templates")),
    rest.length > 0 && past(page, rest),
  );
}

function part(title, requests, shown, nothing) {
  return h(
    "section",
    { class: "stack" },
    h("h2", {}, title),
    requests.length === 0 ? panel(null, empty(nothing)) : requests.map(shown),
  );
}

function draft(page, request) {
  const open = page.pools.filter((pool) => fits(request, pool));
  return card(request, [
    may("pools.pledge") && sendForm(page, request, open),
    may("demand.request") && [changeForm(page, request), acts(page, request)],
  ]);
}

function template(page, request) {
  return card(request, [
    repeatText(request),
    may("demand.request") && [repeatForm(page, request), changeForm(page, request), acts(page, request)],
  ]);
}

function card(request, children) {
  return h(
    "section",
    { class: "panel", id: request.request_id },
    h("div", { class: "row" }, h("h3", {}, nameOf(request)), chip(request.state)),
    tiles([
      [t("word.lots"), lots(request.lots)],
      request.tolerance > 0 && [t("word.tolerance"), lots(request.tolerance)],
      [t("page.pool.limit"), request.limit ? amount(request.limit) : t("page.requests.no_limit")],
      [t("word.freight"), amount(request.freight)],
      request.place && [t("page.requests.place"), request.place],
      [t("page.requests.payment"), paymentOf(request)],
    ]),
    ...children,
  );
}

function repeatText({ repeat }) {
  if (!repeat) return h("p", { class: "soft" }, t("page.requests.not_repeated"));
  const figures = { months: repeat.every_months, month: month(repeat.next_tenor), days: repeat.lead_days };
  const words = repeat.every_months === 1 ? "page.requests.repeated_monthly" : "page.requests.repeated";
  return h(
    "p",
    { class: "banner good" },
    t(words, figures),
    repeat.until_tenor && ` ${t("page.requests.repeated_until", { month: month(repeat.until_tenor) })}`,
  );
}

function acts(page, request) {
  return h("p", { class: "foot" }, copy(page, request), withdraw(page, request));
}

function copy(page, { request_id: id, state }) {
  return actButton({
    label: t(state === "template" ? "page.requests.use" : "page.requests.copy"),
    className: "quiet",
    send: (key) => send("POST", `/requests/${id}/copy`, {}, key),
    done: async () => {
      say(t("page.requests.copied"));
      await page.refresh();
    },
  });
}

function withdraw(page, request) {
  const { request_id: id, state } = request;
  return actButton({
    label: t("page.requests.withdraw"),
    className: "danger",
    confirm: () => ({
      title: t("page.requests.withdraw_ask"),
      lines: [
        [t("word.cell"), nameOf(request)],
        [t("word.lots"), lots(request.lots)],
      ],
      note: t(state === "sent" ? "page.requests.withdraw_sent" : "page.requests.withdraw_note"),
      act: t("page.requests.withdraw"),
      isDanger: true,
    }),
    send: (key) => send("DELETE", `/requests/${id}`, undefined, key),
    done: async () => {
      say(t("page.requests.withdrawn"));
      await page.refresh();
    },
  });
}

function past(page, requests) {
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.requests.past")),
    table({
      rows: requests,
      columns: [
        { label: t("word.cell"), cell: nameOf },
        { label: t("word.lots"), isNumber: true, cell: (request) => lots(request.lots) },
        { label: t("word.state"), cell: ({ state }) => chip(state) },
        {
          label: t("page.pools.one"),
          cell: ({ pool_id: id }) => id && h("a", { href: `/pools/${id}` }, t("page.requests.to_pool")),
        },
        {
          label: "",
          cell: (request) =>
            may("demand.request") && [copy(page, request), request.state === "sent" && withdraw(page, request)],
        },
      ],
    }),
  );
}

/** Return product, place and window of a request. */
export function nameOf({ instrument_id: id, region, first_tenor: first, last_tenor: last }) {
  if (first === last) return cellName(`${id}/${region}/${first}`);
  return `${instrumentName(id)} · ${regionName(region)} · ${month(first)} – ${month(last)}`;
}

function paymentOf({ payment, credit_days: days }) {
  return t(`page.payment.${payment}`, { days });
}
