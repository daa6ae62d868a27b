/** The firm's own bank accounts: what state each is in, declaring one, agreeing to one, ending one. */

import { send } from "../core/api.js";
import { instant, now } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { chip, empty } from "../core/parts.js";
import { may } from "../core/viewer.js";
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
  const show = (accounts) =>
    fill(
      list,
      accounts.length === 0
        ? empty(t("page.own_accounts.none"))
        : h("ul", { class: "list" }, accounts.map((one) => accountOf(one, refresh))),
    );
  return { panel, show };
}

function accountOf(one, refresh) {
  return h(
    "li",
    { class: "stack" },
    h("div", {}, h("span", { class: "mono" }, one.number), " ", chip(one.state)),
    one.bank_code && h("p", { class: "note" }, t("page.own_accounts.bank", { code: one.bank_code })),
    h("p", { class: "note" }, whatNext(one)),
    may(ACT) && h("div", { class: "foot" }, one.state === "proposed" && confirming(one, refresh), ending(one, refresh)),
  );
}

function whatNext(one) {
  if (one.state === "proposed") return t("page.own_accounts.proposed", { person: one.declared_by });
  const waits = isCooling(one) && [t("page.own_accounts.cooling"), " ", instant(one.usable_at)];
  if (one.state === "verified") return waits || t("page.own_accounts.verified");
  return [t("page.own_accounts.unverified"), waits && " ", waits];
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

function ending(one, refresh) {
  return actButton({
    label: t("page.own_accounts.end"),
    className: "danger",
    confirm: () => ({
      title: t("page.own_accounts.end_ask"),
      lines: [[t("page.own_accounts.number"), one.number]],
      note: t("page.own_accounts.end_note"),
      act: t("page.own_accounts.end"),
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
