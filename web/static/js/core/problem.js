/** Refusals in words: which field, which rule, which figure. */

import { send } from "./api.js";
import { h, say } from "./dom.js";
import { t, worded } from "./words.js";

/** Refusals of the market that are about one field, where the document names none. */
const ABOUT = {
  above_ceiling: "/price",
  below_floor: "/price",
  code_needed: "/code",
  fewer_lots: "/lots",
  not_improving: "/price",
  not_positive: "/price",
  off_lots: "/lots",
  off_tick: "/price",
  pool_freight_only_falls: "/freight",
  pool_limit_only_rises: "/limit",
  pool_lots_only_rise: "/lots",
  size_locked: "/size",
  size_not_near_request: "/size",
  total_too_large: "/lots",
  wrong_code: "/code",
  wrong_password: "/password",
};

/** Return the faults of a refusal, each with a pointer and its words, which may tell it all. */
export function faults(error) {
  const { document, code } = error;
  if (code === "no_line") return [{ pointer: "", text: t("page.no_line") }];
  const found = document?.errors ?? (document?.rule ? [document] : []);
  if (found.length === 0) {
    return [{ pointer: ABOUT[code] ?? "", text: document?.detail ?? t("page.failed"), isWhole: true }];
  }
  return found.map(({ pointer, rule, figure, detail }) => ({
    pointer,
    text: saidOf(pointer, rule, detail) ?? inWords(rule, figure),
  }));
}

/** Return a rule that is a sentence in the reader's language: the detail tells it after its place. */
function saidOf(pointer, rule, detail) {
  if (!rule.includes(" ") || !detail?.startsWith(pointer)) return null;
  return detail.slice(pointer.length).replace(/^\s*[:：]\s*|[.。]$/g, "");
}

/** Return a paragraph that says why something was refused. */
export function refusal(error) {
  const lines = faults(error).map((fault) => h("span", {}, `${inFull(fault)} `));
  return h("p", { class: "problem", role: "alert" }, lines, wayOut(error));
}

/** Return a fault's words with its place, where they do not tell it all. */
export function inFull({ pointer, text, isWhole }) {
  return pointer && !isWhole ? `${pointer}: ${text}` : text;
}

/** Return a link to where the reader can mend what was refused. */
export function wayOut(error) {
  if (error.code === "insufficient_funds") return [" ", h("a", { href: "/money" }, t("page.money.title"))];
  if (error.code === "beyond_mandate" && error.sent.path) return [" ", approvalButton(error)];
  if (error.code === "not_signed_in") return [" ", h("a", { href: signInPath() }, t("page.sign_in"))];
  return null;
}

/** Return a button that asks for an approval of the very act that was refused. */
function approvalButton({ document: { figures }, sent: { path, body } }) {
  const ask = async ({ target }) => {
    target.disabled = true;
    try {
      await send("POST", "/approvals", { act: figures.act, ...asked(path.split("/").slice(1), body) });
      say(h("a", { href: "/approvals" }, t("page.approvals.asked")));
    } catch (refused) {
      target.disabled = false;
      say(refused.message);
    }
  };
  return h("button", { type: "button", onclick: ask }, t("page.approvals.ask"));
}

/** Return what an act is about and its terms, as an approval of it is asked for. */
function asked([kind, id, part, own, act], body) {
  if (kind === "requests") {
    const { pool_id: subject, ...terms } = body;
    return { subject, terms: { ...terms, request: id } };
  }
  if (part === "pledges" && own) return { subject: id, terms: act ? { freed: own } : { ...body, pledge: own } };
  if (part === "orders" && own) return { subject: id, terms: { ...body, order: own } };
  return { subject: id ?? "market", terms: body };
}

/** Return where to sign in and come back from. */
export function signInPath() {
  return `/login?next=${encodeURIComponent(location.pathname)}`;
}

function inWords(rule, figure) {
  return worded("rule", rule).replace("{figure}", figure ?? "");
}
