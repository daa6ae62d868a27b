/** After the award: lots that another's default set free, and what the supplier sold. */

import { send } from "../core/api.js";
import { countdown } from "../core/clock.js";
import { h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount } from "../core/numbers.js";
import { facts, panel } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { t } from "../core/words.js";

/** Return freed lots for oneself alone, to take or to leave. */
export function offered(page, { pledge_id: id, substitute }) {
  const lines = [
    [t("word.lots"), page.lots(substitute.lots)],
    [t("word.goods"), amount(substitute.goods)],
    [t("word.freight"), amount(substitute.freight)],
    [t("word.fee"), amount(substitute.fee)],
    [t("page.pool.landed"), h("strong", {}, `${amount(substitute.landed)} ${page.unit()}`)],
    [t("word.deposit"), amount(substitute.deposit)],
  ];
  const path = `${page.path}/pledges/${id}`;
  return panel(
    t("page.pool.substitute"),
    h("p", {}, t("page.pool.substitute_why")),
    facts([...lines, [t("page.pool.substitute_until"), countdown(substitute.until)]]),
    may("pools.substitute") && [
      h(
        "p",
        { class: "foot" },
        actButton({
          label: t("page.pool.substitute_accept"),
          confirm: () => ({
            title: t("page.pool.substitute_accept_ask"),
            lines,
            note: t("page.pool.substitute_binding"),
            act: t("page.pool.substitute_accept"),
          }),
          send: (key) => send("POST", `${path}/accept`, undefined, key),
          done: () => page.refresh(),
        }),
        actButton({
          label: t("page.pool.substitute_decline"),
          className: "quiet",
          confirm: () => ({
            title: t("page.pool.substitute_decline_ask"),
            note: t("page.pool.substitute_decline_note"),
            act: t("page.pool.substitute_decline"),
            isDanger: true,
          }),
          send: (key) => send("POST", `${path}/decline`, undefined, key),
          done: () => page.refresh(),
        }),
      ),
    ],
  );
}

/** Return what a supplier sold to one group, and how to say that less will come. */
export function sale(page, { number, lots, reduced_lots: reduced, goods, by }) {
  return panel(
    t("page.pool.my_sale"),
    facts([
      [t("word.lots"), page.lots(lots)],
      reduced && [t("page.pool.reduced_to"), page.lots(reduced)],
      [t("word.goods"), `${amount(goods)} ${page.unit()}`],
      [t("page.pool.bought_by"), t(`page.pool.by.${by}`)],
    ]),
    h("p", {}, h("a", { href: "/deals" }, t("page.deals.title"))),
    !reduced && may("pools.shortfall") && shortfall(page, number, lots),
  );
}

function shortfall(page, number, sold) {
  return h(
    "details",
    {},
    h("summary", {}, t("page.pool.shortfall")),
    h("p", { class: "note" }, t("page.pool.shortfall_note")),
    form({
      fields: [
        {
          name: "lots",
          label: t("page.pool.shortfall_lots"),
          type: "lots",
          hint: t("page.pool.shortfall_hint", { lots: page.lots(sold) }),
        },
      ],
      act: t("page.pool.shortfall_act"),
      confirm: (values) => ({
        title: t("page.pool.shortfall_ask"),
        lines: [
          [t("word.lots"), page.lots(sold)],
          [t("page.pool.shortfall_lots"), page.lots(values.lots)],
        ],
        note: t("page.pool.shortfall_once"),
        act: t("page.pool.shortfall_act"),
        isDanger: true,
      }),
      send: (values, key) => send("POST", `${page.path}/shortfall`, { ...values, number }, key),
      done: async () => {
        say(t("page.pool.shortfall_done"));
        await page.refresh();
      },
    }),
  );
}
