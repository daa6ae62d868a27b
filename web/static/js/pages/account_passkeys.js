/** One's own passkeys: which devices sign one in, and adding this one. */

import { send } from "../core/api.js";
import { instant } from "../core/clock.js";
import { h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { empty, panel, table } from "../core/parts.js";
import { isAvailable, made } from "../core/passkeys.js";
import { t } from "../core/words.js";

export function passkeysOf(passkeys, refresh) {
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.account.passkeys")),
    passkeys.length === 0 ? empty(t("page.account.no_passkey")) : listed(passkeys, refresh),
  );
}

function listed(passkeys, refresh) {
  return table({
    rows: passkeys,
    columns: [
      { label: t("page.account.passkey_name"), cell: (row) => row.name },
      { label: t("page.account.passkey_since"), cell: (row) => instant(row.created_at) },
      {
        label: t("page.account.passkey_used"),
        cell: (row) => (row.used_at ? instant(row.used_at) : t("page.account.passkey_unused")),
      },
      {
        label: "",
        cell: (row) =>
          actButton({
            label: t("page.account.passkey_remove"),
            className: "danger",
            confirm: () => ({
              title: t("page.account.passkey_gone", { name: row.name }),
              note: t("page.account.passkey_gone_note"),
              act: t("page.account.passkey_remove"),
              isDanger: true,
            }),
            send: (key) => send("DELETE", `/passkeys/${row.passkey_id}`, undefined, key),
            done: refresh,
          }),
      },
    ],
  });
}

export function passkeyForm(refresh) {
  const note = (key) => h("p", { class: "note" }, t(key));
  const title = t("page.account.passkey_add");
  if (!isAvailable) return panel(title, note("page.account.passkeys_nowhere"));
  const asked = form({
    fields: [
      { name: "name", label: t("page.account.passkey_name") },
      { name: "password", label: t("page.login.password"), type: "password", autocomplete: "current-password" },
      {
        name: "code",
        label: t("page.login.code"),
        hint: t("page.login.code_hint"),
        autocomplete: "one-time-code",
        isOptional: true,
      },
    ],
    act: title,
    send: async ({ name, ...proof }, key) => {
      const fresh = await made(await send("POST", "/passkeys/challenge", proof));
      return send("POST", "/passkeys", { name, ...fresh }, key);
    },
    done: refresh,
  });
  return panel(title, note("page.account.passkeys_note"), asked);
}
