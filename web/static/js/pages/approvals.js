/** What waits for a yes, made for a phone: the terms, the sum, and two buttons. */

import { get, send } from "../core/api.js";
import { cellName } from "../core/catalogue.js";
import { countdown, instant, month } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton } from "../core/forms.js";
import { gathered } from "../core/live.js";
import { amount, decimal, lots } from "../core/numbers.js";
import { chip, empty, facts, head, panel } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { t, worded } from "../core/words.js";
import { showAway } from "./approvals_away.js";
import { itemName } from "./auction_packages.js";
import { reason } from "./reasons.js";

const PLACES = {
  "auctions.bid": "/auctions/",
  "forwards.offer": "/strips/",
  "forwards.order": "/strips/",
  "pools.pledge": "/pools/",
};

/** What an act is more closely, by a term that only acts of that kind have. */
const KINDS = {
  "auctions.bid": ["closes_at", "demand", "items", "limit"],
  "forwards.offer": ["only_round", "number"],
  "forwards.order": ["order", "change", "terms_sha256"],
  "pools.pledge": ["freed", "pledge_id", "request_id"],
};

export async function show(main) {
  const body = h("div", { class: "stack live" });
  const standing = h("div", { class: "stack" });
  const away = h("div", { class: "stack" });
  const toMandates = h("a", { class: "button", href: "/mandates" }, t("page.mandates.title"));
  fill(
    main,
    head(t("page.approvals.title"), { aside: toMandates }),
    h("div", { class: "stack" }, standing, body, away),
  );
  const refresh = async () => {
    const [{ approvals }, me] = await Promise.all([get("/approvals"), get("/me")]);
    showAll(body, approvals, me, refresh);
  };
  const [refreshAway] = await Promise.all([showAway(standing, away), refresh()]);
  document.addEventListener(
    "noticed",
    gathered(() => Promise.all([refresh(), refreshAway()]).catch(() => {})),
  );
}

function showAll(body, approvals, me, refresh) {
  const waiting = approvals.filter(({ state }) => state === "waiting");
  const ended = approvals.filter(({ state }) => state !== "waiting").slice(0, 50);
  fill(
    body,
    waiting.length === 0
      ? panel(null, empty(t("page.approvals.empty")))
      : waiting.map((one) => card(one, me, refresh)),
    ended.length > 0 &&
      panel(
        t("page.approvals.ended"),
        h(
          "ul",
          { class: "list" },
          ended.map((one) =>
            h("li", { class: "row" }, h("div", {}, said(one), " ", chip(one.state), why(one)), day(one)),
          ),
        ),
      ),
  );
}

function card(one, me, refresh) {
  const own = one.asked_by === me.person;
  return h(
    "section",
    { class: "panel approval" },
    h("h2", {}, actOf(one)),
    facts([
      [t("page.approvals.by"), one.asked_by_name],
      [t("page.approvals.sum"), h("strong", { class: "price" }, sumOf(one))],
      ...termLines(one.terms),
      PLACES[one.act] && one.subject !== "market" && [
        t("page.approvals.for"),
        h("a", { href: placeOf(one) }, t("page.approvals.look")),
      ],
      one.note && [t("page.approvals.note"), one.note],
      [t("page.approvals.chain"), one.chain.map(link).join(" → ")],
      [t("page.approvals.until"), [instant(one.ends_at), " (", countdown(one.ends_at), ")"]],
    ]),
    own ? withdrawal(one, refresh) : may("approvals.decide") && decision(one, refresh),
  );
}

/** Return the page of what is acted on; slots and proposals have none but their contracts'. */
function placeOf({ act, subject }) {
  return /^(slt|prp)_/.test(subject) ? "/contracts" : PLACES[act] + subject;
}

function decision(one, refresh) {
  const lines = [
    [t("page.approvals.by"), one.asked_by_name],
    [t("page.approvals.sum"), sumOf(one)],
  ];
  return h(
    "div",
    { class: "foot" },
    actButton({
      label: t("page.approvals.approve"),
      className: "main large",
      confirm: () => ({ title: t("page.approvals.approve_ask"), lines, act: t("page.approvals.approve") }),
      send: (key) =>
        send("POST", `/approvals/${one.approval_id}/approve`, { fingerprint: one.fingerprint }, key),
      done: async () => {
        const found = await get(`/approvals/${one.approval_id}`);
        say(said(one), " ", chip(found.state));
        await refresh();
      },
    }),
    actButton({
      label: t("page.approvals.reject"),
      className: "danger large",
      confirm: () => ({
        title: t("page.approvals.reject_ask"),
        lines,
        act: t("page.approvals.reject"),
        isDanger: true,
      }),
      send: (key) => send("POST", `/approvals/${one.approval_id}/reject`, { reason: "" }, key),
      done: refresh,
    }),
  );
}

