/** What was done in the firm's name, and whom of the market's people its owner has let look. */

import { get, send } from "../core/api.js";
import { instant } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { columns, empty, head, panel, table } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { t, worded } from "../core/words.js";
import { reason } from "./reasons.js";

const LINES = 200;
const HOURS = [1, 4, 24, 72];

export async function show(main) {
  if (!may("trail.read")) {
    const { grants } = may("support.use") ? await get("/support-sessions") : { grants: [] };
    fill(main, head(t("page.record.title")), panel(null, openOnes(grants)));
    return;
  }
  const lead = h("div", { class: "stack" });
  const aside = h("aside", { class: "stack" });
  const rest = h("div", { class: "stack" });
  const csv = h("a", { class: "button", href: "/api/v1/trail.csv" }, t("page.record.csv"));
  fill(main, head(t("page.record.title"), { aside: csv }), columns(lead, aside, rest, t("page.record.support")));
  const refresh = async () => {
    const [{ lines }, { grants }] = await Promise.all([
      get(`/trail?limit=${LINES}`),
      get("/support-grants"),
    ]);
    fill(lead, trailOf(lines));
    fill(rest, grantsOf(grants, refresh));
  };
  await refresh();
  fill(aside, grantForm(refresh));
}

function openOnes(grants) {
  if (grants.length === 0) return empty(t("page.record.owners"));
  return table({
    rows: grants,
    columns: [
      { label: t("page.account.firm"), cell: (row) => row.organisation },
      { label: t("page.record.reason"), cell: (row) => row.reason },
      { label: t("page.approvals.until"), cell: (row) => instant(row.ends_at) },
    ],
  });
}

function trailOf(lines) {
  return h(
    "section",
    { class: "panel plain" },
    table({
      rows: lines,
      columns: [
        { label: t("page.record.when"), cell: (row) => instant(row.at) },
        { label: t("page.record.who"), cell: (row) => row.person || t("page.record.machine") },
        { label: t("page.record.what"), cell: (row) => h("span", { title: row.name }, whatOf(row)) },
        {
          label: t("page.record.outcome"),
          cell: (row) => [
            worded("page.record.was", row.outcome),
            row.kind === "act" && row.detail && h("div", { class: "note" }, reason(row.detail)),
          ],
        },
      ],
    }),
  );
}

function whatOf({ kind, name }) {
  return kind === "act" ? worded("page.act", name) : worded("page.fact", name);
}

function grantsOf(grants, refresh) {
  if (grants.length === 0) return panel(t("page.record.grants"), empty(t("page.record.none")));
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.record.grants")),
    table({
      rows: grants,
      columns: [
        { label: t("page.record.reason"), cell: (row) => row.reason },
        { label: t("page.approvals.until"), cell: (row) => instant(row.ended_at ?? row.ends_at) },
        { label: t("page.record.reads"), cell: (row) => readsOf(row.reads) },
        { label: "", cell: (row) => !row.ended_at && ending(row, refresh) },
      ],
    }),
  );
}

function readsOf(reads) {
  if (reads.length === 0) return t("page.record.unread");
  return h(
    "ul",
    { class: "list" },
    reads.map(({ what, at, person }) => h("li", {}, instant(at), ` ${person}: `, h("span", { class: "mono" }, what))),
  );
}

function ending(row, refresh) {
  return actButton({
    label: t("page.record.end"),
    className: "danger",
    send: (key) => send("DELETE", `/support-grants/${row.grant_id}`, undefined, key),
    done: refresh,
  });
}

function grantForm(refresh) {
  return panel(
    t("page.record.support"),
    h("p", { class: "note" }, t("page.record.note")),
    form({
      fields: [
        { name: "reason", label: t("page.record.reason") },
        {
          name: "hours",
          label: t("page.record.hours"),
          type: "select",
          options: HOURS.map((hours) => [String(hours), String(hours)]),
        },
      ],
      act: t("page.record.grant"),
      send: ({ reason, hours }, key) =>
        send("POST", "/support-grants", { reason, hours: Number(hours) }, key),
      done: async () => {
        say(t("page.record.granted"));
        await refresh();
      },
    }),
  );
}
