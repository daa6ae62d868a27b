/**
 * Forms as data. A field says its name, label and type; what a person typed is checked here
 * only for its shape, the market checks the rest and names the field that is wrong.
 *
 * Types: text, password, lots, amount, select, instant, check, long, and any object with
 * `element`, `value()` and `problem(pointer, text)` of its own.
 */

import { newKey } from "./api.js";
import { fromLocal, zone } from "./clock.js";
import { confirmed } from "./dialog.js";
import { fill, h } from "./dom.js";
import { typedAmount, typedLots } from "./numbers.js";
import { faults, inFull, wayOut } from "./problem.js";
import { t } from "./words.js";

let counted = 0;

/**
 * Return a form. `send(values, key)` does the act and `done(answer)` shows what came of it;
 * `confirm(values)` returns what to ask before it, or null, or a promise of it. While an act is
 * on its way no other begins, and until it is answered every further try goes out under the
 * same key.
 */
export function form({ fields, act, confirm, send, done, isWide = false, extra, onchange }) {
  const made = fields.map(field);
  const top = h("div", { class: "problem", role: "alert", hidden: true });
  const button = h("button", { class: "main", type: "submit" }, act);
  const element = h(
    "form",
    { novalidate: true, class: isWide ? "wide" : null },
    made.map(({ element: shown }) => shown),
    top,
    h("div", { class: "foot" }, button, extra),
  );
  let unanswered = null;

  async function submit() {
    const values = read(made);
    if (values === null) return;
    const asking = await confirm?.(values);
    if (asking && !(await confirmed(asking))) return;
    const meaning = JSON.stringify(values);
    if (unanswered?.meaning !== meaning) unanswered = { meaning, key: newKey() };
    try {
      const answer = await send(values, unanswered.key);
      unanswered = null;
      await done?.(answer, values);
    } catch (error) {
      if (error.status === undefined) throw error;
      if (error.status > 0 && error.status < 500) unanswered = null;
      show(error, made, top);
    }
  }

  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    await once(button, () => {
      clear(made, top);
      return submit();
    });
  });
  if (onchange) {
    const told = () => onchange(Object.fromEntries(made.map((one) => [one.name, one.peek?.() ?? null])));
    element.addEventListener("input", told);
    element.addEventListener("change", told);
  }
  element.set = (name, value) => made.find((one) => one.name === name)?.set(value);
  element.need = (name, isNeeded) => made.find((one) => one.name === name)?.need(isNeeded);
  element.reset = () => made.forEach((one) => one.reset?.());
  return element;
}

/** Return a button that does one act, once, after asking; nothing while it is locked. */
export function actButton({ label, confirm, send, done, className = "main", isLocked = false }) {
  const top = h("span", { class: "wrong", role: "alert" });
  let key = null;
  const button = h("button", { class: className, type: "button", disabled: isLocked }, label);

  async function press() {
    fill(top);
    try {
      if (confirm && !(await confirmed(await confirm()))) return;
      key ??= newKey();
      const answer = await send(key);
      key = null;
      await done?.(answer);
    } catch (error) {
      if (error.status === undefined) throw error;
      if (error.status > 0 && error.status < 500) key = null;
      fill(
        top,
        faults(error).map(({ text }) => text),
        wayOut(error),
      );
    }
  }

  button.addEventListener("click", () => once(button, press));
  return [button, top];
}

/** Return the button that approves a proposal, or for who made it, who must approve instead. */
export function secondPerson(isMine, approval) {
  return isMine ? h("p", { class: "note" }, t("page.second_person")) : actButton(approval);
}

