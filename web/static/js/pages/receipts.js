/** The receipts of what a firm has said in an auction; they outlive the page that got them. */

import { get } from "../core/api.js";
import { timeOfDay } from "../core/clock.js";
import { h } from "../core/dom.js";
import { amount } from "../core/numbers.js";
import { panel } from "../core/parts.js";
import { t } from "../core/words.js";
import { itemName } from "./auction_packages.js";

const SHOWN = 5;

/** Return the room's receipts with all that the market gave the firm before, the newest first. */
export async function restored(room) {
  const { receipts } = await get(`${room.path}/receipts`);
  const known = new Set(receipts.map(({ bid_id: id }) => id));
  return [...room.receipts.filter(({ bid_id: id }) => !known.has(id)), ...receipts];
}

export function receiptList(room) {
  const { receipts } = room;
  if (receipts.length === 0) return null;
  const listed = (some) => h("ol", { class: "list", "aria-live": "polite" }, some.map((one) => receipt(room, one)));
  return panel(
    t("page.auction.receipt"),
    listed(receipts.slice(0, SHOWN)),
    receipts.length > SHOWN &&
      h(
        "details",
        {},
        h("summary", {}, t("page.auction.receipts_before", { count: receipts.length - SHOWN })),
        listed(receipts.slice(SHOWN)),
      ),
  );
}

function receipt(room, one) {
  const said = one.price ? `${amount(one.price)} × ${room.lots(one.lots)}` : room.lots(one.lots);
  return h(
    "li",
    {},
    h(
      "div",
      { class: "row" },
      h("strong", {}, said),
      h("span", { class: "note" }, `#${one.seq} · ${timeOfDay(one.at)}`),
    ),
    one.items && h("p", {}, one.items.map(itemName).join(" + ")),
    h("p", { class: "note" }, t("page.auction.deposit_held", { amount: amount(one.deposit) })),
    one.bid_id && h("p", { class: "mono soft", title: t("page.auction.bid_id") }, one.bid_id),
    h("p", { class: "mono soft", title: t("page.auction.hash") }, one.hash.slice(0, 24), "…"),
  );
}
