/** Notices in words, and where each leads. */

import { cellName } from "./catalogue.js";
import { dayAndTime } from "./clock.js";
import { amount, lots } from "./numbers.js";
import { t, worded } from "./words.js";

const PATHS = { auction: "/auctions", contract: "/contracts", deal: "/deals", pool: "/pools", strip: "/strips" };
const INSTANT = /^\d{4}-\d{2}-\d{2}T/;
const QUANTITIES = ["lots", "ordered_lots", "fault_lots"];

export function noticeText({ kind, figures }) {
  return t(`notice.${kind}`, Object.fromEntries(Object.entries(figures).map(readable)));
}

/** Return the page of what a notice is about. */
export function noticePath({ subject }) {
  const [kind, id] = subject.split(":");
  if (["account", "contracts", "desk", "money", "people", "standing"].includes(kind)) return `/${kind}`;
  if (kind === "request") return `/requests#${id}`;
  if (kind === "approval") return "/approvals";
  return PATHS[kind] && id ? `${PATHS[kind]}/${id}` : "/notices";
}

function readable([name, value]) {
  if (QUANTITIES.includes(name)) return [name, lots(value)];
  if (name === "cell") return [name, cellName(value)];
  if (name === "desk") return [name, t(`page.ticket_desk.${value}`)];
  if (name === "matter") return [name, t(`page.matter.${value}`)];
  if (name === "change") return [name, worded("page.change", value)];
  if (name === "state") return [name, worded("state", value)];
  if (name === "tier") return [name, worded("tier", value)];
  if (name === "reason") return [name, worded("page.reason", value)];
  if (INSTANT.test(value)) return [name, dayAndTime(Date.parse(value))];
  return [name, /^-?\d+\.\d{2}$/.test(value) ? amount(value) : value];
}
