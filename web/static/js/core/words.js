/** The words of the page in its language. They are loaded once, before anything is shown. */

export const language = document.body.dataset.language;

let texts = {};

export async function load() {
  const found = await fetch(new URL(`../../words/${language}/${document.body.dataset.page}.json`, import.meta.url));
  texts = await found.json();
}

/** Return the text of `key` with its figures filled in; the key itself where there is none. */
export function t(key, figures = {}) {
  const text = texts[key];
  if (text === undefined) return key;
  return text.replace(/\{([a-z_0-9]+)\}/g, (_, name) => String(figures[name] ?? "…"));
}

/** Return the text of `prefix.value`, or the value where no words are known for it. */
export function worded(prefix, value) {
  return texts[`${prefix}.${value}`] ?? String(value ?? "");
}

/** Return a firm's name in the language of the page, in the other where it has none. */
export function firm(thing, field = "name") {
  return (language === "en" && thing[`${field}_en`]) || thing[field] || "";
}

/** Return who bids, where an auction tells its viewer; the id where it does not. */
export function bidderName({ bidders, bidders_en: english }, id) {
  return (language === "en" && english?.[id]) || bidders?.[id] || id;
}

/** Return the name of a thing that has one in each language. */
export function named(thing) {
  const [first, second] = language === "zh" ? ["name_zh", "name_en"] : ["name_en", "name_zh"];
  return thing[first] || thing[second] || thing.name || "";
}
