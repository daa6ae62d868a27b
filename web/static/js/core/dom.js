/** Building elements. Text is always text: nothing here takes markup. */

const SVG = "http://www.w3.org/2000/svg";
const MOST_SAID = 2;

/**
 * Return an element: `h("p", { class: "note", onclick: act }, "text", child)`.
 * A property that is null or false is left out; true is an empty attribute.
 */
export function h(tag, properties, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** Return an SVG element. */
export function svg(tag, properties, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

/** Put `children` in the place of whatever `node` held, and return it. Who stays keeps the focus. */
export function fill(node, ...children) {
  const focused = document.activeElement;
  node.replaceChildren(...shown(children));
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  return node;
}

/** Whether somebody has begun to fill in a form in here, which drawing again would lose. */
export function isBeingFilled(node) {
  if (node.querySelector("details[open] form")) return true;
  const typed = [...node.querySelectorAll("input:not([type=checkbox]), textarea")];
  const chosen = [...node.querySelectorAll("select")];
  return (
    [...typed, ...chosen].includes(document.activeElement) ||
    typed.some((one) => one.value !== one.defaultValue) ||
    chosen.some((one) => one.selectedIndex !== Math.max(0, firstChoice(one)))
  );
}

function firstChoice(select) {
  return [...select.options].findIndex(({ defaultSelected }) => defaultSelected);
}

function filled(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...shown(children));
  return node;
}

function shown(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/**
 * Say something in passing, for eyes and screen readers: the last word about each thing, and few
 * words at once. Who may still take an act back keeps the button for it.
 */
export function say(...children) {
  const said = h("p", {}, ...children);
  const place = document.getElementById("said");
  const path = (one) => one.querySelector("a")?.getAttribute("href");
  const passing = [...place.children].filter((one) => !one.querySelector("button"));
  const [again, others] = [true, false].map((is) =>
    passing.filter((one) => Boolean(path(said) && path(one) === path(said)) === is),
  );
  for (const one of [...again, ...others.slice(0, Math.max(0, others.length - MOST_SAID + 1))]) one.remove();
  place.append(said);
  setTimeout(() => said.remove(), 9000);
}
