/** My forward contracts, the changes that wait for me, and where my firm takes goods. */

import { get, send } from "../core/api.js";
import { instrument, instrumentName, regionName, regionOptions } from "../core/catalogue.js";
import { instant, month } from "../core/clock.js";
import { proposalCard } from "./contract_changes.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { gathered } from "../core/live.js";
import { lots } from "../core/numbers.js";
import { columns, empty, head, panel, table } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { firm, t } from "../core/words.js";

const ASK_EVERY = 30_000;

export async function show(main) {
  const lead = h("div", { class: "stack live" });
  const aside = h("aside", { class: "stack" });
  fill(
    main,
    head(t("page.contracts.title"), { note: t("page.contracts.note") }),
    columns(lead, aside, null, t("page.contracts.places"), { isBroad: true }),
  );
  const refresh = async () => {
    const [found, { places }] = await Promise.all([get("/contracts"), get("/receiving-places")]);
    fill(lead, waiting(found.proposals, refresh), listed(found.contracts));
    showPlaces(aside, places, refresh);
  };
  await refresh();
  const later = gathered(() => refresh().catch(() => {}));
  document.addEventListener("noticed", later);
  setInterval(later, ASK_EVERY);
}

function waiting(proposals, refresh) {
  if (proposals.length === 0) return null;
  return h(
    "section",
    { class: "panel" },
    h("h2", {}, t("page.contracts.waiting")),
    h(
      "ul",
      { class: "list" },
      proposals.map((proposal) =>
        proposal.kind === "swap"
          ? h(
              "li",
              { class: "row" },
              h("span", {}, t("page.change.swap"), " · ", month(proposal.tenor), " · ", firm(proposal, "proposed_by")),
              h("a", { href: `/contracts/${proposal.contract_id}` }, t("page.strip.to_deal")),
            )
          : proposalCard(proposal, {
              lot: instrument(proposal.instrument)?.lot_text,
              done: async (key) => {
                say(t(key));
                await refresh();
              },
            }),
      ),
    ),
  );
}

function listed(contracts) {
  if (contracts.length === 0) {
    const way = h("a", { href: "/strips" }, t("page.strips.title"));
    return panel(null, empty(t("page.contracts.empty"), " ", way));
  }
  const lot = (row) => instrument(row.instrument)?.lot_text;
  return h(
    "section",
    { class: "panel plain" },
    h("h2", {}, t("page.contracts.mine")),
    table({
      rows: contracts,
      columns: [
        {
          label: t("page.contracts.one"),
          cell: (row) => h("a", { href: `/contracts/${row.contract_id}` }, row.title),
        },
        { label: t("word.instrument"), cell: (row) => `${instrumentName(row.instrument)} · ${regionName(row.region)}` },
        { label: t("page.contracts.with"), cell: (row) => firm(row, "counterparty") },
        { label: t("page.strips.months"), cell: (row) => row.tenors.map(month).join(" · ") },
        { label: t("word.lots"), isNumber: true, cell: (row) => lots(row.lots, lot(row)) },
        { label: t("page.contract.left"), isNumber: true, cell: (row) => lots(row.open_lots, lot(row)) },
        { label: t("page.contracts.signed_at"), cell: (row) => instant(row.signed_at) },
      ],
    }),
  );
}

function showPlaces(aside, places, refresh) {
  const done = async (key) => {
    say(t(key));
    await refresh();
  };
  fill(
    aside,
    h(
      "section",
      { class: "panel" },
      h("h2", {}, t("page.contracts.places")),
      h("p", { class: "note" }, t("page.contracts.places_note")),
      places.length === 0 && empty(t("page.contracts.no_place")),
      h(
        "ul",
        { class: "list" },
        places.map((place) =>
          h(
            "li",
            { class: "row" },
            h("span", {}, `${place.name} · ${regionName(place.region)}`),
            may("forwards.receive") &&
              h(
                "span",
                {},
                actButton({
                  label: t("page.contracts.place_close"),
                  className: "quiet",
                  confirm: () => ({
                    title: t("page.contracts.place_close_ask"),
                    lines: [[t("page.contract.place"), place.name]],
                    act: t("page.contracts.place_close"),
                    isDanger: true,
                  }),
                  send: (key) => send("DELETE", `/receiving-places/${place.place_id}`, undefined, key),
                  done: () => done("page.contracts.place_closed"),
                }),
              ),
          ),
        ),
      ),
      may("forwards.receive") &&
        form({
          fields: [
            { name: "region", label: t("word.region"), type: "select", options: regionOptions() },
            { name: "name", label: t("page.contract.place"), hint: t("page.contracts.place_hint") },
          ],
          act: t("page.contracts.place_add"),
          send: (values, key) => send("POST", "/receiving-places", values, key),
          done: () => done("page.contracts.place_added"),
        }),
    ),
  );
}
