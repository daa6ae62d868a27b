/** Where the firm's notices are sent besides: addresses, their deliveries, sending again. */

import { get, send } from "../core/api.js";
import { instant } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { empty, facts, table } from "../core/parts.js";
import { t, worded } from "../core/words.js";

const KIND = /^[a-z_]+$/;

/** Return the section, for who directs the firm's notices. */
export async function webhooks() {
  const list = h("div", { class: "stack" });
  const made = h("div", { class: "stack" });
  const sent = h("div", { class: "stack" });
  const refresh = async () => {
    const { webhooks: found } = await get("/webhooks");
    fill(sent);
    fill(list, found.length === 0 ? empty(t("page.webhooks.none")) : tableOf(found, sent, refresh));
  };
  await refresh();
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.webhooks.title")),
    h("p", { class: "note" }, t("page.webhooks.note")),
    list,
    sent,
    made,
    form({
      fields: [
        { name: "address", label: t("page.webhooks.address"), hint: "https://…" },
        { name: "kinds", label: t("page.webhooks.kinds"), isOptional: true, hint: t("page.webhooks.kinds_hint") },
      ],
      act: t("page.webhooks.register"),
      send: ({ address, kinds }, key) => send("POST", "/webhooks", { address, kinds: listed(kinds) }, key),
      done: async ({ secret }) => {
        fill(made, facts([[t("page.webhooks.secret"), h("strong", { class: "mono" }, secret)]]));
        await refresh();
      },
    }),
  );
}

function listed(text) {
  return (text ?? "").split(/[\s,]+/).filter((kind) => KIND.test(kind));
}

function tableOf(found, sent, refresh) {
  return table({
    rows: found,
    columns: [
      { label: t("page.webhooks.address"), cell: (row) => h("span", { class: "mono" }, row.address) },
      { label: t("page.webhooks.kinds"), cell: (row) => row.kinds.join(", ") || t("page.webhooks.all") },
      { label: t("page.webhooks.state"), cell: stateOf },
      { label: "", cell: (row) => acts(row, sent, refresh) },
    ],
  });
}

function stateOf(row) {
  if (row.disabled_at) return [t("page.webhooks.off"), " ", instant(row.disabled_at)];
  if (row.failing_since) return [t("page.webhooks.failing"), " ", instant(row.failing_since)];
  return t("page.webhooks.on");
}

function acts(row, sent, refresh) {
  const path = `/webhooks/${row.webhook_id}`;
  const look = h("button", { type: "button", onclick: () => show(path, sent) }, t("page.webhooks.deliveries"));
  const resume = actButton({
    label: t("page.webhooks.resume"),
    send: (key) => send("POST", `${path}/resume`, {}, key),
    done: refresh,
  });
  const remove = actButton({
    label: t("page.webhooks.remove"),
    className: "danger",
    send: (key) => send("DELETE", path, undefined, key),
    done: refresh,
  });
  return [look, row.disabled_at ? resume : null, remove];
}

async function show(path, sent) {
  const { deliveries } = await get(`${path}/deliveries`);
  if (deliveries.length === 0) return fill(sent, empty(t("page.webhooks.no_delivery")));
  return fill(
    sent,
    table({
      rows: deliveries,
      columns: [
        { label: t("page.webhooks.kind"), cell: (row) => h("span", { class: "mono" }, row.kind) },
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
