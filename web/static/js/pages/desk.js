/** The operator's desk: money that came in, what waits for a person, and what opens next. */

import { get, send } from "../core/api.js";
import { cellName, regionOptions } from "../core/catalogue.js";
import { countdown, date, instant } from "../core/clock.js";
import { fill, h, isBeingFilled, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount, LOCALE, lots } from "../core/numbers.js";
import { empty, facts, head, linkOf, panel, table } from "../core/parts.js";
import { openPoolForm } from "../core/pools.js";
import { choicesField } from "../core/rows.js";
import { firm, t } from "../core/words.js";
import { bankForms, chargeButton, opened, paymentFiles, sameMoneyButton, trialBalance } from "./desk_bank.js";
import { suppressedCells } from "./desk_cells.js";
import { adjustmentForm, contested, laneForm, waitingTickets } from "./desk_deals.js";
import { stripForm } from "./desk_strips.js";

const KINDS = ["factory", "mill", "trader", "refiner", "auditor"];
const ROLES = ["buyer", "seller", "finance", "logistics", "approver", "owner", "viewer"];

export async function show(main) {
  const waiting = h("div", { class: "stack live" });
  const firms = h("div", { class: "stack" });
  const refresh = () => showWaiting(waiting, refresh);
  const refreshFirms = () => showFirms(firms);
  const { catalogueForms } = await import("./catalogue_forms.js");
  const fillIn = ({ isDefining = false } = {}) =>
    fill(
      main,
      head(t("page.desk.title"), { note: t("page.desk.note") }),
      h(
        "div",
        { class: "stack" },
        waiting,
        catalogueForms({ isDefining, refill: fillIn }),
        bankForms(refresh),
        paymentFiles(refresh),
        trialBalance(),
        suppressedCells(),
        openPoolForm(),
        stripForm(),
        calendar(),
        adjustmentForm(),
        laneForm(),
        firmForm(refreshFirms),
        firms,
      ),
    );
  fillIn();
  openAsked();
  await Promise.all([refresh(), refreshFirms()]);
  setInterval(() => isBeingFilled(waiting) || refresh().catch(() => {}), 20_000);
}

/** Open what another page's link asks for. */
function openAsked() {
  const asked = document.getElementById(location.hash.slice(1));
  asked?.setAttribute("open", "");
  asked?.scrollIntoView();
}

async function showWaiting(waiting, refresh) {
  const [
    { lines },
    { disputes },
    { claims },
    { tickets },
    { deals },
    { payments },
    { organisations },
    { consents },
    { consentsDesk },
    { parkedDeals },
  ] = await Promise.all([
    get("/bank/unmatched"),
    get("/disputes"),
    get("/claims"),
    get("/tickets"),
    get("/parked-deals"),
    get("/bank/payments"),
    get("/organisations"),
    get("/consents"),
    import("./consents.js"),
    import("./parked_deals.js"),
  ]);
  const nothing = [lines, disputes, claims, tickets, deals, payments, consents].every((some) => some.length === 0);
  fill(
    waiting,
    nothing && panel(t("page.desk.waiting"), empty(t("page.desk.nothing_waits"))),
    consents.length > 0 && consentsDesk(consents, refresh),
    lines.length > 0 && unmatched(lines, organisations, refresh),
    disputes.length > 0 && disputed(disputes, refresh),
    claims.length > 0 && contested(claims, refresh),
    tickets.length > 0 && waitingTickets(tickets, refresh),
    deals.length > 0 && parkedDeals(deals, refresh),
    payments.length > 0 && ordered(payments, organisations, refresh),
  );
}

