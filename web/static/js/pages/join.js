/** Joining a firm by a link: the token stands after the hash, where no server sees it. */

import { send } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { isMember } from "../core/viewer.js";
import { firm, language, t, worded } from "../core/words.js";

export async function show(main) {
  const token = location.hash.slice(1);
  const asked = await invitation(token);
  if (!asked) {
    fill(main, h("section", { class: "panel sign-in" }, h("h1", {}, t("page.join.title")), h("p", {}, t("page.join.over"))));
    return;
  }
  const roles = asked.roles.map((role) => worded("page.role", role)).join(t("word.and"));
  fill(
    main,
    h(
      "section",
      { class: "panel sign-in" },
      h("h1", {}, t("page.join.title")),
      h("p", {}, t("page.join.who", { firm: firm(asked, "organisation"), roles })),
      h("p", { class: "note" }, t(isMember ? "page.join.as_member" : "page.join.note")),
      isMember ? asMember(token) : asNew(token),
    ),
  );
}

/** Return who invites, or null where the link is used, taken back, too old or cut short. */
async function invitation(token) {
  try {
    return await send("POST", "/joinings/preview", { token });
  } catch (error) {
    if (![404, 422].includes(error.status)) throw error;
    return null;
  }
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
      { name: "login", label: t("page.login.login"), autocomplete: "username", hint: t("page.join.login_hint") },
      { name: "password", label: t("page.login.password"), type: "password", autocomplete: "new-password", hint: t("page.desk.password_hint") },
    ],
    act: t("page.join.join"),
    send: (values, key) => send("POST", "/joinings", { ...values, token, language }, key),
    done: async (_, { login, password }) => {
      await send("POST", "/sessions", { login, password });
      location.assign("/");
    },
  });
}
