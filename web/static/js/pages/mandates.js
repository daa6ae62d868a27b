/** Mandates and policies: what a boss lets his people do without asking. */

import { get, send } from "../core/api.js";
import { instrumentOptions } from "../core/catalogue.js";
import { instant, now, toLocal } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount, percent } from "../core/numbers.js";
import { chip, columns, empty, head, panel, table } from "../core/parts.js";
import { choicesField } from "../core/rows.js";
import { may } from "../core/viewer.js";
import { firm, t, worded } from "../core/words.js";

const ACTS = ["auctions.bid", "pools.pledge", "forwards.order", "forwards.offer", "supply.offer"];
const A_WEEK = 7 * 86_400_000;

export async function show(main) {
  const lead = h("div", { class: "live" });
  const aside = h("aside", { class: "stack" });
  const rest = h("div", { class: "stack" });
  fill(
    main,
    head(t("page.mandates.title"), { back: "/approvals", note: t("page.mandates.note") }),
    columns(lead, aside, rest, t("page.mandates.grant")),
  );
  const known = await get("/counterparties");
  const refresh = async () => {
    const [{ mandates }, { policies }] = await Promise.all([get("/mandates"), get("/policies")]);
    fill(lead, mandatesOf(mandates, refresh));
    fill(rest, policiesOf(policies, known, refresh));
  };
  await refresh();
  if (may("mandates.grant")) {
    const { people } = await get("/people");
    fill(aside, grantForm(people, refresh), policyForm(known, refresh));
  }
}

function mandatesOf(mandates, refresh) {
  if (mandates.length === 0) return panel(null, empty(t("page.mandates.empty")));
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.mandates.title")),
    table({
      rows: mandates,
      columns: [
        { label: t("page.mandates.person"), cell: (row) => row.person },
        {
          label: t("page.mandates.acts"),
          cell: (row) => row.acts.map((act) => worded("page.act", act)).join(t("word.comma")),
        },
        { label: t("page.mandates.used"), isNumber: true, cell: (row) => amount(row.used) },
        { label: t("page.mandates.total"), isNumber: true, cell: (row) => amount(row.total) },
        { label: t("page.mandates.per_act"), isNumber: true, cell: (row) => amount(row.per_act) },
        { label: t("page.mandates.index"), isNumber: true, cell: nearOf },
        {
          label: t("page.mandates.reserve"),
          isNumber: true,
          cell: (row) => `${amount(row.left)} / ${amount(row.reserve)}`,
        },
        { label: t("page.approvals.until"), cell: (row) => instant(row.ends_at) },
        { label: t("word.state"), cell: (row) => [chip(row.state), " ", acts(row, refresh)] },
      ],
    }),
  );
}

function acts(row, refresh) {
  return [
    row.state === "unfunded" &&
      may("mandates.reserve") &&
      actButton({
        label: t("page.mandates.set_aside"),
        confirm: () => ({
          title: t("page.mandates.set_aside_ask"),
          lines: [[t("page.mandates.reserve"), amount(row.reserve)]],
          act: t("page.mandates.set_aside"),
        }),
        send: (key) => send("POST", `/mandates/${row.mandate_id}/reserve`, {}, key),
        done: refresh,
      }),
    ["open", "unfunded"].includes(row.state) &&
      may("mandates.revoke") &&
      actButton({
        label: t("page.mandates.revoke"),
        className: "danger",
        confirm: () => ({
          title: t("page.mandates.revoke_ask"),
          act: t("page.mandates.revoke"),
          isDanger: true,
        }),
        send: (key) => send("POST", `/mandates/${row.mandate_id}/revoke`, {}, key),
        done: refresh,
      }),
  ];
}

function policiesOf(policies, { counterparties }, refresh) {
  const names = new Map(counterparties.map((one) => [one.organisation_id, firm(one)]));
  if (policies.length === 0) return panel(t("page.mandates.policies"), empty(t("page.mandates.no_policy")));
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.mandates.policies")),
    table({
      rows: policies,
      columns: [
        { label: t("page.mandates.act"), cell: (row) => worded("page.act", row.act) },
        { label: t("page.mandates.free"), isNumber: true, cell: (row) => amount(row.free_up_to) },
        { label: t("page.mandates.index"), isNumber: true, cell: nearOf },
        {
          label: t("page.mandates.with"),
          cell: ({ counterparties: ids }) =>
            ids.length > 0 ? ids.map((id) => names.get(id) ?? id).join(t("word.comma")) : t("page.mandates.anybody"),
        },
        { label: t("page.approvals.chain"), cell: (row) => row.chain.map(link).join(" → ") },
        {
          label: "",
          cell: (row) =>
            may("mandates.rule") &&
            actButton({
              label: t("page.mandates.lift"),
              className: "quiet",
              send: (key) => send("DELETE", `/policies/${row.act}`, undefined, key),
              done: refresh,
            }),
        },
      ],
    }),
  );
}

