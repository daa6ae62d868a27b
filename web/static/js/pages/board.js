/** The market board: the last settled price of each cell, and what is open just now. */

import { get } from "../core/api.js";
import { cellName, instrument, instrumentName, regionName } from "../core/catalogue.js";
import { age, countdown, month, now } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { gathered, live } from "../core/live.js";
import { amount, change, direction, lots, priceUnit } from "../core/numbers.js";
import { chip, columns, empty, head, panel, sparkline, table } from "../core/parts.js";
import { isMember, may } from "../core/viewer.js";
import { firm, t, worded } from "../core/words.js";
import { showSteps } from "./board_steps.js";

const OLD_AFTER = 7 * 86_400_000;

export async function show(main) {
  const board = h("section", { class: "panel plain live", "aria-label": t("page.board.title") });
  const tasks = h("div", { class: "stack" });
  const steps = h("div", { class: "stack" });
  const open = h("aside", { class: "stack" });
  fill(
    main,
    head(t("page.board.heading"), { note: t("page.board.note") }),
    columns(h("div", { class: "stack" }, steps, tasks, board), open, null, t("page.board.open_now"), {
      isBroad: true,
    }),
  );
  const seen = new Map();
  const refresh = gathered(() => showOpen(open).catch(() => {}));
  await Promise.all([
    live({
      topic: "prices:*",
      path: "/prices",
      refetch: true,
      show: ({ cells }) => fill(board, priceTable(cells, seen)),
    }),
    showOpen(open),
    isMember && may("deals.read") && showTasks(tasks),
    isMember && showSteps(steps),
  ]);
  setInterval(refresh, 20_000);
  document.addEventListener("noticed", () => {
    refresh();
    if (may("deals.read")) showTasks(tasks);
  });
}

function priceTable(cells, seen) {
  if (cells.length === 0) {
    return h("div", { class: "panel" }, empty(t("page.board.empty")));
  }
  const isFirst = seen.size === 0;
  const rowClass = ({ cell, price }) => {
    const isFresh = !isFirst && price && seen.get(cell) !== price.number;
    seen.set(cell, price?.number ?? 0);
    return [isFresh && "fresh", price && now() - Date.parse(price.at) > OLD_AFTER && "old"]
      .filter(Boolean)
      .join(" ");
  };
  const published = (row) => row.price !== null;
  const rows = [...cells.filter(published), ...cells.filter((row) => !published(row))];
  return table({ rows, rowClass, across: suppressed, columns: priceColumns() });
}

function priceColumns() {
  return [
    {
      label: t("word.cell"),
      cell: (row) =>
        h(
          "a",
          { class: "cell", href: `/prices/${row.cell}` },
          `${regionName(row.region)} · ${month(row.tenor)}`,
          h("span", { class: "note" }, instrumentName(row.instrument)),
        ),
    },
    { label: t("page.board.price"), isNumber: true, className: "nowrap", cell: priceOf },
    {
      label: t("page.board.change"),
      isNumber: true,
      cell: ({ price }) => price.change && h("span", { class: direction(price.change) }, change(price.change)),
    },
    { label: t("page.board.age"), cell: ({ price }) => age(price.at) },
    { label: t("page.board.number"), isNumber: true, cell: ({ price }) => String(price.number) },
    { label: t("page.board.volume"), isNumber: true, cell: ({ price }) => price.volume_band.replace("-", "–") },
    { label: t("page.board.recent"), cell: ({ recent }) => sparkline(recent) },
  ];
}

function suppressed({ price, suppressed_by: rule }) {
  if (price) return null;
  return h("span", { class: "note" }, t("page.board.not_yet"), " ", worded("rule", `price.${rule}`));
}

function priceOf({ price, instrument: id }) {
  return [
    h("span", { class: "price" }, amount(price.value)),
    " ",
    h("span", { class: "unit" }, priceUnit(price.currency, instrument(id)?.lot_text)),
  ];
}

async function showOpen(open) {
  const [gathering, firming, auctions, strips] = await Promise.all([
    get("/pools?phase=gathering"),
    get("/pools?phase=firming"),
    get("/auctions?state=open"),
    get("/strips"),
  ]);
  const items = [
    ...[...firming.pools, ...gathering.pools].map((pool) => ({
      kind: t("page.pools.one"),
      href: `/pools/${pool.pool_id}`,
      name: cellName(pool.cell),
      state: pool.phase,
      closesAt: pool.closes_at,
    })),
    ...auctions.auctions.map((auction) => ({
      kind: t(`page.auctions.${auction.side}`),
      href: `/auctions/${auction.auction_id}`,
      name: auction.title || cellName(auction.cell),
      more: lots(auction.lots),
      state: auction.state,
      closesAt: auction.closes_at,
    })),
    ...strips.strips
      .filter(({ phase }) => phase === "gathering")
      .map((strip) => ({
        kind: t("page.strips.one"),
        href: `/strips/${strip.strip_id}`,
        name: strip.title,
        state: strip.phase,
        closesAt: strip.closes_at,
      })),
  ].sort((one, other) => one.closesAt.localeCompare(other.closesAt));
  fill(
    open,
    panel(
      t("page.board.open_now"),
      items.length === 0
        ? empty(t("page.board.nothing_open"))
        : h("ul", { class: "list" }, items.slice(0, 12).map(openItem)),
    ),
  );
}

function openItem({ kind, href, name, more, state, closesAt }) {
  return h(
    "li",
    {},
    h("div", { class: "row" }, h("a", { href }, name), chip(state)),
    h(
      "div",
      { class: "row note" },
      h("span", {}, [kind, more].filter(Boolean).join(" · ")),
      countdown(closesAt),
    ),
  );
}

async function showTasks(tasks) {
  const { deals } = await get("/deals?limit=200");
  const waiting = deals.flatMap((deal) =>
    deal.tasks.filter(({ is_mine: isMine }) => isMine).map((task) => ({ deal, task })),
  );
  if (waiting.length === 0) {
    fill(tasks);
    return;
  }
  fill(
    tasks,
    h(
      "section",
      { class: "panel call" },
      h("h2", {}, t("page.board.tasks", { count: waiting.length })),
      h(
        "ul",
        { class: "list" },
        waiting
          .slice(0, 6)
          .map(({ deal, task }) =>
            h(
              "li",
              { class: "row" },
              h(
                "a",
                { href: `/deals/${deal.deal_id}` },
                `${t(`page.task.${task.act}`)} · ${cellName(deal.cell)} · ${lots(deal.lots)} · ${firm(deal, "counterparty")}`,
              ),
              task.due_at && h("span", { class: "note" }, countdown(task.due_at)),
            ),
          ),
      ),
      waiting.length > 6 && h("p", {}, h("a", { href: "/deals" }, t("page.board.all_tasks"))),
    ),
  );
}