/** Act unless the button is at it already. It is not disabled meanwhile: that would drop the focus. */
async function once(button, act) {
  if (button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function read(made) {
  const values = {};
  let firstWrong = null;
  for (const one of made) {
    const { value, wrong } = one.read();
    if (wrong) {
      one.problem("", wrong);
      firstWrong ??= one;
    } else if (value !== undefined) values[one.name] = value;
  }
  firstWrong?.focus();
  return firstWrong ? null : values;
}

function clear(made, top) {
  top.hidden = true;
  made.forEach((one) => one.problem("", ""));
}

function show(error, made, top) {
  const left = [];
  let firstWrong = null;
  for (const fault of faults(error)) {
    const { pointer, text } = fault;
    const [, name, rest] = /^\/([^/]+)(.*)$/.exec(pointer) ?? [];
    const found = made.find((one) => one.name === name);
    if (found) {
      found.problem(rest, text);
      firstWrong ??= found;
    } else left.push(inFull(fault));
  }
  if (left.length > 0 || wayOut(error)) {
    fill(top, left.join(" "), wayOut(error));
    top.hidden = false;
  }
  firstWrong?.focus();
}

function field(asked) {
  return asked.element ? asked : plainField(asked);
}

function plainField({
  name,
  label,
  type = "text",
  hint,
  value = "",
  options,
  isOptional = false,
  rows,
  autocomplete,
}) {
  counted += 1;
  const id = `field-${counted}`;
  const about = { id, name, autocomplete: autocomplete ?? "off", "aria-describedby": `${id}-hint ${id}-wrong` };
  const input = made(type, about, { options, rows, value });
  const wrong = h("span", { class: "wrong", id: `${id}-wrong`, role: "alert" });
  const isInstant = type === "instant";
  const hinted = h("span", { class: "hint", id: `${id}-hint` });
  // The zone as it is at that time, which summer may have moved.
  const tell = () => {
    const at = isInstant && zone(Date.parse(input.value) || undefined);
    fill(hinted, [hint, at].filter(Boolean).join(" · "));
  };
  if (isInstant) input.addEventListener("input", tell);
  const isTick = type === "check";
  const set = (to) => {
    if (isTick) input.checked = Boolean(to);
    else if (type !== "select" || to) input.value = to ?? "";
    tell();
  };
  set(value);
  // What it starts with is nothing that a person has typed.
  if (input.defaultValue !== undefined) input.defaultValue = input.value;
  let mayBeEmpty = isOptional;
  const mark = h("span", { class: "hint" });
  const markOptional = () => fill(mark, mayBeEmpty && ` ${t("page.optional")}`);
  markOptional();
  const titled = h("label", { for: id }, label, mark);
  const element = h(
    "div",
    { class: isTick ? "field tick" : type === "long" ? "field broad" : "field" },
    isTick ? [input, titled] : [titled, input],
    (hint || isInstant) && hinted,
    wrong,
  );
  return {
    name,
    element,
    set,
    reset: () => set(value),
    focus: () => input.focus(),
    need(isNeeded) {
      mayBeEmpty = !isNeeded;
      markOptional();
    },
    read: () => taken(type, input, mayBeEmpty),
    peek: () => taken(type, input, true).value ?? null,
    problem: (_, text) => {
      wrong.textContent = text;
      input.setAttribute("aria-invalid", text ? "true" : "false");
    },
  };
}

function made(type, about, { options, rows, value: first }) {
  if (type === "select") {
    return h(
      "select",
      about,
      options.map(([value, label]) => h("option", { value, selected: value === first }, label)),
    );
  }
  if (type === "long") return h("textarea", { ...about, rows: rows ?? 4 });
  if (type === "check") return h("input", { ...about, type: "checkbox" });
  if (type === "instant") return h("input", { ...about, type: "datetime-local" });
  if (type === "lots") return h("input", { ...about, inputmode: "numeric" });
  if (type === "amount") return h("input", { ...about, inputmode: "decimal" });
  return h("input", { ...about, type: type === "password" ? "password" : "text" });
}

/** Return what stands in an input, or what is wrong with it; nothing for an empty optional one. */
function taken(type, input, isOptional) {
  if (type === "check") return { value: input.checked };
  const typed = input.value.trim();
  if (typed === "") return isOptional ? {} : { wrong: t("rule.required") };
  if (type === "lots") return orWrong(typedLots(typed), t("rule.integer"));
  if (type === "amount") return orWrong(typedAmount(typed), t("rule.amount"));
  if (type === "instant") return orWrong(fromLocal(typed), t("page.no_such_time"));
  return { value: type === "password" ? input.value : typed };
}

function orWrong(value, wrong) {
  return value === null ? { wrong } : { value };
}
