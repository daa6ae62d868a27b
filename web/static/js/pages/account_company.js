/** The firm as the market knows it; its owner declares its tax number here, once. */

import { get, send } from "../core/api.js";
import { regionName } from "../core/catalogue.js";
import { fill, h, say } from "../core/dom.js";
import { form } from "../core/forms.js";
import { facts } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { firm, t, worded } from "../core/words.js";

/** Return the panel of one's own firm. */
export async function company() {
  const body = h("div", { class: "stack" });
  const refresh = async () => {
    const own = await get("/company");
    const number = own.uscc ?? own.vat;
    fill(
      body,
      facts([
        [t("page.account.firm"), firm(own)],
        [t("page.desk.kind"), worded("page.kind", own.kind)],
        [t("page.company.region"), regionName(own.region)],
        [t("page.company.group"), own.owner_group],
        [t("page.company.number"), number ? h("span", { class: "mono" }, number) : t("page.company.none")],
        [t("page.company.reference"), h("span", { class: "mono" }, own.deposit_reference)],
        [t("page.company.payers"), own.payers.map(({ payer }) => payer).join(", ") || t("page.company.no_payer")],
      ]),
      !number && may("parties.declare") && declaration(refresh),
    );
  };
  await refresh();
  return h("section", { class: "panel", id: "company" }, h("h2", {}, t("page.company.title")), body);
}

function declaration(refresh) {
  return form({
    fields: [
      { name: "uscc", label: t("page.desk.uscc"), isOptional: true },
      { name: "vat", label: t("page.desk.vat"), isOptional: true },
    ],
    act: t("page.company.declare"),
    send: (values, key) => send("POST", "/company/identity", values, key),
    done: async () => {
      say(t("page.company.declared"));
      await refresh();
    },
  });
}
