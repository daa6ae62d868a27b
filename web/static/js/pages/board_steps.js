/** What is left to do for a new firm, or in a new market: on the front page until all of it is done, or put away. */

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { may, organisationId } from "../core/viewer.js";
import { t, worded } from "../core/words.js";

const KEPT = `steps-put-away-${organisationId}`;

export async function showSteps(place) {
  if (localStorage.getItem(KEPT)) return;
  const { steps } = await get("/first-steps");
  const left = steps.filter(({ is_done: isDone }) => !isDone);
  if (left.length === 0) {
    fill(place);
    return;
  }
  const next = left.find(({ is_mine: isMine }) => isMine);
  const putAway = () => {
    localStorage.setItem(KEPT, "1");
    fill(place);
  };
  fill(
    place,
    h(
      "section",
      { class: "panel call", "aria-label": t("page.steps.title") },
      h("h2", {}, t(may("catalogue.define") ? "page.steps.left_market" : "page.steps.left", { done: steps.length - left.length, count: steps.length })),
      h("ol", { class: "steps" }, steps.map((step) => item(step, step === next))),
      h("p", {}, h("button", { type: "button", class: "quiet", onclick: putAway }, t("page.steps.put_away"))),
    ),
  );
}

function item(step, isNext) {
  const { name, by, path, is_done: isDone, is_mine: isMine } = step;
  const title = worded("page.steps.do", name);
  return h(
    "li",
    { class: isDone ? "done" : null, "aria-current": isNext ? "step" : null },
    isMine && !isDone ? h("a", { href: path }, title) : h("span", {}, title),
    isDone
      ? h("span", { class: "note" }, t("page.steps.done"))
      : h("span", { class: "note" }, isMine ? worded("page.steps.why", name) : t("page.steps.waits", { who: worded("page.steps.by", by) })),
  );
}
