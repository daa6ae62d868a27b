/** What one is told in which way: kinds of notices, the own mail address, language and zone. */

import { get, send } from "../core/api.js";
import { instant } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { panel, table } from "../core/parts.js";
import { t, worded } from "../core/words.js";

const LANGUAGES = [
  ["zh", "中文"],
  ["en", "English"],
];

/** Return the panels of mail, of language and zone, and the section of choices. */
export async function choices() {
  const mail = h("div", { class: "stack" });
  const reads = h("div", {});
  const kinds = h("section", { class: "panel", id: "notices" });
  const refresh = async () => {
    const found = await get("/notice-choices");
    fill(mail, ...mailOf(found, refresh));
    fill(reads, readsOf(found));
    fill(kinds, ...kindsOf(found, refresh));
  };
  await refresh();
  const own = h("section", { class: "panel", id: "mail" }, h("h2", {}, t("page.choices.mail")), mail);
  return { mail: own, reads, kinds };
}

function mailOf({ is_mail_on: isOn, address, mails }, refresh) {
  if (!isOn) return [h("p", { class: "note" }, t("page.choices.mail_off"))];
  const isWaited = address && !address.verified_at && !address.refused_at;
  return [
    h("p", { class: address?.refused_at ? "banner bad" : "note" }, stateOf(address)),
    isWaited && codeForm(refresh),
    !address?.verified_at && addressForm(refresh),
    address &&
      h(
        "div",
        { class: "row" },
        actButton({
          label: t("page.choices.remove"),
          className: "quiet",
          send: (key) => send("DELETE", "/mail-address", undefined, key),
          done: refresh,
        }),
      ),
    mails.length > 0 && sentLately(mails),
  ];
}

function stateOf(address) {
  if (!address) return t("page.choices.mail_none");
  const { mail } = address;
  if (address.refused_at) return t("page.choices.mail_refused", { mail });
  return t(address.verified_at ? "page.choices.mail_is" : "page.choices.mail_waits", { mail });
}

function addressForm(refresh) {
  return form({
    fields: [{ name: "mail", label: t("page.choices.address"), autocomplete: "email" }],
    act: t("page.choices.ask"),
    send: (values, key) => send("POST", "/mail-address", values, key),
    done: refresh,
  });
}

function codeForm(refresh) {
  return form({
    fields: [{ name: "code", label: t("page.choices.code"), autocomplete: "one-time-code" }],
    act: t("page.choices.confirm"),
    send: (values, key) => send("POST", "/mail-address/confirm", values, key),
    done: async ({ is_verified: isVerified }) => {
      say(t(isVerified ? "page.choices.verified" : "page.choices.code_wrong"));
      if (isVerified) await refresh();
    },
  });
}

function sentLately(mails) {
  return h(
    "details",
    {},
    h("summary", {}, t("page.choices.sent_lately")),
    table({
      rows: mails,
      columns: [
        {
          label: t("page.choices.what"),
          cell: (row) => (row.is_code ? t("page.choices.is_code") : t("page.choices.count", { count: row.notices })),
        },
        { label: t("page.webhooks.at"), cell: (row) => instant(row.made_at) },
        {
          label: t("page.webhooks.state"),
          cell: (row) => [
            worded("page.choices.state", row.state),
            row.state !== "sent" && row.outcome && ` · ${worded("page.choices.outcome", row.outcome)}`,
          ],
        },
      ],
    }),
  );
}

function readsOf({ language, zone }) {
  return panel(
    t("page.choices.reads"),
    h("p", { class: "note" }, t("page.choices.reads_note")),
    form({
      fields: [
        { name: "language", label: t("page.choices.language"), type: "select", options: LANGUAGES, value: language },
        { name: "zone", label: t("page.choices.zone"), type: "select", options: zones(zone), value: zone },
      ],
      act: t("page.choices.keep"),
      send: (values, key) => send("PATCH", "/me", values, key),
      done: () => say(t("page.choices.kept")),
    }),
  );
}

function zones(own) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = Intl.supportedValuesOf?.("timeZone") ?? [];
  return [...new Set([own, here, "Asia/Shanghai", "UTC", ...known])].map((name) => [name, name]);
}

function kindsOf({ kinds, is_mail_on: isOn }, refresh) {
  const groups = [...new Set(kinds.map(({ group }) => group))];
  return [
    h("h2", {}, t("page.choices.title")),
    h("p", { class: "note" }, t("page.choices.note")),
    groups.map((group) => groupOf(group, kinds.filter((kind) => kind.group === group), isOn, refresh)),
  ];
}

function groupOf(group, kinds, isOn, refresh) {
  return h(
    "details",
    {},
    h("summary", {}, worded("page.choices.group", group)),
    table({
      rows: kinds,
      columns: [
        { label: t("page.choices.kind"), cell: ({ kind }) => worded("notice_kind", kind) },
        {
          label: t("page.choices.on_page"),
          cell: (row) => (row.binds ? t("page.choices.always") : tick(row, "in_app", t("page.choices.on_page"), refresh)),
        },
        isOn && { label: t("page.choices.by_mail"), cell: (row) => tick(row, "by_mail", t("page.choices.by_mail"), refresh) },
      ].filter(Boolean),
    }),
  );
}

/** Return a tick that is kept as soon as it is set; one that was refused goes back. */
function tick(row, way, label, refresh) {
  const box = h("input", {
    type: "checkbox",
    checked: row[way],
    "aria-label": `${worded("notice_kind", row.kind)}: ${label}`,
    onchange: async () => {
      row[way] = box.checked;
      const { kind, in_app, by_mail } = row;
      try {
        await send("PATCH", "/notice-choices", { kinds: [{ kind, in_app, by_mail }] });
      } catch (error) {
        if (error.status === undefined) throw error;
        say(error.message);
        await refresh();
      }
    },
  });
  return box;
}
