/** Group buys: those that gather, what I may want next, and those that are over. */

import { get } from "../core/api.js";
import { cellName } from "../core/catalogue.js";
import { countdown, instant } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { live } from "../core/live.js";
import { amount, lots, priceUnit } from "../core/numbers.js";
import { chip, empty, head, panel, table } from "../core/parts.js";
import { openPoolForm } from "../core/pools.js";
import { may } from "../core/viewer.js";
import { t, worded } from "../core/words.js";

export async function show(main) {
  const body = h("div", { class: "stack live" });
  const next = h("div", { class: "stack" });
  const opening = h("div", { class: "stack" });
  fill(
    main,
    head(t("page.pools.title"), {
      note: t("page.pools.note"),
      aside: [
        may("supply.offer") && h("a", { class: "button", href: "/offers" }, t("page.pools.make_offer")),
        may("demand.request") && h("a", { class: "button", href: "/requests" }, t("page.requests.title")),
      ],
    }),
    h("div", { class: "stack" }, next, body, opening),
  );
  showOpening(opening).catch(() => {});
  if (may("demand.read")) showNext(next).catch(() => {});
  await live({ path: "/pools?limit=100", show: ({ pools }) => showAll(body, pools) });
}

/** Let the market open a group buy, and a firm one of its own as its tier allows. */
async function showOpening(opening) {
  if (!may("pools.open")) return;
  if (!may("standing.read")) return fill(opening, openPoolForm());
  const [{ tier, rulebook }, { rulebooks }] = await Promise.all([get("/standing"), get("/standing/rulebooks")]);
  const book = rulebooks.find(({ version }) => version === rulebook);
  const first = book.tiers.find(({ own_pools: count }) => count > 0);
  const figures = { count: tier.own_pools, hours: book.own_pool_hours, days: book.own_pool_days };
  if (tier.own_pools > 0) {
    fill(opening, openPoolForm(t("page.pools.own_note", { ...figures, tier: worded("tier", tier.name) })));
  } else if (first) {
    fill(opening, h("p", { class: "note" }, t("page.pools.own_none", { tier: worded("tier", first.name) })));
  }
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

/** Show what the firm buys month by month, and the open pools for it. */
async function showNext(next) {
  const { suggestions } = await get("/suggestions");
  const open = suggestions.filter(({ pools }) => pools.some(({ is_joined: isIn }) => !isIn));
  if (open.length === 0) return;
  fill(next, panel(t("page.pools.next"), h("p", { class: "note" }, t("page.pools.next_note")), h("ul", { class: "list" }, open.map(suggestion))));
}

function suggestion({ instrument_id: id, region, lots: usual, freight, last, pools }) {
  const figures = { lots: lots(usual), landed: amount(last.landed) };
  return h(
    "li",
    {},
    h("p", {}, t("page.pools.usual", figures)),
    pools
      .filter(({ is_joined: isIn }) => !isIn)
      .map((pool) =>
        [
          h(
            "p",
            {},
            h(
              "a",
              { href: `/pools/${pool.pool_id}?lots=${usual}&limit=${pool.limit}&freight=${freight}` },
              cellName(`${id}/${region}/${pool.tenor}`),
            ),
            " ",
            chip(pool.phase),
            " ",
            countdown(pool.closes_at),
          ),
          h("p", { class: "note" }, proposal(pool)),
        ],
      ),
  );
}

/** Return in words which limit is proposed, and by which break it is met. */
function proposal({ limit, reaches, is_limit_raised: isRaised }) {
  if (!reaches) return t("page.pools.limit_blind", { limit: amount(limit) });
  const figures = { limit: amount(limit), from: lots(reaches.from_lots), landed: amount(reaches.landed) };
  return t(isRaised ? "page.pools.limit_raised" : "page.pools.limit_reaches", figures);
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