function withdrawal(one, refresh) {
  return h(
    "div",
    { class: "foot" },
    actButton({
      label: t("page.approvals.withdraw"),
      className: "quiet",
      send: (key) => send("POST", `/approvals/${one.approval_id}/withdraw`, {}, key),
      done: refresh,
    }),
  );
}

/** Return the figures of the terms that a decider weighs, whichever act they are of. */
function termLines({ change, ...own }) {
  const terms = { ...own, ...change };
  if (terms.closes_at) return purchaseLines(terms);
  const byMonth = terms.demand ?? (typeof terms.lots === "object" ? terms.lots : null) ?? {};
  const count = Number.isInteger(terms.lots) ? terms.lots : (terms.capacity_lots ?? terms.capacity);
  return [
    terms.cell && [t("word.cell"), nameOf(terms.cell)],
    change && [t("page.contract.kind"), worded("page.change", change.kind)],
    count && [t("word.lots"), lots(count)],
    terms.cell && [t("page.offers.breaks"), breaksOf(terms.breaks)],
    ...Object.entries(terms.steps ?? {}).map(([tenor, steps]) => [month(tenor), breaksOf(steps)]),
    terms.price && [t("page.approvals.price"), amount(terms.price)],
    terms.limit && [t("page.approvals.limit"), amount(terms.limit)],
    terms.tenor && [t("word.tenor"), month(terms.tenor)],
    terms.items && [t("page.auction.package"), terms.items.map(itemName).join(" + ")],
    ...Object.entries(byMonth).map(([item, count]) => [itemName(item), lots(count)]),
    terms.xor && [t("page.auction.group"), terms.xor],
    ...Object.entries(terms.attributes ?? {}).map(([name, value]) => [name, String(value)]),
  ].filter(Boolean);
}

/** Return the figures of a purchase that is to be opened. */
function purchaseLines({ cell, format, lots: count, start, reserve, items, closes_at: closesAt }) {
  return [
    [t("word.cell"), nameOf(cell)],
    [t("page.auction.format"), t(`page.format.${format}`)],
    [t("word.lots"), lots(count)],
    start && [t("page.auction.start_price"), amount(start)],
    reserve && [t("page.auction.reserve"), amount(reserve)],
    ...items.map((one) => [month(one.tenor), `${lots(one.lots)} × ${amount(one.start)}`]),
    [t("page.auctions.closes_at"), instant(closesAt)],
  ].filter(Boolean);
}

function nameOf({ instrument_id: instrument, region, tenor }) {
  return cellName([instrument, region, tenor].join("/"));
}

/** Return pairs of lots and whole minor units in words. */
function breaksOf(pairs) {
  return pairs
    .map(([from, price]) => t("page.offers.break", { lots: lots(from), price: amount(decimal(BigInt(price))) }))
    .join(t("word.comma"));
}

function actOf({ act, terms }) {
  const kind = KINDS[act]?.find((term) => term in terms);
  return [worded("page.act", act), kind && worded("page.approvals.kind", kind)].filter(Boolean).join(" · ");
}

function said(one) {
  return `${actOf(one)} · ${one.asked_by_name} · ${sumOf(one)}`;
}

function sumOf({ amount: sum, currency }) {
  return `${amount(sum)} ${currency === "CNY" ? t("word.cny") : currency}`;
}

function why({ outcome, state }) {
  return state === "failed" && outcome ? h("p", { class: "note" }, reason(outcome.code)) : null;
}

function day(one) {
  return h("span", { class: "note" }, instant(one.asked_at));
}

/** Return one link of a chain in words: a role, or a person of the firm. */
function link(one) {
  const [kind, name] = one.split(":");
  return kind === "role" ? worded("page.role", name) : t("page.approvals.person");
}
