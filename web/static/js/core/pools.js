/** The form that opens a group buy, for the operator and for buyers. */

import { send } from "./api.js";
import { cellFields, cellName, cellOf } from "./catalogue.js";
import { instant, now, toLocal } from "./clock.js";
import { h } from "./dom.js";
import { form } from "./forms.js";
import { t } from "./words.js";

const DAY = 86_400_000;

export function openPoolForm(note = null) {
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.desk.open_pool")),
    note && h("p", { class: "note" }, note),
    form({
      isWide: true,
      fields: [
        ...cellFields(t),
        { name: "firming_at", label: t("page.desk.firming_at"), type: "instant", value: toLocal(now() + DAY) },
        {
          name: "closes_at",
          label: t("page.pool.closes_at"),
          type: "instant",
          value: toLocal(now() + 2 * DAY),
        },
        {
          name: "mode",
          label: t("page.pool.mode"),
          type: "select",
          options: ["both", "breaks", "auction"].map((mode) => [mode, t(`page.pool.mode.${mode}`)]),
        },
        {
          name: "auction_minutes",
          label: t("page.pool.auction_minutes"),
          type: "lots",
          value: "30",
          isOptional: true,
        },
        { name: "max_share", label: t("page.pool.max_share"), type: "lots", isOptional: true },
        { name: "prolong_minutes", label: t("page.pool.prolong_minutes"), type: "lots", value: "0" },
        { name: "has_early_sight", label: t("page.desk.early_sight"), type: "check", value: false },
      ],
      act: t("page.desk.open_pool"),
      confirm: (values) => ({
        title: t("page.desk.open_pool_ask"),
        lines: [
          [t("word.cell"), cellName(cellOf(values))],
          [t("page.desk.firming_at"), instant(values.firming_at)],
          [t("page.pool.closes_at"), instant(values.closes_at)],
        ],
        act: t("page.desk.open_pool"),
      }),
      send: ({ instrument, region, tenor, auction_minutes: minutes, max_share: share, ...rest }, key) =>
        send(
          "POST",
          "/pools",
          {
            cell: cellOf({ instrument, region, tenor }),
            ...rest,
            ...(rest.mode !== "breaks" && minutes && { auction_minutes: minutes }),
            ...(rest.mode !== "breaks" && share && { max_share: share }),
          },
          key,
        ),
      done: ({ pool_id: id }) => location.assign(`/pools/${id}`),
    }),
  );
}