function unmatched(lines, organisations, refresh) {
  const options = organisations.map((one) => [one.id, `${firm(one)} · ${one.deposit_reference}`]);
  return panel(
    t("page.desk.unmatched", { count: lines.length }),
    h(
      "ul",
      { class: "list" },
      lines.map((line) =>
        h(
          "li",
          { class: "form" },
          facts([
            [
              t("page.deal.amount"),
              `${amount(line.amount)} ${line.currency} (${t(`page.direction.${line.direction}`)})`,
            ],
            [t("page.desk.payer"), line.payer || "—"],
            line.payer_account && [t("page.desk.payer_account"), h("span", { class: "mono" }, line.payer_account)],
            line.reason && [t("page.desk.reason"), t(`page.bank_reason.${line.reason}`)],
            [t("page.desk.remittance"), line.remittance || "—"],
            [t("page.desk.booked"), date(line.booked_on)],
          ]),
          line.direction === "credit" &&
            form({
              fields: [{ name: "organisation_id", label: t("page.desk.whose"), type: "select", options }],
              act: t("page.desk.assign"),
              confirm: ({ organisation_id: id }) => ({
                title: t("page.desk.assign_ask"),
                lines: [
                  [t("page.deal.amount"), amount(line.amount)],
                  [t("page.desk.firm"), options.find(([value]) => value === id)[1]],
                ],
                act: t("page.desk.assign"),
              }),
              send: (values, key) => send("POST", `/bank/unmatched/${line.line_id}/assign`, values, key),
              done: refresh,
            }),
          line.direction === "debit" && line.reason === "not_ordered" && chargeButton(line, refresh),
          line.reason === "batch_unclear" && sameMoneyButton(line, refresh),
          line.direction === "credit" &&
            form({
              fields: [{ name: "payee_account", label: t("page.desk.send_back_account") }],
              act: t("page.desk.send_back"),
              confirm: ({ payee_account: account }) => ({
                title: t("page.desk.send_back"),
                lines: [
                  [t("page.deal.amount"), amount(line.amount)],
                  [t("page.desk.send_back_account"), account],
                ],
                act: t("page.desk.send_back"),
                isDanger: true,
              }),
              send: (values, key) => send("POST", `/bank/unmatched/${line.line_id}/send-back`, values, key),
              done: ({ consent_id: waits }) => {
                if (waits) say(t("page.desk.send_back_waits"));
                return refresh();
              },
            }),
        ),
      ),
    ),
  );
}

function disputed(disputes, refresh) {
  return panel(
    t("page.desk.disputes", { count: disputes.length }),
    h(
      "ul",
      { class: "list" },
      disputes.map((deal) =>
        h(
          "li",
          { class: "form" },
          facts([
            [t("word.cell"), cellName(`${deal.instrument_id}/${deal.region}/${deal.tenor}`)],
            [t("page.desk.parties"), `${firm(deal, "seller")} → ${firm(deal, "buyer")}`],
            [t("page.deal.delivered_lots"), `${lots(deal.delivered_lots)} / ${lots(deal.lots)}`],
            [t("page.deal.reason"), deal.reason],
            deal.due_at && [t("page.deal.due"), countdown(deal.due_at)],
          ]),
          form({
            fields: [
              { name: "lots", label: t("page.desk.taken_lots"), type: "lots", hint: t("page.desk.taken_hint") },
            ],
            act: t("page.desk.decide"),
            confirm: (values) => ({
              title: t("page.desk.decide"),
              lines: [[t("word.lots"), lots(values.lots)]],
              act: t("page.desk.decide"),
              isDanger: true,
            }),
            send: (values, key) => send("POST", `/deals/${deal.deal_id}/resolve`, values, key),
            done: refresh,
          }),
        ),
      ),
    ),
  );
}

function ordered(payments, organisations, refresh) {
  const names = new Map(organisations.map((one) => [one.id, firm(one)]));
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.desk.payments")),
    table({
      rows: payments,
      columns: [
        { label: t("page.desk.firm"), cell: (row) => names.get(row.organisation_id) ?? row.organisation_id },
        { label: t("page.deal.amount"), isNumber: true, cell: (row) => amount(row.amount) },
        { label: t("page.money.payee"), cell: (row) => row.payee_account },
        { label: t("page.deal.reference"), cell: (row) => h("span", { class: "mono" }, row.reference) },
        { label: t("word.at"), cell: (row) => instant(row.ordered_at) },
        { label: t("page.payment_files.file"), cell: (row) => h("span", { class: "mono" }, row.message_id ?? "—") },
        {
          label: "",
          cell: (row) =>
            actButton({
              label: t("page.desk.payment_failed"),
              className: "danger",
              confirm: () => ({
                title: t("page.desk.payment_failed_ask"),
                lines: [[t("page.deal.amount"), amount(row.amount)]],
                act: t("page.desk.payment_failed"),
                isDanger: true,
              }),
              send: (key) => send("POST", `/bank/payments/${row.payment_id}/fail`, undefined, key),
              done: refresh,
            }),
        },
      ],
    }),
  );
}

