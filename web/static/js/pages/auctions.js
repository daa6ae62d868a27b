/** Auctions of both sides, and the form by which a seller opens one. */

import { get, send } from "../core/api.js";
import { cellFields, cellName, cellOf } from "../core/catalogue.js";
import { countdown, instant, now, toLocal } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { form } from "../core/forms.js";
import { amount, lots } from "../core/numbers.js";
import { chip, empty, head, table } from "../core/parts.js";
import { may, plays } from "../core/viewer.js";
import { t } from "../core/words.js";

const HOUR = 3_600_000;
const FORMATS = ["english", "sealed_first", "sealed_uniform", "second_price", "dutch", "japanese"];
const LIVE = ["open", "paused", "scheduled"];

export async function show(main) {
  const body = h("div", { class: "stack live" });
  fill(
    main,
    head(t("page.auctions.title"), { note: t("page.auctions.note") }),
    h("div", { class: "stack" }, body, may("auctions.open") && plays("seller") && openForm()),
  );
  const refresh = async () => showAll(body, (await get("/auctions?limit=200")).auctions);
  await refresh();
  setInterval(() => refresh().catch(() => {}), 10_000);
}

function showAll(body, auctions) {
  const open = auctions
    .filter(({ state }) => LIVE.includes(state))
    .sort((one, other) => one.closes_at.localeCompare(other.closes_at));
  const over = auctions.filter(({ state }) => !LIVE.includes(state));
  fill(
    body,
    listed(t("page.auctions.now"), open, t("page.auctions.empty"), countdown),
    over.length > 0 && listed(t("page.auctions.over"), over, "", instant),
  );
}

function listed(title, rows, none, when) {
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, title),
    rows.length === 0
      ? h("div", { class: "panel" }, empty(none))
      : table({
          rows,
          columns: [
            {
              label: t("page.auctions.one"),
              cell: (row) => [
                h("a", { href: `/auctions/${row.auction_id}` }, row.title || cellName(row.cell)),
                row.title && h("div", { class: "note" }, cellName(row.cell)),
              ],
            },
            {
              label: t("page.auctions.side"),
              cell: (row) => [
                t(`page.auctions.${row.side}`),
                h("div", { class: "note" }, t(`page.format.${row.format}`)),
              ],
            },
            { label: t("word.lots"), isNumber: true, cell: (row) => lots(row.lots) },
            { label: t("page.auctions.owner"), cell: (row) => row.owner_name || t("page.pools.one") },
            { label: t("word.state"), cell: (row) => chip(row.state) },
            { label: t("page.auctions.closes"), isNumber: true, cell: (row) => when(row.closes_at) },
          ],
        }),
  );
}

function openForm() {
  const kinds = ["factory", "trader", "refiner", "mill"];
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.auctions.open")),
    form({
      isWide: true,
      fields: [
        ...cellFields(t),
        { name: "lots", label: t("word.lots"), type: "lots" },
        { name: "title", label: t("page.auctions.name"), isOptional: true },
        { name: "start", label: t("page.auction.floor"), type: "amount" },
        { name: "step", label: t("page.auction.step"), type: "amount", value: "10.00" },
        {
          name: "reserve",
          label: t("page.auction.reserve"),
          type: "amount",
          isOptional: true,
          hint: t("page.auctions.reserve_hint"),
        },
        { name: "min_lots", label: t("page.auction.min_lots"), type: "lots", value: "1" },
        {
          name: "closes_at",
          label: t("page.auctions.closes_at"),
          type: "instant",
          value: toLocal(now() + HOUR),
        },
        {
          name: "format",
          label: t("page.auction.format"),
          type: "select",
          options: FORMATS.map((one) => [one, t(`page.format.${one}`)]),
        },
        {
          name: "interval_s",
          label: t("page.auctions.interval"),
          type: "lots",
          isOptional: true,
          hint: t("page.auctions.interval_hint"),
        },
        {
          name: "pricing",
          label: t("page.auction.pricing"),
          type: "select",
          options: ["auto", "pay_as_bid", "last_accepted", "first_rejected"].map((one) => [
            one,
            t(`page.pricing.${one}`),
          ]),
        },
        {
          name: "disclosure",
          label: t("page.auction.disclosure"),
          type: "select",
          options: ["auto", "best", "full", "rank", "blind"].map((one) => [one, t(`page.disclosure.${one}`)]),
        },
        {
          name: "admits",
          label: t("page.auction.admits"),
          type: "select",
          options: [
            ["", t("page.auctions.everybody")],
            ["trader,refiner", t("page.auctions.large_only")],
            ...kinds.map((kind) => [kind, t(`page.kind.${kind}`)]),
          ],
          isOptional: true,
        },
      ],
      act: t("page.auctions.open"),
      confirm: (values) => ({
        title: t("page.auctions.open_ask"),
        lines: [
          [t("word.cell"), cellName(cellOf(values))],
          [t("word.lots"), lots(values.lots)],
          [t("page.auction.floor"), amount(values.start)],
          [t("page.auctions.closes_at"), instant(values.closes_at)],
        ],
        note: t("page.auctions.binding"),
        act: t("page.auctions.open"),
      }),
      send: ({ instrument, region, tenor, admits, ...rest }, key) =>
        send(
          "POST",
          "/auctions",
          {
            side: "sell",
            cell: cellOf({ instrument, region, tenor }),
            ...rest,
            ...(admits && { kinds: admits.split(",") }),
          },
          key,
        ),
      done: ({ auction_id: id }) => location.assign(`/auctions/${id}`),
    }),
  );
}
