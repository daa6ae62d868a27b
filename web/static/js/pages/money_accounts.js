/** The firm's own bank accounts: what state each is in, declaring one, agreeing to one, ending one. */

import { send } from "../core/api.js";
import { instant, now } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { chip, empty } from "../core/parts.js";
import { may, personId } from "../core/viewer.js";
import { t } from "../core/words.js";

const ACT = "settlement.declare_account";

/** Return the numbers that money may be paid out to now. */
export function usable(accounts) {
  return accounts.filter((one) => one.state === "verified" && !isCooling(one)).map(({ number }) => number);
}

/** Return the panel of the firm's accounts, and the way to show it anew. */
export function ownAccounts(refresh) {
  const list = h("div", { class: "stack" });
  const panel = h(
    "section",
    { class: "panel", id: "accounts" },
    h("h2", {}, t("page.own_accounts.title")),
    h("p", { class: "note" }, t("page.own_accounts.note")),
    list,
    may(ACT) && declaration(refresh),
  );
  const show = ({ accounts, second_persons: others }) =>
    fill(
      list,
      accounts.length === 0
        ? empty(t("page.own_accounts.none"))
        : h("ul", { class: "list" }, accounts.map((one) => accountOf(one, others, refresh))),
      may(ACT) && accounts.length > 0 && others.length === 0 && alone(t("page.own_accounts.alone")),
    );
  return { panel, show };
}

function accountOf(one, others, refresh) {
  const isMine = one.waits_for.some(({ person_id: id }) => id === personId);
  return h(
    "li",
    { class: "stack" },
    h("div", {}, h("span", { class: "mono" }, one.number), " ", chip(one.state)),
    one.bank_code && h("p", { class: "note" }, t("page.own_accounts.bank", { code: one.bank_code })),
    h("p", { class: "note" }, whatNext(one)),
    may(ACT) && h("div", { class: "foot" }, isMine && confirming(one, refresh), ending(one, others, refresh)),
  );
}

function whatNext(one) {
  if (one.state === "proposed") return waiting(one);
  const waits = isCooling(one) && [t("page.own_accounts.cooling"), " ", instant(one.usable_at)];
  if (one.state === "verified") return waits || t("page.own_accounts.verified");
  return [t("page.own_accounts.unverified"), waits && " ", waits];
}

/** Return who must agree to a proposed account, or what to do where nobody of the firm can. */
function waiting({ declared_by: by, waits_for: others }) {
  const declared = t("page.own_accounts.proposed", { person: by });
  if (others.length === 0) return [declared, " ", alone(t("page.own_accounts.nobody"))];
  const names = others.map(({ person }) => person).join(t("word.comma"));
  return [declared, " ", t("page.own_accounts.waits_for", { names })];
}

/** Return a sentence for a firm that lacks a second person, with the way to invite one. */
function alone(text) {
  return h("span", { class: "note" }, text, " ", may("people.manage") && h("a", { href: "/people" }, t("page.people.title")));
}

function isCooling({ usable_at: from }) {
  return from === null || Date.parse(from) > now();
}

function confirming(one, refresh) {
  return actButton({
    label: t("page.own_accounts.confirm"),
    confirm: () => ({
      title: t("page.own_accounts.confirm_ask"),
      lines: [[t("page.own_accounts.number"), one.number]],
      note: t("page.own_accounts.confirm_note"),
      act: t("page.own_accounts.confirm"),
    }),
    send: (key) => send("POST", `/bank-accounts/${one.account_id}/confirm`, undefined, key),
    done: refresh,
  });
}

function ending(one, others, refresh) {
  const act = t(one.state === "proposed" ? "page.own_accounts.drop" : "page.own_accounts.end");
  // The account that is declared next is not the first one any more, once this one was verified.
  const isAlone = one.verified_at !== null && others.length === 0;
  return actButton({
    label: act,
    className: "danger",
    confirm: () => ({
      title: t(one.state === "proposed" ? "page.own_accounts.drop_ask" : "page.own_accounts.end_ask"),
      lines: [[t("page.own_accounts.number"), one.number]],
      note: one.state !== "proposed" && [t("page.own_accounts.end_note"), isAlone && t("page.own_accounts.end_alone")].filter(Boolean).join(" "),
      act,
      isDanger: true,
    }),
    send: (key) => send("POST", `/bank-accounts/${one.account_id}/end`, undefined, key),
    done: refresh,
  });
}

function declaration(refresh) {
  const made = form({
    fields: [
      { name: "number", label: t("page.own_accounts.number"), hint: t("page.own_accounts.number_hint") },
      {
        name: "bank_code",
        label: t("page.own_accounts.bank_code"),
        hint: t("page.own_accounts.bank_hint"),
        isOptional: true,
      },
    ],
    act: t("page.own_accounts.declare"),
    send: (values, key) => send("POST", "/bank-accounts", values, key),
    done: async () => {
      made.reset();
      say(t("page.own_accounts.declared"));
      await refresh();
    },
  });
  return made;
}
