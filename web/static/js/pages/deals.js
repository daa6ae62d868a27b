/** The deals of my firm: first those that wait for me. */

import { get } from "../core/api.js";
import { cellName, regionName } from "../core/catalogue.js";
import { countdown, instant } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { gathered } from "../core/live.js";
import { amount, lots, whole } from "../core/numbers.js";
import { chip, empty, head, panel, table } from "../core/parts.js";
import { firm, t } from "../core/words.js";

const ENDED = ["settled", "returned", "lapsed", "defaulted", "cancelled"];

export async function show(main) {
  const body = h("div", { class: "stack live" });
  fill(main, head(t("page.deals.title"), { note: t("page.deals.note") }), body);
  const refresh = async () => {
    const [{ deals }, { lanes }] = await Promise.all([get("/deals?limit=200"), get("/lanes")]);
    showAll(body, deals);
    if (lanes.length > 0) body.append(serviceLevels(lanes));
  };
  await refresh();
  document.addEventListener(
    "noticed",
    gathered(() => refresh().catch(() => {})),
  );
  setInterval(() => refresh().catch(() => {}), 30_000);
}

function showAll(body, deals) {
  if (deals.length === 0) {
    fill(
      body,
      panel(
        null,
        empty(
          t("page.deals.empty"),
          " ",
          h("a", { href: "/pools" }, t("page.pools.title")),
          " · ",
          h("a", { href: "/auctions" }, t("page.auctions.title")),
        ),
      ),
    );
    return;
  }
  const isMine = (deal) => deal.tasks.some((task) => task.is_mine);
  const isOver = (deal) => ENDED.includes(deal.state);
  fill(
    body,
    listed(t("page.deals.mine"), deals.filter(isMine), { className: "call" }),
    listed(
      t("page.deals.others"),
      deals.filter((deal) => !isMine(deal) && !isOver(deal)),
    ),
    listed(
      t("page.deals.over"),
      deals.filter((deal) => !isMine(deal) && isOver(deal)),
      { isOver: true },
    ),
  );
}

/** How the firm's own shipments kept the times of their lanes. */
function serviceLevels(lanes) {
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.lane.title")),
    h("p", { class: "note" }, t("page.lane.note")),
    table({
      rows: lanes,
      columns: [
        { label: t("page.lane.lane"), cell: (one) => `${regionName(one.from_region)} → ${regionName(one.to_region)}` },
        { label: t("page.lane.hours"), isNumber: true, cell: (one) => whole(one.transit_hours) },
        { label: t("page.lane.in_time"), isNumber: true, cell: (one) => `${one.in_time} / ${one.arrived}` },
        { label: t("page.lane.on_the_way"), isNumber: true, cell: (one) => whole(one.on_the_way) },
        { label: t("page.lane.at_risk"), isNumber: true, cell: (one) => whole(one.at_risk) },
      ],
    }),
  );
}

function listed(title, deals, { className = "", isOver = false } = {}) {
  if (deals.length === 0) return null;
  return h(
    "section",
    { class: `panel plain ${className}` },
    h("h2", {}, `${title} (${deals.length})`),
    table({
      rows: deals,
      columns: [
        {
          label: t("page.deals.one"),
          cell: (deal) => [
            h("a", { href: `/deals/${deal.deal_id}` }, cellName(deal.cell)),
            h("div", { class: "note" }, `${t(`page.deals.${deal.side}`)} · ${firm(deal, "counterparty")}`),
          ],
        },
        { label: t("word.lots"), isNumber: true, cell: (deal) => lots(deal.lots) },
        { label: t("word.goods_price"), isNumber: true, cell: (deal) => amount(deal.goods) },
        { label: t("word.total"), isNumber: true, cell: (deal) => amount(deal.total) },
        {
          label: t("word.state"),
          cell: (deal) => [
            chip(deal.state),
            " ",
            deal.note && h("span", { class: "note" }, t(`page.deal.note.${deal.note}`)),
          ],
        },
        isOver
          ? { label: t("page.deal.settled_at"), cell: (deal) => deal.settled_at && instant(deal.settled_at) }
          : { label: t("page.deals.next"), cell: nextOf },
      ],
    }),
  );
}

function nextOf({ state, tasks, due_at: dueAt }) {
  const [task] = tasks;
  if (task) {
    const whom = t(`page.deals.waits_for_${task.is_mine ? "you" : task.side}`);
    return waitsFor(t(`page.task.${task.act}`), whom, task.due_at);
  }
  return state === "disputed" && waitsFor(t("page.deals.decision"), t("page.deals.waits_for_operator"), dueAt);
}

function waitsFor(what, whom, dueAt) {
  return [what, h("div", { class: "note" }, whom, dueAt && [" · ", countdown(dueAt)])];
}
