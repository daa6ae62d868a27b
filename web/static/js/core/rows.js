/** A field of several rows, each of two figures: price breaks, price steps, lots by month. */

import { fill, h } from "./dom.js";
import { typedAmount, typedLots } from "./numbers.js";
import { t } from "./words.js";

const MAX_ROWS = 12;

/**
 * Return a field whose value is `[{ [keys[0]]: …, [keys[1]]: … }, …]`. Rows left empty count
 * for nothing. `first` gives the rows it starts with, as text. With `heads`, a list of [part of
 * the value, text], there is one row under each head and no more.
 */
export function pairsField({ name, label, keys, labels, types, first, heads, hint, isOptional = false }) {
  const body = h("tbody");
  const wrong = h("span", { class: "wrong", role: "alert" });
  const rows = [];

  function add(values = ["", ""]) {
    const inputs = values.map((value, at) =>
      h("input", {
        inputmode: types[at] === "amount" ? "decimal" : "numeric",
        autocomplete: "off",
        "aria-label": `${labels[at]} ${heads?.[rows.length][1] ?? rows.length + 1}`,
        value,
      }),
    );
    body.append(
      h(
        "tr",
        {},
        heads && h("th", { scope: "row" }, heads[rows.length][1]),
        inputs.map((input) => h("td", {}, input)),
      ),
    );
    rows.push(inputs);
    more.disabled = rows.length >= MAX_ROWS;
  }

  const more = h("button", { class: "quiet", type: "button", onclick: () => add() }, t("page.one_more_row"));
  const element = h(
    "fieldset",
    { class: "field broad" },
    h("legend", {}, label),
    h(
      "table",
      { class: "steps-table" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads && h("td"),
          labels.map((one) => h("th", { scope: "col" }, one)),
        ),
      ),
      body,
    ),
    !heads && h("div", {}, more),
    hint && h("span", { class: "hint" }, hint),
    wrong,
  );
  const begin = () => (heads ?? first).forEach((_, at) => add(first?.[at]));
  begin();

  const typed = () => rows.filter((inputs) => inputs.some((input) => input.value.trim() !== ""));
  return {
    name,
    element,
    focus: () => rows[0][0].focus(),
    reset() {
      rows.length = 0;
      fill(body);
      begin();
    },
    read() {
      const found = typed().map((inputs) =>
        inputs.map((input, at) => (types[at] === "amount" ? typedAmount : typedLots)(input.value.trim())),
      );
      if (found.flat().includes(null)) return { wrong: t("page.rows_wrong") };
      if (found.length === 0) return isOptional ? {} : { wrong: t("rule.required") };
      const parts = typed().map((inputs) => heads?.[rows.indexOf(inputs)][0]);
      return {
        value: found.map((pair, row) => ({
          ...parts[row],
          ...Object.fromEntries(pair.map((value, at) => [keys[at], value])),
        })),
      };
    },
    problem(rest, text) {
      const [, row, key] = /^\/(\d+)(?:\/(.+))?$/.exec(rest) ?? [];
      wrong.textContent = row && text ? t("page.row_wrong", { row: Number(row) + 1, text }) : text;
      rows.flat().forEach((input) => input.setAttribute("aria-invalid", "false"));
      const at = Math.max(0, keys.indexOf(key));
      if (text && row) typed()[Number(row)]?.[at]?.setAttribute("aria-invalid", "true");
    },
  };
}

/** Return a field whose value is the list of what is ticked; nothing ticked is `[]` where it may be. */
export function choicesField({ name, label, options, hint, isOptional = false }) {
  const wrong = h("span", { class: "wrong", role: "alert" });
  const boxes = options.map(([value]) => h("input", { type: "checkbox", value }));
  return {
    name,
    element: h(
      "fieldset",
      { class: "field broad" },
      h("legend", {}, label),
      h(
        "div",
        { class: "choices" },
        options.map(([, text], at) => h("label", {}, boxes[at], " ", text)),
      ),
      hint && h("span", { class: "hint" }, hint),
      wrong,
    ),
    focus: () => boxes[0].focus(),
    reset: () =>
      boxes.forEach((box) => {
        box.checked = false;
      }),
    read() {
      const found = boxes.filter((box) => box.checked).map((box) => box.value);
      return found.length > 0 || isOptional ? { value: found } : { wrong: t("rule.required") };
    },
    problem(_, text) {
      wrong.textContent = text;
    },
  };
}

/** Return a field of one figure for each of `options`; its value is `{ option: lots or amount }`. */
export function countsField({ name, label, options, hint, type = "lots", isOptional = false }) {
  const isAmount = type === "amount";
  const wrong = h("span", { class: "wrong", role: "alert" });
  const inputs = new Map(
    options.map(([value, text]) => [
      value,
      h("input", { inputmode: isAmount ? "decimal" : "numeric", autocomplete: "off", "aria-label": text }),
    ]),
  );
  return {
    name,
    element: h(
      "fieldset",
      { class: "field broad" },
      h("legend", {}, label),
      h(
        "table",
        { class: "steps-table" },
        h(
          "tbody",
          {},
          options.map(([value, text]) =>
            h("tr", {}, h("th", { scope: "row" }, text), h("td", {}, inputs.get(value))),
          ),
        ),
      ),
      hint && h("span", { class: "hint" }, hint),
      wrong,
    ),
    focus: () => inputs.values().next().value.focus(),
    reset: () =>
      inputs.forEach((input) => {
        input.value = "";
      }),
    read() {
      const found = [...inputs]
        .filter(([, input]) => input.value.trim() !== "")
        .map(([value, input]) => [value, (isAmount ? typedAmount : typedLots)(input.value.trim())]);
      if (found.some(([, figure]) => figure === null)) return { wrong: t(isAmount ? "rule.amount" : "rule.integer") };
      if (found.length === 0) return isOptional ? {} : { wrong: t("rule.required") };
      return { value: Object.fromEntries(found) };
    },
    problem(rest, text) {
      wrong.textContent = text;
      const wanted = rest.slice(1);
      inputs.forEach((input, value) =>
        input.setAttribute("aria-invalid", String(Boolean(text) && value === wanted)),
      );
    },
  };
}
