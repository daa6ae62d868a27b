/** Where the firm's notices are sent besides: addresses, their deliveries, sending again. */

import { get, send } from "../core/api.js";
import { instant, now } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { empty, facts, table } from "../core/parts.js";
import { t, worded } from "../core/words.js";

/** Return the section, for who directs the firm's notices. */
export async function webhooks() {
  const list = h("div", { class: "stack" });
  const made = h("div", { class: "stack" });
  const sent = h("div", { class: "stack" });
  const { kinds: known } = await get("/notice-choices");
  const refresh = async () => {
    const { webhooks: found } = await get("/webhooks");
    fill(sent);
    fill(list, found.length === 0 ? empty(t("page.webhooks.none")) : tableOf(found, sent, made, refresh));
  };
  await refresh();
  return h(
    "section",
    { class: "panel" },
    h("h2", {}, t("page.webhooks.title")),
    h("p", { class: "note" }, t("page.webhooks.note")),
    list,
    sent,
    made,
    form({
      fields: [
        { name: "address", label: t("page.webhooks.address"), hint: "https://…" },
        kindsField(known),
      ],
      act: t("page.webhooks.register"),
      send: (values, key) => send("POST", "/webhooks", values, key),
      done: async (answer) => {
        tell(made, answer);
        await refresh();
      },
    }),
  );
}

function tell(made, { secret, secret_number: number }) {
  fill(made, facts([[t("page.webhooks.secret", { number }), h("strong", { class: "mono" }, secret)]]));
}

function kindName(kind) {
  return worded("notice_kind", kind);
}

/** A field whose value is the list of kinds that are ticked. */
function kindsField(known) {
  const ticks = known.map(({ kind, group }) => ({ group, input: h("input", { type: "checkbox", value: kind }) }));
  const groups = [...new Set(ticks.map(({ group }) => group))];
  const wrong = h("span", { class: "wrong", role: "alert" });
  return {
    name: "kinds",
    element: h(
      "fieldset",
      { class: "field broad" },
      h("legend", {}, t("page.webhooks.kinds")),
      h("span", { class: "hint" }, t("page.webhooks.kinds_hint")),
      groups.map((group) =>
        h(
          "details",
          {},
          h("summary", {}, worded("page.choices.group", group)),
          ticks
            .filter((one) => one.group === group)
            .map(({ input }) => h("label", { class: "line" }, input, " ", kindName(input.value))),
        ),
      ),
      wrong,
    ),
    focus: () => ticks[0].input.focus(),
    reset: () => ticks.forEach(({ input }) => (input.checked = false)),
    read: () => ({ value: ticks.filter(({ input }) => input.checked).map(({ input }) => input.value) }),
    problem(_, text) {
      wrong.textContent = text;
    },
  };
}

function tableOf(found, sent, made, refresh) {
  return table({
    rows: found,
    columns: [
      { label: t("page.webhooks.address"), cell: (row) => h("span", { class: "mono" }, row.address) },
      { label: t("page.webhooks.kinds"), cell: (row) => row.kinds.map(kindName).join(", ") || t("page.webhooks.all") },
      { label: t("page.webhooks.state"), cell: stateOf },
      { label: t("page.webhooks.signs"), cell: signs },
      { label: "", cell: (row) => acts(row, sent, made, refresh) },
    ],
  });
}

function stateOf(row) {
  if (row.disabled_at) return [t("page.webhooks.off"), " ", instant(row.disabled_at)];
  if (row.failing_since) return [t("page.webhooks.failing"), " ", instant(row.failing_since)];
  return t("page.webhooks.on");
}

function signs({ secret_number: number, former_number: former, former_until: until }) {
  if (!until || Date.parse(until) <= now()) return String(number);
  return [t("page.webhooks.both", { number, former }), " ", instant(until)];
}

function acts(row, sent, made, refresh) {
  const path = `/webhooks/${row.webhook_id}`;
  const look = h("button", { type: "button", onclick: () => show(path, sent) }, t("page.webhooks.deliveries"));
  const resume = actButton({
    label: t("page.webhooks.resume"),
    send: (key) => send("POST", `${path}/resume`, {}, key),
    done: refresh,
  });
  const rotate = actButton({
    label: t("page.webhooks.rotate"),
    className: "",
    confirm: () => ({ title: t("page.webhooks.rotate"), lines: [], note: t("page.webhooks.rotate_note"), act: t("page.webhooks.rotate") }),
    send: () => send("POST", `${path}/secret`, {}),
    done: async (answer) => {
      await refresh();
      tell(made, answer);
    },
  });
  const remove = actButton({
    label: t("page.webhooks.remove"),
    className: "danger",
    send: (key) => send("DELETE", path, undefined, key),
    done: refresh,
  });
  return [look, row.disabled_at ? resume : null, rotate, remove];
}

async function show(path, sent) {
  const { deliveries } = await get(`${path}/deliveries`);
  if (deliveries.length === 0) return fill(sent, empty(t("page.webhooks.no_delivery")));
  return fill(
    sent,
    table({
      rows: deliveries,
      columns: [
        { label: t("page.webhooks.kind"), cell: (row) => kindName(row.kind) },
        { label: t("page.webhooks.at"), cell: (row) => instant(row.at) },
        {
          label: t("page.webhooks.state"),
          cell: (row) => `${worded("page.webhooks.sent", row.state)} · ${row.attempts} · ${row.outcome}`,
        },
        {
          label: "",
          cell: (row) =>
            actButton({
              label: t("page.webhooks.again"),
              send: (key) => send("POST", `${path}/replay`, { notice: row.notice_id }, key),
              done: () => show(path, sent),
            }),
        },
      ],
    }),
  );
}
