/** Joining with a request that is drafted already. */

import { get, send } from "../core/api.js";
import { fill, h, say } from "../core/dom.js";
import { actButton } from "../core/forms.js";
import { amount } from "../core/numbers.js";
import { panel } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { t } from "../core/words.js";
import { asking } from "./pool_forms.js";
import { fits } from "./requests_fit.js";

export function drafts(page) {
  if (!may("demand.read")) return null;
  const body = h("div");
  ask(page, body).catch(() => {});
  return body;
}

async function ask(page, body) {
  const { requests } = await get("/requests?state=draft&limit=200");
  const fitting = requests.filter((request) => fits(request, page.pool));
  if (fitting.length === 0) return;
  fill(
    body,
    panel(
      t("page.pool.by_request"),
      h("ul", { class: "list" }, fitting.map((request) => h("li", {}, one(page, request)))),
      h("p", { class: "note" }, h("a", { href: "/requests" }, t("page.requests.title"))),
    ),
  );
}

function one(page, request) {
  const { request_id: id, lots, limit, place } = request;
  const text = t("page.pool.request_line", {
    lots: page.lots(lots),
    limit: limit ? amount(limit) : t("page.requests.no_limit"),
  });
  if (!limit) return [text, " ", h("a", { href: `/requests#${id}` }, t("page.requests.set_limit"))];
  return h(
    "div",
    { class: "row" },
    h("span", {}, text, place && h("span", { class: "soft" }, ` · ${place}`)),
    actButton({
      label: t("page.requests.send"),
      className: "",
      confirm: () => asking(page, request, "join", "page.requests.send"),
      send: (key) => send("POST", `/requests/${id}/send`, { pool_id: page.pool.pool_id }, key),
      done: async (answer) => {
        say(t("page.pool.joined", { deposit: amount(answer.deposit) }));
        await page.refresh();
      },
    }),
  );
}
