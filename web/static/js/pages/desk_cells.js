/** Cells whose settled deals make no price yet, each with the rule that holds it back. */

import { get } from "../core/api.js";
import { cellName } from "../core/catalogue.js";
import { fill, h } from "../core/dom.js";
import { empty, table } from "../core/parts.js";
import { t, worded } from "../core/words.js";

export function suppressedCells() {
  const shown = h("div", { class: "live" });
  return h(
    "details",
    {
      class: "panel",
      ontoggle: async ({ target }) => {
        if (!target.open) return;
        const { cells } = await get("/prices");
        fill(shown, listed(cells.filter(({ suppressed_by: rule }) => rule)));
      },
    },
    h("summary", {}, t("page.desk.suppressed")),
    shown,
  );
}

function listed(cells) {
  if (cells.length === 0) return empty(t("page.desk.none_suppressed"));
  return table({
    rows: cells,
    columns: [
      { label: t("word.cell"), cell: ({ cell }) => h("a", { href: `/prices/${cell}` }, cellName(cell)) },
      { label: t("page.desk.reason"), cell: ({ suppressed_by: rule }) => worded("rule", `price.${rule}`) },
      {
        label: t("page.desk.last_published"),
        isNumber: true,
        cell: ({ price }) => (price ? t("page.desk.number", { number: price.number }) : "—"),
      },
    ],
  });
}