function grantForm(people, refresh) {
  const clerks = people.filter(({ roles }) => roles.some((role) => ["buyer", "seller"].includes(role)));
  return panel(
    t("page.mandates.grant"),
    form({
      fields: [
        {
          name: "person",
          label: t("page.mandates.person"),
          type: "select",
          options: clerks.map(({ person_id: id, person }) => [id, person]),
        },
        {
          name: "act",
          label: t("page.mandates.act"),
          type: "select",
          options: ACTS.map((act) => [act, worded("page.act", act)]),
        },
        {
          name: "instrument",
          label: t("word.instrument"),
          type: "select",
          options: [["*", t("page.mandates.any")], ...instrumentOptions()],
        },
        { name: "limit", label: t("page.approvals.limit"), type: "amount", isOptional: true },
        indexField(),
        { name: "max_lots", label: t("page.mandates.max_lots"), type: "lots", isOptional: true },
        { name: "per_act", label: t("page.mandates.per_act"), type: "amount" },
        { name: "total", label: t("page.mandates.total"), type: "amount" },
        {
          name: "reserve",
          label: t("page.mandates.reserve"),
          type: "amount",
          value: "0.00",
          hint: t("page.mandates.reserve_hint"),
        },
        {
          name: "ends_at",
          label: t("page.approvals.until"),
          type: "instant",
          value: toLocal(now() + A_WEEK),
        },
      ],
      act: t("page.mandates.grant"),
      send: ({ act, instrument, index, ...rest }, key) =>
        send(
          "POST",
          "/mandates",
          { ...rest, ...indexBps(index), acts: [act], instruments: instrument === "*" ? [] : [instrument] },
          key,
        ),
      done: async () => {
        say(t("page.mandates.granted"));
        await refresh();
      },
    }),
  );
}

function policyForm({ counterparties, groups }, refresh) {
  const members = new Map(groups.map((group) => [group.group_id, group.members]));
  // A group of nobody would name nobody, and so leave the firm free with anybody.
  const named = groups.filter((group) => group.members.length > 0);
  return panel(
    t("page.mandates.policy"),
    form({
      fields: [
        {
          name: "act",
          label: t("page.mandates.act"),
          type: "select",
          options: ACTS.map((act) => [act, worded("page.act", act)]),
        },
        { name: "free_up_to", label: t("page.mandates.free"), type: "amount", value: "0.00" },
        indexField(),
        counterparties.length > 0 &&
          choicesField({
            name: "counterparties",
            label: t("page.mandates.with"),
            options: [
              ...named.map(({ group_id: id, name }) => [id, t("page.mandates.group", { name })]),
              ...counterparties.map((one) => [one.organisation_id, firm(one)]),
            ],
            hint: t("page.mandates.with_hint"),
            isOptional: true,
          }),
        {
          name: "chain",
          label: t("page.approvals.chain"),
          type: "select",
          options: ["owner", "approver", "approver owner", "approver finance owner"].map((roles) => [
            roles,
            roles
              .split(" ")
              .map((role) => worded("page.role", role))
              .join(" → "),
          ]),
        },
      ].filter(Boolean),
      act: t("page.mandates.set_policy"),
      send: ({ chain, index, counterparties: chosen = [], ...rest }, key) =>
        send(
          "POST",
          "/policies",
          {
            ...rest,
            ...indexBps(index),
            counterparties: [...new Set(chosen.flatMap((id) => members.get(id) ?? [id]))],
            chain: chain.split(" ").map((role) => `role:${role}`),
          },
          key,
        ),
      done: async () => {
        say(t("page.mandates.policy_set"));
        await refresh();
      },
    }),
  );
}

function nearOf({ index_bps: bps }) {
  return bps !== null && percent(bps);
}

function indexField() {
  return {
    name: "index",
    label: t("page.mandates.index"),
    type: "lots",
    isOptional: true,
    hint: t("page.mandates.index_hint"),
  };
}

/** Return whole percents as the API takes them, or nothing where none was given. */
function indexBps(percents) {
  return percents === undefined ? {} : { index_bps: percents * 100 };
}

/** Return one link of a chain in words: a role, or a person of the firm. */
function link(one) {
  const [kind, name] = one.split(":");
  return kind === "role" ? worded("page.role", name) : t("page.approvals.person");
}