function calendar() {
  return opened("page.desk.calendar", "calendar", async (shown) => {
    if (shown.hasChildNodes()) return;
    const { calendarForm } = await import("./calendar_form.js");
    fill(shown, ...calendarForm());
  });
}

function firmForm(refresh) {
  const link = h("div", { class: "stack", role: "status" });
  return h(
    "details",
    { class: "panel", id: "register" },
    h("summary", {}, t("page.desk.register")),
    form({
      isWide: true,
      fields: [
        { name: "name", label: t("page.desk.name") },
        { name: "name_en", label: t("page.desk.name_en"), isOptional: true },
        {
          name: "kind",
          label: t("page.desk.kind"),
          type: "select",
          options: KINDS.map((kind) => [kind, t(`page.kind.${kind}`)]),
        },
        { name: "owner_group", label: t("page.desk.owner_group"), hint: t("page.desk.owner_group_hint") },
        { name: "region", label: t("word.region"), type: "select", options: regionOptions() },
        { name: "monthly_lots", label: t("page.desk.monthly_lots"), type: "lots", value: "0" },
        { name: "uscc", label: t("page.desk.uscc"), isOptional: true },
        { name: "vat", label: t("page.desk.vat"), isOptional: true },
      ],
      act: t("page.desk.register"),
      send: (values, key) => send("POST", "/organisations", values, key),
      done: async ({ organisation_id: id }) => {
        say(t("page.desk.registered"));
        const { token } = await send("POST", `/organisations/${id}/invitations`, {});
        fill(link, h("p", {}, t("page.desk.first_person")), linkOf(token));
        await refresh();
      },
    }),
    link,
  );
}

async function showFirms(firms) {
  const { organisations } = await get("/organisations");
  const options = organisations.map((one) => [one.id, firm(one)]);
  fill(
    firms,
    h(
      "details",
      { class: "panel" },
      h("summary", {}, t("page.desk.add_person")),
      form({
        isWide: true,
        fields: [
          {
            name: "organisation",
            label: t("page.desk.firm"),
            type: "select",
            options,
            value: options.at(-1)?.[0],
          },
          { name: "login", label: t("page.login.login") },
          { name: "name", label: t("page.desk.person") },
          {
            name: "password",
            label: t("page.login.password"),
            type: "password",
            hint: t("page.desk.password_hint"),
            autocomplete: "new-password",
          },
          {
            name: "language",
            label: t("page.desk.language"),
            type: "select",
            options: [
              ["zh", "中文"],
              ["en", "English"],
            ],
          },
          choicesField({
            name: "roles",
            label: t("page.desk.roles"),
            options: ROLES.map((role) => [role, t(`page.role.${role}`)]),
          }),
        ],
        act: t("page.desk.add_person"),
        send: ({ organisation, ...rest }, key) =>
          send("POST", `/organisations/${organisation}/people`, rest, key),
        done: ({ consent_id: waits }) => say(t(waits ? "page.desk.person_waits" : "page.desk.person_added")),
      }),
    ),
    h(
      "details",
      { class: "panel plain" },
      h("summary", { class: "panel" }, t("page.desk.firms", { count: organisations.length })),
      table({
        rows: organisations.toSorted((one, other) => firm(one).localeCompare(firm(other), LOCALE)),
        columns: [
          {
            label: t("page.desk.firm"),
            cell: (row) => [row.name, row.name_en && h("div", { class: "note" }, row.name_en)],
          },
          { label: t("page.desk.kind"), cell: (row) => t(`page.kind.${row.kind}`) },
          { label: t("page.desk.owner_group"), cell: (row) => row.owner_group },
          { label: t("page.desk.monthly_lots"), isNumber: true, cell: (row) => lots(row.monthly_lots) },
          {
            label: t("page.money.reference"),
            cell: (row) => h("span", { class: "mono" }, row.deposit_reference),
          },
        ],
      }),
    ),
  );
}
