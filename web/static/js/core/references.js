/** What a hold or transfer is for: its reference, as a page of ours. */

import { t } from "./words.js";

const KINDS = {
  auction: ["/auctions/", "page.auctions.one"],
  deal: ["/deals/", "page.deals.one"],
  pool: ["/pools/", "page.pools.one"],
  strip: ["/strips/", "page.strips.one"],
};

/** Return where a reference leads and what it names, or null where it is no page. */
export function referencePath(reference) {
  const [kind, id] = reference.includes(":")
    ? reference.split(":")
    : [reference.startsWith("deal_") ? "deal" : "", reference];
  if (!KINDS[kind] || !id) return null;
  const [path, name] = KINDS[kind];
  return { href: path + id, name: t(name) };
}
