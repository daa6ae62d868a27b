/** What my firm was told, the newest first. */

import { get, send } from "../core/api.js";
import { age } from "../core/clock.js";
import { fill, h } from "../core/dom.js";
import { gathered } from "../core/live.js";
import { noticePath, noticeText } from "../core/notices.js";
import { empty, head, panel } from "../core/parts.js";
import { t } from "../core/words.js";

export async function show(main) {
  const body = h("div", { class: "stack" });
  const refresh = async () => showAll(body, (await get("/notices")).notices, refresh);
  const choose = h("a", { class: "button", href: "/account#notices" }, t("page.notices.choose"));
  fill(main, head(t("page.notices.title"), { aside: choose }), body);
  await refresh();
  document.addEventListener(
    "noticed",
    gathered(() => refresh().catch(() => {})),
  );
}

function showAll(body, notices, refresh) {
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
              await Promise.all(unread.map(read));
              document.dispatchEvent(new Event("notice-read"));
              await refresh();
            },
          },
          t("page.notices.read_all", { count: unread.length }),
        ),
      ),
    h("section", { class: "panel" }, h("ul", { class: "list" }, notices.map(item))),
  );
}

function item(notice) {
  const isUnread = !notice.read_at;
  return h(
    "li",
    { class: "row" },
    h(
      "a",
      { href: noticePath(notice), onclick: () => isUnread && read(notice) },
      isUnread ? h("strong", {}, noticeText(notice)) : noticeText(notice),
    ),
    h("span", { class: "note" }, age(notice.at)),
  );
}

function read({ notice_id: id }) {
  return send("POST", `/notices/${id}/read`);
}
