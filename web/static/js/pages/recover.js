/** The way back in: asked for by log-in, or finished by the link that came by mail. */

import { send } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { form } from "../core/forms.js";
import { t } from "../core/words.js";

export function show(main) {
  const token = location.hash.slice(1);
  const body = h("section", { class: "panel sign-in" }, h("h1", {}, t("page.recover.title")));
  body.append(...(token ? finishing(body, token) : asking(body)));
  fill(main, body);
}

function asking(body) {
  return [
    h("p", { class: "note" }, t("page.recover.note")),
    form({
      fields: [{ name: "login", label: t("page.login.login"), autocomplete: "username" }],
      act: t("page.recover.ask"),
      send: (values) => send("POST", "/recoveries", values),
      done: () => over(body, t("page.recover.asked")),
    }),
  ];
}

function finishing(body, token) {
  return [
    h("p", { class: "note" }, t("page.recover.finish_note")),
    form({
      fields: [
        {
          name: "password",
          label: t("page.recover.password"),
          type: "password",
          autocomplete: "new-password",
          hint: t("page.desk.password_hint"),
        },
      ],
      act: t("page.recover.finish"),
      send: (values) => send("POST", "/recoveries/finish", { ...values, token }),
      done: () => over(body, t("page.recover.finished"), h("a", { class: "button", href: "/login" }, t("page.sign_in"))),
    }),
  ];
}

function over(body, ...told) {
  fill(body, h("h1", {}, t("page.recover.title")), h("p", { role: "status" }, told[0]), ...told.slice(1));
}
