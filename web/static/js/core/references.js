/** What a hold or transfer is for: its reference, as a page of ours. */

import { t } from "./words.js";

const KINDS = {
  auction: ["/auctions/", "page.auctions.one"],
  deal: ["/deals/", "page.deals.one"],
  mandate: ["/mandates", "page.mandates.title", "list"],
  offer: ["/offers", "page.offers.title", "list"],
  payment: ["/money", "page.money.pay_out", "list"],
  proposal: ["/contracts", "page.contracts.one", "list"],
  slot: ["/contracts", "page.contracts.one", "list"],
  pool: ["/pools/", "page.pools.one"],
  strip: ["/strips/", "page.strips.one"],
  ticket: ["/deals", "page.deal.tickets", "list"],
};

const BARE = { deal: "deal", slt: "slot" };

/** Return where a reference leads and what it names, or null where it is no page. */
export function referencePath(reference) {
  const [kind, id] = reference.includes(":")
    ? reference.split(":")
    : [BARE[reference.split("_")[0]] ?? "", reference];
  if (!KINDS[kind] || !id) return null;
  const [path, name, isList] = KINDS[kind];
  return { href: isList ? path : path + id, name: t(name) };
}
