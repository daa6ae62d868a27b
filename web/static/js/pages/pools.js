/** Group buys: those that gather, and those that are over. */

import { get } from "../core/api.js";
import { cellName } from "../core/catalogue.js";
import { countdown, instant } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { amount, lots, priceUnit } from "../core/numbers.js";
import { chip, empty, head, panel, table } from "../core/parts.js";
import { openPoolForm } from "../core/pools.js";
import { may } from "../core/viewer.js";
import { t } from "../core/words.js";

export async function show(main) {
  const body = h("div", { class: "stack live" });
  fill(
    main,
    head(t("page.pools.title"), {
      note: t("page.pools.note"),
      aside: may("supply.offer") && h("a", { class: "button", href: "/offers" }, t("page.pools.make_offer")),
    }),
    h("div", { class: "stack" }, body, may("pools.open") && openPoolForm()),
  );
  const refresh = async () => showAll(body, (await get("/pools?limit=100")).pools);
  await refresh();
  setInterval(() => refresh().catch(() => {}), 10_000);
}

function showAll(body, pools) {
  const isOpen = ({ phase }) => phase === "gathering" || phase === "firming";
  const [open, over] = [pools.filter(isOpen), pools.filter((pool) => !isOpen(pool))];
  fill(
    body,
    open.length > 0 ? h("div", { class: "cards" }, open.map(card)) : panel(null, empty(t("page.pools.empty"))),
    over.length > 0 &&
      h(
        "section",
        { class: "panel plain" },
        h("h2", {}, t("page.pools.over")),
        table({
          rows: over,
          columns: [
            {
              label: t("word.cell"),
              cell: (pool) => h("a", { href: `/pools/${pool.pool_id}` }, cellName(pool.cell)),
            },
            { label: t("word.state"), cell: (pool) => chip(pool.phase) },
            { label: t("word.closed_at"), cell: (pool) => instant(pool.closes_at) },
            { label: t("page.pool.my_result"), isNumber: true, cell: myResult },
          ],
        }),
      ),
  );
}

function card(pool) {
  const best = pool.breaks.at(-1);
  return h(
    "a",
    { class: "panel card", href: `/pools/${pool.pool_id}` },
    h("div", { class: "row" }, h("h2", {}, cellName(pool.cell)), chip(pool.phase)),
    best
      ? h(
          "p",
          {},
          t("page.pools.down_to"),
          " ",
          h("span", { class: "price" }, amount(best.price)),
          " ",
          h(
            "span",
            { class: "unit" },
            `${priceUnit(pool.currency)} · ${t("page.pools.from", { lots: lots(best.from_lots) })}`,
          ),
        )
      : h("p", { class: "soft" }, t("page.pool.no_offers")),
    pool.progress &&
      h("progress", {
        max: 100,
        value: pool.progress.percent,
        "aria-label": t("page.pool.progress", {
          percent: pool.progress.percent,
          lots: lots(pool.progress.from_lots),
        }),
      }),
    h(
      "div",
      { class: "row note" },
      h(
        "span",
        {},
        pool.you ? t("page.pools.you_pledged", { lots: lots(pool.you.lots) }) : t("page.pools.not_in"),
      ),
      countdown(pool.closes_at),
    ),
  );
}

function myResult({ you }) {
  if (you?.award) return `${lots(you.award.lots)} · ${amount(you.award.landed)}`;
  if (you?.left_out) return t("page.pool.left_out");
  return you?.group ? t("page.pool.in_group") : "";
}
