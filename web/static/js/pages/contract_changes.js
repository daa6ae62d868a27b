/** Changes of forward contracts: what they would do, and saying yes or no to them. */

import { send } from "../core/api.js";
import { instant, month } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount, decimal, lots, minor } from "../core/numbers.js";
import { chip, facts } from "../core/parts.js";
import { firm, t, worded } from "../core/words.js";

/** Return a plan: slots before and after, to the fen, and what one's own deposits change by. */
export function planOf(plan, lot) {
  const line = (when) => (row) => [
    t(when),
    h(
      "span",
      {},
      `${month(row.tenor)} · ${lots(row.lots, lot)} × ${amount(row.price)}`,
      minor(row.freight) > 0n && ` + ${amount(row.freight)}`,
      h("br"),
      h("strong", {}, amount(row.total)),
    ),
  ];
  return h(
    "div",
    { class: "form" },
    facts([...plan.before.map(line("page.contract.before")), ...plan.after.map(line("page.contract.after"))]),
    h("p", { class: "note" }, t("page.contract.plan_note"), " ", depositWords(plan.deposit)),
  );
}

function depositWords({ refunded, taken }) {
  const more = minor(taken) - minor(refunded);
  if (more === 0n) return t("page.contract.deposit_same");
  const word = more > 0n ? "page.contract.deposit_more" : "page.contract.deposit_less";
  return t(word, { amount: amount(decimal(more > 0n ? more : -more)), refunded: amount(refunded), taken: amount(taken) });
}

/**
 * Return a proposal with what one may do about it. `mySlots` are those that a swap can take;
 * `done(key)` shows what came of an act.
 */
export function proposalCard(proposal, { lot, mySlots = [], done }) {
  const path = `/proposals/${proposal.proposal_id}`;
  const isOpen = proposal.state === "open";
  const asked = proposal.asked
    .map(({ has_consented: yes, ...one }) => `${firm(one)} ${t(yes ? "page.contract.has_consented" : "page.contract.is_asked")}`)
    .join(" · ");
  const consent = isOpen && proposal.waits_for_me && answer(proposal, { path, lot, mySlots, done });
  return h(
    "li",
    { class: "form" },
    h(
      "div",
      { class: "row" },
      h("strong", {}, `${worded("page.change", proposal.kind)} · ${month(proposal.tenor)}`),
      chip(proposal.state),
    ),
    h("p", { class: "note" }, asked),
    isOpen && h("p", { class: "note" }, t("page.contract.stands_until"), " ", instant(proposal.expires_at)),
    proposal.kind === "swap" && consent ? null : planOf(proposal.plan, lot),
    consent,
    isOpen &&
      h(
        "p",
        { class: "foot" },
        actButton({
          label: t(proposal.is_mine ? "page.contract.withdraw" : "page.contract.refuse"),
          className: "danger",
          confirm: () => ({
            title: t(proposal.is_mine ? "page.contract.withdraw_ask" : "page.contract.refuse_ask"),
            act: t(proposal.is_mine ? "page.contract.withdraw" : "page.contract.refuse"),
            isDanger: true,
          }),
          send: (key) => send("DELETE", path, undefined, key),
          done: () => done("page.contract.ended"),
        }),
      ),
  );
}

/** Return the way to say yes: in a swap after choosing what one gives. */
function answer(proposal, { path, lot, mySlots, done }) {
  if (proposal.kind !== "swap") return consentButton(path, proposal.plan.terms_sha256, {}, done);
  const mine = mySlots.filter((slot) => slot.tenor === proposal.wanted_tenor && slot.state === "open");
  if (mine.length === 0) return h("p", { class: "note" }, t("page.contract.no_such_month"));
  const shown = h("div");
  return h(
    "div",
    { class: "form" },
    form({
      fields: [
        {
          name: "slot_id",
          label: t("page.contract.give"),
          type: "select",
          options: mine.map((slot) => [slot.slot_id, `${month(slot.tenor)} · ${lots(slot.left_lots, lot)}`]),
        },
      ],
      act: t("page.contract.preview"),
      send: (values) => send("POST", `${path}/preview`, values),
      done: (plan, values) => fill(shown, planOf(plan, lot), consentButton(path, plan.terms_sha256, values, done)),
    }),
    shown,
  );
}

function consentButton(path, hash, more, done) {
  return h(
    "p",
    { class: "foot" },
    actButton({
      label: t("page.contract.consent"),
      confirm: () => ({
        title: t("page.contract.consent_ask"),
        note: t("page.contract.consent_note"),
        act: t("page.contract.consent"),
      }),
      send: (key) => send("POST", `${path}/consent`, { terms_sha256: hash, ...more }, key),
      done: () => done("page.contract.consented"),
    }),
  );
}
