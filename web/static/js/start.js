/** Where every page begins: words, time, the feed, and then the page's own module. */

import { askTime, get, send } from "./core/api.js";
import * as catalogue from "./core/catalogue.js";
import { h, fill, say } from "./core/dom.js";
import { connect, follow, gathered } from "./core/live.js";
import { noticeText, noticePath } from "./core/notices.js";
import { refusal } from "./core/problem.js";
import { isMember } from "./core/viewer.js";
import * as words from "./core/words.js";

const { page } = document.body.dataset;
const main = document.getElementById("page");

async function start() {
  document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  const module = import(`./pages/${page}.js`);
  // What came before the page read anything is no news to it; whatever comes later is.
  const asked = Promise.all([askTime(), catalogue.load(), isMember && get("/notices")]);
  await words.load();
  try {
    const [, , told] = await asked;
    connect();
    if (isMember) attend(told.notices);
    const { show } = await module;
    fill(main);
    await show(main, document.body.dataset);
  } catch (error) {
    if (error.status === undefined) throw error;
    fill(main, h("h1", {}, document.title.split(" · ")[0]), refusal(error));
  } finally {
    main.removeAttribute("aria-busy");
  }
}

/** Keep the bell, tell what is new as it comes, and let the page know. */
function attend(first) {
  const known = new Set(first.map(({ notice_id: id }) => id));
  showCount(first);
  const count = gathered(async () => {
    const { notices } = await get("/notices");
    showCount(notices);
    const fresh = notices.filter(({ notice_id: id }) => !known.has(id));
    for (const { notice_id: id } of fresh) known.add(id);
    for (const notice of fresh.slice(0, 3)) say(h("a", { href: noticePath(notice) }, noticeText(notice)));
    if (fresh.length > 0) document.dispatchEvent(new Event("noticed"));
  });
  // The firm's feed says when; which notices this person is shown, he has chosen.
  follow("me", count);
  document.addEventListener("notice-read", count);
  document.getElementById("sign-out").addEventListener("click", async () => {
    await send("DELETE", "/sessions/current");
    location.assign("/");
  });
}

function showCount(notices) {
  const unread = notices.filter(({ read_at: readAt }) => !readAt).length;
  const badge = document.getElementById("bell-count");
  badge.hidden = unread === 0;
  // Of more than the newest fifty nobody has asked.
  const count = unread > 49 ? "50+" : String(unread);
  badge.textContent = count;
  document.getElementById("bell").title = words.t("page.notices.unread", { count });
}

start();
