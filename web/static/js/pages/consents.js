/** What two persons of the operator agree to: ways back, tax numbers, desk persons, stray credits. */

import { send } from "../core/api.js";
import { countdown } from "../core/clock.js";
import { h } from "../core/dom.js";
import { actButton, secondPerson } from "../core/forms.js";
import { amount } from "../core/numbers.js";
import { facts, panel } from "../core/parts.js";
import { personId } from "../core/viewer.js";
import { firm, t, worded } from "../core/words.js";

export function consentsDesk(consents, refresh) {
  return panel(
    t("page.consent.title"),
    h("p", { class: "note" }, t("page.consent.note")),
    h("ul", { class: "list" }, consents.map((one) => h("li", { class: "form" }, ...consentOf(one, refresh)))),
  );
}

function consentOf(one, refresh) {
  const lines = [[t("page.desk.firm"), firm(one, "organisation")], ...figures(one)];
  const path = `/consents/${one.consent_id}`;
  const isMine = [one.asked_by, one.concerns, ...one.agreed_by].includes(personId);
  const title = t(`page.consent.${one.kind}`);
  return [
    h("h3", {}, title),
    facts([
      ...lines,
      [t("page.consent.given"), String(one.agreed_by.length)],
      [t("page.approvals.until"), countdown(one.expires_at)],
    ]),
    one.kind === "recovery" && h("p", { class: "note" }, t("page.consent.recovery_note")),
    secondPerson(isMine, {
      label: t("page.auction.approve"),
      confirm: () => ({ title, lines, act: t("page.auction.approve"), isDanger: true }),
      send: (key) => send("POST", `${path}/agree`, undefined, key),
      done: refresh,
    }),
    actButton({
      label: t("page.consent.refuse"),
      className: "quiet",
      confirm: () => ({ title: t("page.consent.refuse"), lines, act: t("page.consent.refuse") }),
      send: (key) => send("POST", `${path}/refuse`, undefined, key),
      done: refresh,
    }),
  ];
}

function figures({ kind, figures: told }) {
  if (kind === "tax_number") {
    return [
      [t("page.consent.before"), h("span", { class: "mono" }, told.before)],
      [t("page.consent.after"), h("span", { class: "mono" }, told.after)],
    ];
  }
  if (kind === "send_back") {
    return [
      [t("page.deal.amount"), `${amount(told.amount)} ${told.currency}`],
      [t("page.desk.payer"), told.payer || "—"],
      [t("page.desk.remittance"), told.remittance || "—"],
      [t("page.desk.send_back_account"), h("span", { class: "mono" }, told.payee_account)],
    ];
  }
  return [
    [t("page.people.person"), told.person],
    ...(told.login ? [[t("page.login.login"), told.login]] : []),
    ...(told.roles ?? []).map((role) => [t("page.people.roles"), worded("page.role", role)]),
  ];
}
