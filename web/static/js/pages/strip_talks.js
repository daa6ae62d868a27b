/** Rounds of a forward window: a clock's prices, or what is said in talks with one mill. */

import { send } from "../core/api.js";
import { countdown, month } from "../core/clock.js";
import { h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount } from "../core/numbers.js";
import { chip, panel, table, tiles } from "../core/parts.js";
import { countsField } from "../core/rows.js";
import { may } from "../core/viewer.js";
import { t } from "../core/words.js";
import { offerForm } from "./strip_forms.js";
import { breaksText, stepText, stepsText, storageText } from "./strip_words.js";

/** Return what was said so far, with a button for whoever may take it. */
export function talksPanels(page) {
  const { rounds, talks } = page.strip;
  if (rounds === "sealed" || !talks?.rounds) return [];
  return rounds === "clock" ? [clockPanel(page)] : [...asksPanels(page), counterPanel(page)];
}

/** Return the forms of those whose turn it can be. */
export function talkForms(page) {
  const { rounds, talks } = page.strip;
  if (rounds === "clock") return may("forwards.offer") ? [panel(t("page.strip.say_lots"), supplyForm(page))] : [];
  if (talks?.side === "seller" && may("forwards.offer")) {
    const answer = { act: t("page.strip.counter"), note: t("page.strip.counter_note") };
    return [panel(answer.act, offerForm(page, answer))];
  }
  return talks?.side === "bundle" ? [panel(t("page.strip.name_prices"), pricesForm(page))] : [];
}

function clockPanel(page) {
  const { strip } = page;
  const { rounds, own_lots: mine, direction, step } = strip.talks;
  const last = rounds.at(-1);
  if (!last) return null;
  const before = rounds.at(-2)?.prices ?? {};
  return panel(
    t("page.strip.clock_head"),
    tiles([
      [t("page.strip.rounds"), t("page.strip.round", { round: last.number })],
      strip.phase === "talking" && [t("page.strip.round_ends"), countdown(last.ends_at), "large"],
    ]),
    table({
      rows: strip.tenors,
      columns: [
        { label: t("word.tenor"), cell: month },
        { label: `${t("word.price")} ${page.unit()}`, isNumber: true, cell: (tenor) => priceCell(last, before, tenor) },
        may("forwards.offer") && {
          label: t("page.strip.own_lots"),
          isNumber: true,
          cell: (tenor) => (mine[tenor] ? page.lots(mine[tenor]) : "—"),
        },
      ].filter(Boolean),
    }),
    h("p", { class: "note" }, t(`page.strip.clock_${direction}`, { step: amount(step) })),
  );
}

function priceCell({ prices }, before, tenor) {
  const was = before[tenor];
  if (!was || was === prices[tenor]) return amount(prices[tenor]);
  return [h("s", { class: "soft" }, amount(was)), " ", h("strong", {}, amount(prices[tenor]))];
}

function counterPanel(page) {
  const { rounds } = page.strip.talks;
  if (!page.strip.talks.side) return null;
  return panel(
    t("page.strip.talks_head"),
    rounds.length === 0 && h("p", { class: "empty" }, t("page.strip.no_round")),
    h(
      "ul",
      { class: "list" },
      [...rounds].reverse().map((round) => said(page, round)),
    ),
  );
}

function said(page, round) {
  const { strip } = page;
  const isAddressed = round.state === "open" && may("forwards.accept") && strip.talks.side !== round.by;
  return h(
    "li",
    { class: "form" },
    h(
      "div",
      { class: "row" },
      h("strong", {}, `${t("page.strip.round", { round: round.number })} · ${t(`page.strip.by.${round.by}`)}`),
      chip(round.state),
    ),
    h("p", {}, stepsText(page, round)),
    round.breaks.length > 0 && h("p", { class: "note" }, breaksText(page, round)),
    round.storage.length > 0 && h("p", { class: "note" }, storageText(page, round)),
    round.state === "open" && h("p", { class: "note" }, t("page.strip.round_ends"), " ", countdown(round.ends_at)),
    isAddressed && strip.phase === "talking" && h("p", { class: "foot" }, acceptButton(page, round)),
  );
}

function acceptButton(page, round) {
  return actButton({
    label: t("page.strip.accept"),
    confirm: () => ({
      title: t("page.strip.accept_ask"),
      lines: Object.entries(round.steps).map(([tenor, listed]) => [
        month(tenor),
        listed.map((step) => stepText(page, step)).join(t("word.comma")),
      ]),
      note: t("page.strip.accept_note"),
      act: t("page.strip.accept"),
    }),
    send: (key) =>
      send("POST", `${page.path}/rounds/accept`, { round: round.number, terms_sha256: round.terms_sha256 }, key),
    done: () => page.done("page.strip.accepted"),
  });
}

/** What waits for the buyer's word: his orders that agreed terms would serve above their limit. */
function asksPanels(page) {
  const open = page.strip.talks.asks?.filter(({ state }) => state === "open") ?? [];
  if (open.length === 0 || page.strip.phase !== "asking" || !may("forwards.order")) return [];
  return open.map((ask) => {
    const order = page.strip.orders.find(({ order_id: id }) => id === ask.order_id);
    const path = `${page.path}/orders/${ask.order_id}`;
    return panel(
      t("page.strip.ask_head"),
      tiles([
        [t("page.strip.asked_limit"), amount(ask.limit), "large"],
        [t("page.strip.limit"), amount(order.limit)],
        [t("word.lots"), page.lots(order.lots)],
      ]),
      h("p", { class: "note" }, t("page.strip.ask_note")),
      h(
        "p",
        { class: "foot" },
        actButton({
          label: t("page.strip.approve"),
          confirm: () => ({
            title: t("page.strip.approve"),
            lines: [[t("page.strip.asked_limit"), `${amount(ask.limit)} ${page.unit()}`]],
            note: t("page.strip.approve_note"),
            act: t("page.strip.approve"),
          }),
          send: (key) => send("POST", `${path}/approve`, { terms_sha256: ask.terms_sha256 }, key),
          done: () => page.done("page.strip.accepted"),
        }),
        actButton({
          label: t("page.strip.decline"),
          className: "quiet",
          send: (key) => send("POST", `${path}/decline`, undefined, key),
          done: () => page.refresh(),
        }),
      ),
    );
  });
}

function monthsOf(page) {
  return page.strip.tenors.map((tenor) => [tenor, month(tenor)]);
}

function supplyForm(page) {
  return form({
    fields: [
      countsField({
        name: "lots",
        label: t("page.strip.own_lots"),
        options: monthsOf(page),
        hint: t("page.strip.say_note"),
      }),
    ],
    act: t("page.strip.say_lots"),
    send: (values, key) => send("POST", `${page.path}/supplies`, values, key),
    done: () => page.done("page.strip.said_lots"),
  });
}

function pricesForm(page) {
  return form({
    fields: [
      countsField({
        name: "prices",
        label: `${t("page.strip.months_price")} ${page.unit()}`,
        options: monthsOf(page),
        type: "amount",
      }),
    ],
    act: t("page.strip.name_prices"),
    send: (values, key) => send("POST", `${page.path}/rounds`, values, key),
    done: () => page.done("page.strip.named"),
  });
}
