/** Auctions of both sides. */

import { get } from "../core/api.js";
import { cellName } from "../core/catalogue.js";
import { countdown, instant } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { live } from "../core/live.js";
import { lots } from "../core/numbers.js";
import { chip, empty, head, table } from "../core/parts.js";
import { may, plays } from "../core/viewer.js";
import { firm, t } from "../core/words.js";
import { openForm } from "./auctions_open.js";

const LIVE = ["open", "paused", "scheduled"];
const AT_FIRST = 20;

/** In which directions the viewer may open one: a seller sells, a buyer buys. */
function sides() {
  if (!may("auctions.open")) return [];
  return [plays("seller") && "sell", plays("buyer") && "buy"].filter(Boolean);
}

export async function show(main) {
  const [now, past] = [h("div", { class: "live" }), h("div", { class: "stack live" })];
  const opens = sides();
  const { counterparties: partners } = opens.length > 0 ? await get("/counterparties") : { counterparties: [] };
  fill(
    main,
    head(t("page.auctions.title"), { note: t("page.auctions.note") }),
    h("div", { class: "stack" }, now, opens.length > 0 && openForm(opens, partners), past),
  );
  let most = AT_FIRST;
  let known = [];
  const more = h("button", { type: "button" });
  const draw = () => showAll({ now, past, most, more }, known);
  more.addEventListener("click", () => {
    most = Infinity;
    draw();
  });
  await live({
    path: "/auctions?limit=200",
    show: ({ auctions }) => {
      known = auctions;
      draw();
    },
  });
}

function showAll({ now, past, most, more }, auctions) {
  const open = auctions
    .filter(({ state }) => LIVE.includes(state))
    .sort((one, other) => one.closes_at.localeCompare(other.closes_at));
  const over = auctions.filter(({ state }) => !LIVE.includes(state));
  fill(now, listed(t("page.auctions.now"), open, t("page.auctions.empty"), t("page.auctions.closes"), countdown));
  more.textContent = t("page.auctions.more", { count: over.length - most });
  fill(
    past,
    over.length > 0 && listed(t("page.auctions.over"), over.slice(0, most), "", t("word.closed_at"), instant),
    over.length > most && h("p", {}, more),
  );
}

function listed(title, rows, none, closes, when) {
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, title),
    rows.length === 0
      ? h("div", { class: "panel" }, empty(none))
      : table({
          rows,
          columns: [
            {
              label: t("page.auctions.one"),
              cell: (row) => [
                h("a", { href: `/auctions/${row.auction_id}` }, row.title || cellName(row.cell)),
                row.title && h("div", { class: "note" }, cellName(row.cell)),
              ],
            },
            {
              label: t("page.auctions.side"),
              cell: (row) => [
                t(`page.auctions.${row.side}`),
                h("div", { class: "note" }, t(`page.format.${row.format}`)),
              ],
            },
            { label: t("word.lots"), isNumber: true, cell: (row) => lots(row.lots) },
            { label: t("page.auctions.owner"), cell: (row) => firm(row, "owner_name") || t("page.pools.one") },
            { label: t("word.state"), cell: (row) => chip(row.state) },
            { label: closes, isNumber: true, cell: (row) => when(row.closes_at) },
          ],
        }),
  );
}
