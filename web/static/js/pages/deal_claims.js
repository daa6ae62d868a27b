/** Claims of a deal for lots that did not come as promised. */

import { send } from "../core/api.js";
import { countdown } from "../core/clock.js";
import { h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount } from "../core/numbers.js";
import { facts, panel } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { t } from "../core/words.js";

/** The claims of a deal; the seller answers those that wait for him. */
export function claims(page) {
  const { deal } = page;
  if (deal.claims.length === 0) return null;
  const mayAnswer = deal.side === "seller" && may("deals.answer_claim");
  return panel(
    t("page.deal.claims"),
    h("p", { class: "note" }, t("page.deal.claims_note")),
    h(
      "ul",
      { class: "list" },
      deal.claims.map((claim) =>
        h(
          "li",
          { class: "form" },
          facts([
            [t("page.deal.claim_cause"), t(`page.claim.${claim.cause}`)],
            [t("word.lots"), page.lots(claim.lots)],
            [t("page.deal.claim_state"), t(`page.claim_state.${claim.state}`)],
            [t("page.deal.claim_deposit"), amount(claim.deposit)],
            claim.state === "forfeited" && [t("page.deal.claim_paid"), amount(claim.compensation)],
            claim.reason && [t("page.deal.reason"), claim.reason],
            claim.due_at && [t("page.deal.due"), countdown(claim.due_at)],
          ]),
          mayAnswer && claim.due_at && answers(page, claim),
        ),
      ),
    ),
  );
}

function answers(page, claim) {
  const path = `${page.path}/claims/${claim.claim_id}`;
  return [
    h(
      "p",
      { class: "foot" },
      actButton({
        label: t("page.deal.concede"),
        className: "danger",
        confirm: () => ({
          title: t("page.deal.concede_ask"),
          lines: [
            [t("word.lots"), page.lots(claim.lots)],
            [t("page.deal.claim_deposit"), amount(claim.deposit)],
          ],
          note: t("page.deal.concede_note"),
          act: t("page.deal.concede"),
          isDanger: true,
        }),
        send: (key) => send("POST", `${path}/concede`, undefined, key),
        done: () => page.done("page.deal.conceded"),
      }),
    ),
    claim.state === "open" &&
      form({
        fields: [{ name: "reason", label: t("page.deal.contest_reason"), type: "long", rows: 3 }],
        act: t("page.deal.contest"),
        confirm: () => ({ title: t("page.deal.contest_ask"), act: t("page.deal.contest") }),
        send: (values, key) => send("POST", `${path}/contest`, values, key),
        done: () => page.done("page.deal.contested"),
      }),
  ];
}
