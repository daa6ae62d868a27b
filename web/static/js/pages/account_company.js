/** The firm as the market knows it; its owner declares its tax number here, and asks to correct it. */

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
        [t("page.company.payers"), own.payers.map(({ payer }) => payer).join(t("word.comma")) || t("page.company.no_payer")],
      ]),
      own.correction && h("p", { class: "banner" }, t("page.company.correction_waits", { number: own.correction })),
      may("parties.declare") && (number ? correction(refresh) : declaration(refresh)),
    );
  };
  await refresh();
  return h("section", { class: "panel", id: "company" }, h("h2", {}, t("page.company.title")), body);
}

function declaration(refresh) {
  return numberForm({ act: t("page.company.declare"), path: "/company/identity", said: t("page.company.declared"), refresh });
}

function correction(refresh) {
  return h(
    "details",
    {},
    h("summary", {}, t("page.company.correct")),
    h("p", { class: "note" }, t("page.company.correct_note")),
    numberForm({
      act: t("page.company.correct"),
      path: "/company/identity/correction",
      said: t("page.company.correction_asked"),
      refresh,
    }),
  );
}

function numberForm({ act, path, said, refresh }) {
  return form({
    fields: [
      { name: "uscc", label: t("page.desk.uscc"), isOptional: true },
      { name: "vat", label: t("page.desk.vat"), isOptional: true },
    ],
    act,
    send: (values, key) => send("POST", path, values, key),
    done: async () => {
      say(said);
      await refresh();
    },
  });
}
