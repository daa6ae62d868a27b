/** Signing in. */

import { send } from "../core/api.js";
import { h, fill } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { isAvailable, signed, signIn } from "../core/passkeys.js";
import { t } from "../core/words.js";

export function show(main) {
  const asked = form({
    fields: [
      { name: "login", label: t("page.login.login"), autocomplete: "username" },
      { name: "password", label: t("page.login.password"), type: "password", autocomplete: "current-password" },
      {
        name: "code",
        label: t("page.login.code"),
        hint: t("page.login.code_hint"),
        autocomplete: "one-time-code",
        isOptional: true,
      },
    ],
    act: t("page.sign_in"),
    send: open,
    done: goOn,
    extra: isAvailable && actButton({ label: t("page.login.passkey"), send: signIn, done: goOn, className: "" }),
  });
  fill(
    main,
    h(
      "section",
      { class: "panel sign-in" },
      h("h1", {}, t("page.sign_in")),
      h("p", { class: "note" }, t("page.login.note")),
      asked,
      h("p", {}, h("a", { href: "/recover" }, t("page.recover.lost"))),
    ),
  );
  asked.querySelector("input").focus();
}

/** Sign in by password; who has a passkey and gave no code is asked for the passkey. */
async function open(values) {
  try {
    return await send("POST", "/sessions", values);
  } catch (error) {
    if (error.code !== "code_needed" || !error.document.figures.has_passkey || !isAvailable) throw error;
    return send("POST", "/sessions", { ...values, passkey: await signed() });
  }
}

function goOn() {
  location.assign(next());
}

/** Return the page to go on to; never one of another site. */
export function next() {
  const asked = new URLSearchParams(location.search).get("next") ?? "/";
  const found = new URL(asked, location.origin);
  return found.origin === location.origin && asked.startsWith("/") ? found.pathname : "/";
}
