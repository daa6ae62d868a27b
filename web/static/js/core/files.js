/** A field for one file of the visitor's; its value says what the file is beside the file itself. */

import { h } from "./dom.js";
import { t } from "./words.js";

/** Return the field; with `capture` a phone opens its camera. */
export function fileField({ name, label, accept, capture, hint }) {
  const id = `file-${name}`;
  const wrong = h("span", { class: "wrong", role: "alert", id: `${id}-wrong` });
  const input = h("input", { id, name, type: "file", accept, capture, "aria-describedby": `${id}-wrong` });
  return {
    name,
    element: h(
      "div",
      { class: "field" },
      h("label", { for: id }, label),
      input,
      hint && h("span", { class: "hint" }, hint),
      wrong,
    ),
    focus: () => input.focus(),
    reset: () => {
      input.value = "";
    },
    read() {
      const [file] = input.files;
      if (!file) return { wrong: t("rule.required") };
      return { value: { file, name: file.name, size: file.size, at: file.lastModified } };
    },
    problem(_, text) {
      wrong.textContent = text;
      input.setAttribute("aria-invalid", text ? "true" : "false");
    },
  };
}
