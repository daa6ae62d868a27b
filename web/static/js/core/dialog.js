/** Asking before something binds. */

import { h } from "./dom.js";
import { t } from "./words.js";

/**
 * Ask whether to go on; resolve to true or false. `lines` are pairs of label and value,
 * the last of which is the sum where `hasSum` says so.
 */
export function confirmed({ title, lines = [], note, act, isDanger = false, hasSum = false }) {
  return new Promise((answer) => {
    const facts = lines.flatMap(([label, value], at) => {
      const whole = hasSum && at === lines.length - 1 ? "whole" : null;
      return [h("dt", { class: whole }, label), h("dd", { class: whole }, value)];
    });
    const dialog = h(
      "dialog",
      { "aria-labelledby": "dialog-title" },
      h("h2", { id: "dialog-title" }, title),
      lines.length > 0 && h("dl", { class: "facts" }, facts),
      note && h("p", { class: "note" }, note),
      h(
        "form",
        { class: "foot", method: "dialog" },
        h("button", { value: "no", autofocus: isDanger }, t("page.back_out")),
        h("button", { value: "yes", class: isDanger ? "danger" : "main", autofocus: !isDanger }, act),
      ),
    );
    // Escape gives the focus back at once, and what closes is told later: a key may come between.
    dialog.addEventListener("cancel", () => answer(false));
    dialog.addEventListener("close", () => {
      answer(dialog.returnValue === "yes");
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
