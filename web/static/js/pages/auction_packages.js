/** Package auctions: what is on offer by month, one's packages, and how well the result is proved. */

import { send } from "../core/api.js";
import { month } from "../core/clock.js";
import { h } from "../core/dom.js";
import { form } from "../core/forms.js";
import { amount, times } from "../core/numbers.js";
import { panel, table } from "../core/parts.js";
import { choicesField } from "../core/rows.js";
import { bidderName, t } from "../core/words.js";
import { attributesOf, isScored, scoreFields } from "./auction_scores.js";

/** Return an item's name: its month, and its number where there are several of one month. */
export function itemName(id) {
  const [tenor, number] = id.split("/");
  return number ? `${month(tenor)} #${number}` : month(tenor);
}

/** Return the items on offer and the packages that may be shown. */
export function packagesOf(room) {
  const { auction } = room;
  if (auction.format !== "packages") return null;
  const mine = auction.my_packages ?? [];
  return [
    panel(
      t("page.auction.months"),
      table({
        rows: auction.items,
        columns: [
          { label: t("word.tenor"), cell: ({ id }) => itemName(id) },
          { label: t("page.auction.on_offer"), isNumber: true, cell: ({ lots }) => room.lots(lots) },
          { label: t("page.auction.start_price"), isNumber: true, cell: ({ start }) => amount(start) },
        ],
      }),
    ),
    mine.length > 0 && listed(room, t("page.auction.my_packages"), mine),
    auction.packages?.length > 0 && listed(room, t("page.auction.packages"), auction.packages),
  ];
}

function listed(room, title, rows) {
  const { bidders } = room.auction;
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, title),
    table({
      rows,
      columns: [
        ...(bidders && rows.some(({ bidder }) => bidder)
          ? [{ label: t("page.auction.bidder"), cell: ({ bidder }) => bidderName(room.auction, bidder) }]
          : []),
        {
          label: t("page.auction.package"),
          cell: (row) => [
            row.items.map(itemName).join(" + "),
            row.xor && h("div", { class: "note" }, t("page.auction.in_group", { group: row.xor })),
          ],
        },
        { label: t("word.lots"), isNumber: true, cell: (row) => room.lots(row.lots) },
        { label: t("word.price"), isNumber: true, cell: ({ price }) => amount(price) },
        ...(isScored(room.auction) ? [scoreColumn(room.auction)] : []),
        ...(rows.some((row) => "is_won" in row)
          ? [
              {
                label: t("page.auction.outcome"),
                cell: (row) => t(row.is_won ? "page.my_outcome.won" : "page.my_outcome.outbid"),
              },
            ]
          : []),
      ],
    }),
  );
}

/** What a package compares by, and the scored terms that it promises. */
function scoreColumn({ criteria }) {
  return {
    label: t("page.auction.score"),
    isNumber: true,
    cell: ({ score, attributes }) => [
      amount(score),
      criteria.map(({ name }) => h("div", { class: "note" }, `${name}: ${attributes[name]}`)),
    ],
  };
}

/** Return the form for one package: its months, one price per lot, scored terms, and its group. */
export function packageForm(room) {
  const { auction } = room;
  const lotsOf = (items) =>
    auction.items.filter(({ id }) => items.includes(id)).reduce((sum, { lots }) => sum + lots, 0);
  return h(
    "div",
    {},
    h("p", { class: "note" }, t("page.auction.sealed_note")),
    h("p", { class: "note" }, t("page.auction.package_note")),
    form({
      fields: [
        choicesField({
          name: "items",
          label: t("page.auction.package"),
          options: auction.items.map(({ id, lots }) => [id, `${itemName(id)} · ${room.lots(lots)}`]),
        }),
        { name: "price", label: `${t("word.price")} (${room.unit()})`, type: "amount" },
        ...scoreFields(auction),
        {
          name: "xor",
          label: t("page.auction.group"),
          isOptional: true,
          hint: t("page.auction.group_hint"),
        },
      ],
      act: t("page.auction.bid_sealed"),
      confirm: ({ items, price }) => ({
        ...room.asking(price, lotsOf(items)),
        lines: [
          [t("page.auction.package"), items.map(itemName).join(" + ")],
          [t("word.price"), `${amount(price)} ${room.unit()}`],
          [t("word.lots"), room.lots(lotsOf(items))],
          [t("page.auction.value"), amount(times(price, lotsOf(items)))],
        ],
        note: t("page.auction.sealed_binding"),
      }),
      send: ({ items, price, xor, ...values }, key) =>
        send("POST", `${room.path}/packages`, { items, price, xor, ...attributesOf(auction, values) }, key),
      done: (receipt) => room.placed(receipt),
    }),
  );
}
