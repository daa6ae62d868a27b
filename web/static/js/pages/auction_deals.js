/** From an auction that is over to the deals that one has of it. */

import { get } from "../core/api.js";
import { month } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { lots } from "../core/numbers.js";
import { firm, t } from "../core/words.js";

const AGAIN = 3000;
const TRIES = 5;

/** Return links to one's own deals of an auction, as soon as they are there. */
export function ownDeals(auction) {
  const links = h("p", { class: "links" }, h("a", { class: "button", href: "/deals" }, t("page.deals.title")));
  find(auction, links, TRIES).catch(() => {});
  return links;
}

async function find(auction, links, tries) {
  const { deals } = await get("/deals?limit=200");
  const own = deals.filter(({ source_id: id }) => id === auction.auction_id || auction.reference.includes(id));
  if (own.length > 0) fill(links, own.map(link));
  else if (tries > 1) setTimeout(() => find(auction, links, tries - 1).catch(() => {}), AGAIN);
}

function link(deal) {
  return h(
    "a",
    { class: "button", href: `/deals/${deal.deal_id}` },
    `${t("page.deals.one")} · ${month(deal.tenor)} · ${lots(deal.lots)} · ${firm(deal, "counterparty")}`,
  );
}
