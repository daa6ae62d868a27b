/** The people of the firm: who they are, what they may do, who joins and who leaves. */

import { get, send } from "../core/api.js";
import { age, instant } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { columns, empty, head, linkOf, panel, table } from "../core/parts.js";
import { choicesField } from "../core/rows.js";
import { may, personId } from "../core/viewer.js";
import { t, worded } from "../core/words.js";

const ROLES = ["buyer", "seller", "finance", "logistics", "approver", "owner", "viewer"];

export async function show(main) {
  const lead = h("div", { class: "live" });
  const aside = h("aside", { class: "stack" });
  const rest = h("div", { class: "stack" });
  const ways = h(
    "span",
    { class: "links" },
    h("a", { class: "button", href: "/record" }, t("page.record.title")),
    may("reports.read") && h("a", { class: "button", href: "/reports" }, t("page.reports.title")),
    h("a", { class: "button", href: "/standing" }, t("page.standing.title")),
    h("a", { class: "button", href: "/account" }, t("page.account.title")),
  );
  fill(main, head(t("page.people.title"), { aside: ways }), columns(lead, aside, rest, t("page.people.invite")));
  const refresh = async () => {
    const [{ people }, { recoveries }] = await Promise.all([get("/people"), get("/recoveries")]);
    fill(lead, recoveries.map((row) => wayBack(row, refresh)), peopleOf(people, refresh));
    if (!may("people.manage")) return;
    const { invitations } = await get("/invitations");
    fill(rest, invitationsOf(invitations, refresh));
  };
  await refresh();
  if (may("people.manage")) fill(aside, inviteForm(refresh));
}

function peopleOf(people, refresh) {
  return h(
    "section",
    { class: "panel plain" },
    table({
      rows: people,
      columns: [
        { label: t("page.people.person"), cell: (row) => row.person },
        {
          label: t("page.people.roles"),
          cell: (row) => row.roles.map((role) => worded("page.role", role)).join(t("word.comma")),
        },
        {
          label: t("page.people.seen"),
          cell: (row) => (row.last_seen_at ? age(row.last_seen_at) : t("page.people.never")),
        },
        { label: "", cell: (row) => may("people.manage") && [sendBack(row, refresh), " ", letGo(row, refresh)] },
      ],
    }),
  );
}

/** A way back that is under way: anyone of the firm may stop it until it was used. */
function wayBack(row, refresh) {
  return h(
    "div",
    { class: "banner" },
    h("p", {}, t(`page.people.back_${row.state}`, { person: row.person })),
    row.opens_at && h("p", { class: "note" }, t("page.people.back_opens"), " ", instant(row.opens_at)),
    h("p", { class: "note" }, t("page.people.back_note")),
    actButton({
      label: t("page.people.back_stop"),
      className: "danger",
      confirm: () => ({
        title: t("page.people.back_stop"),
        lines: [[t("page.people.person"), row.person]],
        act: t("page.people.back_stop"),
        isDanger: true,
      }),
      send: (key) => send("DELETE", `/recoveries/${row.recovery_id}`, undefined, key),
      done: refresh,
    }),
  );
}

function sendBack(row, refresh) {
  if (row.person_id === personId) return null;
  return actButton({
    label: t("page.people.send_back"),
    className: "quiet",
    confirm: () => ({
      title: t("page.people.send_back_ask"),
      lines: [[t("page.people.person"), row.person]],
      note: t("page.people.send_back_note"),
      act: t("page.people.send_back"),
    }),
    send: (key) => send("POST", `/people/${row.person_id}/recovery`, undefined, key),
    done: refresh,
  });
}

function letGo(row, refresh) {
  return actButton({
    label: t("page.people.let_go"),
    className: "danger",
    confirm: () => ({
      title: t("page.people.let_go_ask"),
      lines: [[t("page.people.person"), row.person]],
      note: t("page.people.let_go_note"),
      act: t("page.people.let_go"),
      isDanger: true,
    }),
    send: (key) => send("DELETE", `/people/${row.person_id}`, undefined, key),
    done: refresh,
  });
}

function invitationsOf(invitations, refresh) {
  if (invitations.length === 0) return panel(t("page.people.open"), empty(t("page.people.none_open")));
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.people.open")),
    table({
      rows: invitations,
      columns: [
        {
          label: t("page.people.roles"),
          cell: (row) => row.roles.map((role) => worded("page.role", role)).join(t("word.comma")),
        },
        { label: t("page.approvals.until"), cell: (row) => instant(row.expires_at) },
        {
          label: "",
          cell: (row) =>
            actButton({
              label: t("page.people.take_back"),
              className: "quiet",
              send: (key) => send("DELETE", `/invitations/${row.invitation_id}`, undefined, key),
              done: refresh,
            }),
        },
      ],
    }),
  );
}

function inviteForm(refresh) {
  const link = h("div", { class: "stack", role: "status" });
  return panel(
    t("page.people.invite"),
    form({
      fields: [
        choicesField({
          name: "roles",
          label: t("page.people.roles"),
          options: ROLES.map((role) => [role, worded("page.role", role)]),
        }),
      ],
      act: t("page.people.invite"),
      send: (values, key) => send("POST", "/invitations", values, key),
      done: async ({ token }) => {
        fill(link, linkOf(token));
        await refresh();
      },
    }),
    link,
  );
}
