/** Joining a firm by a link: the token stands after the hash, where no server sees it. */

import { send } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { isMember } from "../core/viewer.js";
import { language, t } from "../core/words.js";

export function show(main) {
  const token = location.hash.slice(1);
  fill(
    main,
    h(
      "section",
      { class: "panel sign-in" },
      h("h1", {}, t("page.join.title")),
      h("p", { class: "note" }, t(isMember ? "page.join.as_member" : "page.join.note")),
      isMember ? asMember(token) : asNew(token),
    ),
  );
}

function asMember(token) {
  return actButton({
    label: t("page.join.join"),
    send: (key) => send("POST", "/joinings", { token }, key),
    done: () => location.assign("/account"),
  });
}

function asNew(token) {
  return form({
    fields: [
      { name: "name", label: t("page.join.name"), autocomplete: "name" },
      { name: "login", label: t("page.login.login"), autocomplete: "username" },
      { name: "password", label: t("page.login.password"), type: "password", autocomplete: "new-password" },
    ],
    act: t("page.join.join"),
    send: (values, key) => send("POST", "/joinings", { ...values, token, language }, key),
    done: async (_, { login, password }) => {
      await send("POST", "/sessions", { login, password });
      location.assign("/");
    },
  });
}
