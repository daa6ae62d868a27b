/** Reviews of a settled deal: my marks of the other side, and what firms think of it. */

import { send } from "../core/api.js";
import { h } from "../core/dom.js";
import { form } from "../core/forms.js";
import { facts, panel } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { firm, t } from "../core/words.js";

const AXES = ["time", "place", "price", "manner", "quality", "quantity"];
const MARKS = ["5", "4", "3", "2", "1"];

export function reviewForm(page) {
  const { deal } = page;
  if (deal.is_reviewed || !may("fulfilment.review")) return null;
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.review.title")),
    h("p", { class: "note" }, t("page.review.note")),
    form({
      fields: AXES.map((axis) => ({
        name: axis,
        label: t(`page.dimension.${axis}`),
        type: "select",
        options: MARKS.map((mark) => [mark, t(`page.review.mark_${mark}`)]),
      })),
      act: t("page.review.send"),
      confirm: (values) => ({
        title: t("page.review.ask"),
        lines: AXES.map((axis) => [t(`page.dimension.${axis}`), t(`page.review.mark_${values[axis]}`)]),
        note: t("page.review.note"),
        act: t("page.review.send"),
      }),
      send: (values, key) => {
        const marks = Object.fromEntries(AXES.map((axis) => [axis, Number(values[axis])]));
        return send("POST", `${page.path}/review`, { marks }, key);
      },
      done: () => page.done("page.review.done"),
    }),
  );
}

export function standingOf(page) {
  if (page.standing.length === 0) return null;
  return panel(
    t("page.review.standing", { firm: firm(page.deal, "counterparty") }),
    facts(
      page.standing.map((one) => [
        t(`page.dimension.${one.axis}`),
        t("page.review.mean", {
          mark: `${Math.floor(one.mark_tenths / 10)}.${one.mark_tenths % 10}`,
          groups: one.groups,
        }),
      ]),
    ),
  );
}
