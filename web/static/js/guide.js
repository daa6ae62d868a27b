/** The guided tour of a demonstration: take a part with one click, see what to do next. */

import { fill, h } from "./core/dom.js";

const GUIDE = "/demonstration/guide";
const TOURS = "/demonstration/tours";
const EVERY = 3000;
const KEPT = "guide";

const strip = document.getElementById("guide");
const language = document.body.dataset.language;
const wrong = h("p", { class: "wrong", role: "alert" });
let drawn = "";
let told = null;
let isOpen = false;

async function look() {
  if (document.hidden) return;
  try {
    const found = await fetch(`${GUIDE}?lang=${language}`, { cache: "no-store" });
    if (!found.ok) return;
    told = await found.json();
    draw();
  } catch {
    // No line: what is shown stays, and the line's own state tells of it.
  }
}

function draw() {
  const text = JSON.stringify([told, isHidden(), isOpen]);
  if (text === drawn) return;
  drawn = text;
  const held = strip.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  strip.hidden = false;
  strip.setAttribute("aria-label", told.words.title);
  strip.classList.toggle("folded", isHidden());
  if (isHidden()) fill(strip, button("show", () => hide(false), "quiet"));
  else if (told.tour) fill(strip, ...tour(told.tour));
  else fill(strip, ...parts(told.parts));
  if (held) strip.querySelector(`[data-key="${held}"]`)?.focus();
}

function parts(offered) {
  return [
    h(
      "div",
      { class: "guide-head" },
      h("strong", {}, told.words.title),
      h("span", { class: "note" }, told.words.lead),
      button("hide", () => hide(true), "quiet"),
    ),
    h(
      "ul",
      { class: "guide-parts" },
      offered.map(({ part, name, text }) =>
        h(
          "li",
          {},
          h("button", { type: "button", "data-key": part, onclick: (event) => begin(part, event.target) }, name),
          h("span", { class: "note" }, text),
        ),
      ),
    ),
    wrong,
  ];
}

function tour({ part, name, progress, done, steps, is_missed: isMissed, is_over: isOver }) {
  const now = steps.find(({ state }) => state === "now");
  const said = isMissed ? told.words.missed : isOver ? told.words.over : now?.text;
  const isElsewhere = now && !isMissed && now.path !== location.pathname;
  const again = (event) => begin(part, event.target);
  return [
    h(
      "div",
      { class: "guide-head" },
      h("strong", {}, `${told.words.title} · ${name}`),
      h("span", { class: "note" }, progress),
      h("progress", { max: steps.length || 1, value: done, "aria-label": progress }),
      h(
        "span",
        { class: "guide-acts" },
        button("restart", again, "quiet"),
        button("leave", leave, "quiet"),
        button("hide", () => hide(true), "quiet"),
      ),
    ),
    h(
      "div",
      { class: "guide-now", role: "status" },
      h("p", {}, now && !isMissed && h("b", {}, `${told.words.now} ${now.title}`), said),
      isElsewhere && h("a", { class: "button main", href: now.path, "data-key": "go" }, told.words.go),
      (isMissed || isOver) && button("again", again, "main"),
    ),
    h(
      "details",
      { open: isOpen, ontoggle: (event) => (isOpen = event.target.open) },
      h("summary", { "data-key": "steps" }, told.words.steps),
      h(
        "ol",
        { class: "guide-steps" },
        steps.map(({ title, path, state }) =>
          h(
            "li",
            { class: state, "aria-current": state === "now" ? "step" : null },
            state === "later" ? title : h("a", { href: path }, title),
          ),
        ),
      ),
    ),
    wrong,
  ];
}

function button(name, act, className) {
  return h("button", { type: "button", class: className, "data-key": name, onclick: act }, told.words[name]);
}

async function begin(part, pressed) {
  pressed.disabled = true;
  pressed.setAttribute("aria-busy", "true");
  const found = await asked("POST", TOURS, { part });
  pressed.disabled = false;
  pressed.removeAttribute("aria-busy");
  if (found) location.assign(found.path);
}

async function leave() {
  if (await asked("DELETE", `${TOURS}/current`)) location.assign("/");
}

/** Ask the guide; say beside it why not where it refuses. */
async function asked(method, path, body) {
  fill(wrong);
  try {
    const headers = { "Content-Type": "application/json", "Accept-Language": language };
    const found = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    const text = await found.text();
    const answer = text ? JSON.parse(text) : {};
    if (found.ok) return answer;
    fill(wrong, answer.detail ?? answer.title);
  } catch (error) {
    fill(wrong, String(error.message));
  }
  return null;
}

/** Who has signed in by himself has his own work to do: the guide is folded until he asks for it. */
function isHidden() {
  const kept = localStorage.getItem(KEPT);
  return kept ? kept === "hidden" : Boolean(document.body.dataset.organisation) && !told.tour;
}

function hide(isAsked) {
  localStorage.setItem(KEPT, isAsked ? "hidden" : "shown");
  draw();
  strip.querySelector("button")?.focus();
}

look();
setInterval(look, EVERY);
document.addEventListener("visibilitychange", look);
