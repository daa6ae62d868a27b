/** One's own account: the firms one is in, password, second factor, passkeys, tokens for programs. */

import { get, send } from "../core/api.js";
import { instant } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { columns, empty, facts, head, panel, table } from "../core/parts.js";
import { may, organisationId } from "../core/viewer.js";
import { firm, t, worded } from "../core/words.js";
import { choices } from "./account_choices.js";
import { company } from "./account_company.js";
import { passkeyForm, passkeysOf } from "./account_passkeys.js";
import { webhooks } from "./account_webhooks.js";

export async function show(main) {
  const lead = h("div", { class: "stack" });
  const aside = h("aside", { class: "stack" });
  const way = may("standing.read") && h("a", { class: "button", href: "/standing" }, t("page.standing.title"));
  fill(main, head(t("page.account.title"), { aside: way }), columns(lead, aside, null, t("page.account.security")));
  const [addresses, { mail, reads, kinds }, own] = await Promise.all([
    may("notices.direct") ? webhooks() : null,
    choices(),
    company(),
  ]);
  const refresh = async () => {
    const [{ memberships }, { tokens }, factor, { passkeys }] = await Promise.all([
      get("/memberships"),
      get("/tokens"),
      get("/second-factor"),
      get("/passkeys"),
    ]);
    fill(lead, own, firmsOf(memberships), passkeysOf(passkeys, refresh), kinds, tokensOf(tokens, refresh), addresses);
    fill(aside, passwordForm(), factorOf(factor, refresh), passkeyForm(refresh), mail, reads);
  };
  await refresh();
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function firmsOf(memberships) {
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.account.firms")),
    table({
      rows: memberships,
      columns: [
        {
          label: t("page.account.firm"),
          cell: (row) => firm(row),
        },
        {
          label: t("page.people.roles"),
          cell: (row) => row.roles.map((role) => worded("page.role", role)).join(t("word.comma")),
        },
        {
          label: "",
          cell: (row) =>
            row.organisation_id === organisationId
              ? t("page.account.here")
              : actButton({
                  label: t("page.account.switch"),
                  send: (key) =>
                    send("POST", "/sessions/switch", { organisation: row.organisation_id }, key),
                  done: () => location.assign("/"),
                }),
        },
      ],
    }),
  );
}

function tokensOf(tokens, refresh) {
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.account.tokens")),
    tokens.length === 0
      ? empty(t("page.account.no_token"))
      : table({
          rows: tokens,
          columns: [
            { label: t("page.account.program"), cell: (row) => row.label },
            { label: t("page.account.scopes"), cell: (row) => row.scopes.join(", ") },
            { label: t("page.approvals.until"), cell: (row) => instant(row.expires_at) },
            {
              label: "",
              cell: (row) =>
                actButton({
                  label: t("page.mandates.revoke"),
                  className: "danger",
                  send: (key) => send("DELETE", `/tokens/${row.token_id}`, undefined, key),
                  done: refresh,
                }),
            },
          ],
        }),
  );
}

function passwordForm() {
  return panel(
    t("page.account.password"),
    form({
      fields: [
        { name: "old", label: t("page.account.old"), type: "password", autocomplete: "current-password" },
        { name: "new", label: t("page.account.new"), type: "password", autocomplete: "new-password", hint: t("page.desk.password_hint") },
      ],
      act: t("page.account.change"),
      send: (values, key) => send("POST", "/password", values, key),
      done: () => say(t("page.account.changed")),
    }),
  );
}

function factorOf({ is_on: isOn, recovery_codes_left: left }, refresh) {
  const body = h("div", { class: "stack" });
  const begin = actButton({
    label: t("page.account.begin"),
    send: (key) => send("POST", "/second-factor", {}, key),
    done: ({ secret, address }) =>
      fill(
        body,
        facts([
          [t("page.account.secret"), h("strong", { class: "mono" }, secret)],
          [t("page.account.open"), h("a", { href: address }, t("page.account.authenticator"))],
        ]),
        form({
          fields: [{ name: "code", label: t("page.login.code"), autocomplete: "one-time-code" }],
          act: t("page.account.confirm"),
          send: (values, key) => send("POST", "/second-factor/confirm", values, key),
          done: showCodes,
        }),
      ),
  });
  const showCodes = ({ recovery_codes: codes }) =>
    fill(
      body,
      h("p", { class: "note" }, t("page.account.codes_note")),
      h("ul", { class: "list mono" }, codes.map((code) => h("li", {}, code))),
      h("button", { type: "button", onclick: refresh }, t("page.account.codes_kept")),
    );
  const renew = form({
    fields: [{ name: "code", label: t("page.login.code"), autocomplete: "one-time-code" }],
    act: t("page.account.codes_renew"),
    send: (values, key) => send("POST", "/second-factor/recovery-codes", values, key),
    done: showCodes,
  });
  const end = form({
    fields: [
      { name: "password", label: t("page.login.password"), type: "password", autocomplete: "current-password" },
      { name: "code", label: t("page.login.code"), autocomplete: "one-time-code" },
    ],
    act: t("page.account.end"),
    send: (values, key) => send("POST", "/second-factor/end", values, key),
    done: refresh,
  });
  const state = t(isOn ? "page.account.is_on" : "page.account.is_off", { count: left });
  fill(body, h("p", { class: "note" }, state), isOn ? [renew, end] : begin);
  return h("section", { class: "panel", id: "factor" }, h("h2", {}, t("page.account.factor")), body);
}
