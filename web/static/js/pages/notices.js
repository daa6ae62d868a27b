/** What my firm was told, the newest first, day by day. */

import { get, send } from "../core/api.js";
import { cellName } from "../core/catalogue.js";
import { age, date, now, toLocal } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { gathered } from "../core/live.js";
import { noticePath, noticeText } from "../core/notices.js";
import { lots } from "../core/numbers.js";
import { empty, head, panel } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { firm, t } from "../core/words.js";

const SHOWN = 200;

export async function show(main) {
  const body = h("div", { class: "stack" });
  const refresh = async () => {
    const [{ notices }, subjects] = await Promise.all([get(`/notices?limit=${SHOWN}`), dealsBySubject()]);
    showAll(body, notices, subjects, refresh);
  };
  const choose = h("a", { class: "button", href: "/account#notices" }, t("page.notices.choose"));
  fill(main, head(t("page.notices.title"), { aside: choose }), body);
  await refresh();
  document.addEventListener(
    "noticed",
    gathered(() => refresh().catch(() => {})),
  );
}

/** What the deals that notices are about are of, by the subject that names them. */
async function dealsBySubject() {
  const { deals } = may("deals.read") ? await get("/deals?limit=200") : { deals: [] };
  return new Map(
    deals.map((deal) => [
      `deal:${deal.deal_id}`,
      `${cellName(deal.cell)} · ${lots(deal.lots)} · ${firm(deal, "counterparty")}`,
    ]),
  );
}

function showAll(body, notices, subjects, refresh) {
  if (notices.length === 0) {
    fill(body, panel(null, empty(t("page.notices.empty"))));
    return;
  }
  const unread = notices.filter(({ read_at: readAt }) => !readAt);
  fill(
    body,
    unread.length > 0 &&
      h(
        "p",
        {},
        h(
          "button",
          {
            type: "button",
            onclick: async ({ target }) => {
              target.disabled = true;
              await send("POST", "/notices/read");
              document.dispatchEvent(new Event("notice-read"));
              await refresh();
            },
          },
          t("page.notices.read_all", { count: unread.length }),
        ),
      ),
    byDay(notices).map(([day, told]) =>
      h(
        "section",
        { class: "panel" },
        h("h2", {}, dayName(day)),
        h("ul", { class: "list" }, told.map((one) => item(one, subjects.get(one.subject)))),
      ),
    ),
  );
}

/** Return the notices by the visitor's days; the market gives the newest first. */
function byDay(notices) {
  const days = new Map();
  for (const one of notices) {
    const day = dayOf(Date.parse(one.at));
    days.set(day, [...(days.get(day) ?? []), one]);
  }
  return [...days];
}

function dayOf(milliseconds) {
  return toLocal(milliseconds).slice(0, 10);
}

function dayName(day) {
  const yesterday = new Date(now());
  yesterday.setDate(yesterday.getDate() - 1);
  if (day === dayOf(now())) return t("page.notices.today", { date: date(day) });
  return day === dayOf(yesterday.getTime()) ? t("page.notices.yesterday", { date: date(day) }) : date(day);
}

function item(notice, subject) {
  const isUnread = !notice.read_at;
  return h(
    "li",
    { class: "row" },
    h(
      "div",
      {},
      isUnread && [h("span", { class: "chip warn" }, t("page.notices.is_unread")), " "],
      h(
        "a",
        { href: noticePath(notice), onclick: () => isUnread && read(notice) },
        isUnread ? h("strong", {}, noticeText(notice)) : noticeText(notice),
      ),
      subject && h("div", { class: "note" }, subject),
    ),
    h("span", { class: "note" }, age(notice.at)),
  );
}

function read({ notice_id: id }) {
  return send("POST", `/notices/${id}/read`);
}
