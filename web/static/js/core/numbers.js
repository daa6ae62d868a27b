/**
 * Figures as people read them. Amounts are decimal text and stay exact: they are never made
 * into JavaScript numbers, only into whole minor units as BigInt.
 */

import { h } from "./dom.js";
import { language, t } from "./words.js";

const LOCALE = language === "zh" ? "zh-CN" : "en-GB";
const WHOLE = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const AMOUNT = /^(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$/;
const DECIMALS = 2;

export { LOCALE };

/** Return amount text with grouping: "5000.00" is "5,000.00". */
export function amount(text) {
  if (text === null || text === undefined) return "—";
  const [, sign, whole, fraction] = /^(-?)(\d+)(\.\d+)?$/.exec(text) ?? [];
  if (whole === undefined) return String(text);
  return `${sign ? "−" : ""}${WHOLE.format(BigInt(whole))}${(fraction ?? ".").padEnd(DECIMALS + 1, "0")}`;
}

/** Return an amount that says how it differs: "+20.00", "−5.00", "±0.00". */
export function change(text) {
  if (text.startsWith("-")) return amount(text);
  return `${/[1-9]/.test(text) ? "+" : "±"}${amount(text)}`;
}

/** Return `rise`, `fall` or nothing for a change. */
export function direction(text) {
  if (!text || !/[1-9]/.test(text)) return "";
  return text.startsWith("-") ? "fall" : "rise";
}

/** Return an element for a saving: good news is no rising price, so its colour is its own. */
export function saving(text) {
  return h("span", { class: direction(text) === "rise" ? "gain" : null }, change(text));
}

/** Return the amount a person typed as the market writes it, or null when it is none. */
export function typedAmount(typed) {
  const text = ungrouped(typed);
  return AMOUNT.test(text) ? text : null;
}

/** Return the whole number a person typed, or null when it is none. */
export function typedLots(typed) {
  const text = ungrouped(typed);
  return /^[0-9]{1,10}$/.test(text) ? Number(text) : null;
}

/** A comma that parts no group of three is a decimal point to many: "4900,50" is no 490,050. */
function ungrouped(typed) {
  const text = typed.normalize("NFKC").replace(/\s/g, "");
  return /^\d{1,3}([,']\d{3})+(\.|$)/.test(text) ? text.replace(/[,']/g, "") : text;
}

/** Return amount text as minor units. */
export function minor(text) {
  const [whole, fraction = ""] = text.replace("-", "").split(".");
  const found = BigInt(whole + fraction.slice(0, DECIMALS).padEnd(DECIMALS, "0"));
  return text.startsWith("-") ? -found : found;
}

/** Return minor units as amount text. */
export function decimal(found) {
  const digits = (found < 0n ? -found : found).toString().padStart(DECIMALS + 1, "0");
  return `${found < 0n ? "-" : ""}${digits.slice(0, -DECIMALS)}.${digits.slice(-DECIMALS)}`;
}

/** Return price × lots. */
export function times(price, lots) {
  return decimal(minor(price) * BigInt(lots));
}

/** Return `bps` of an amount, rounded up to the last unit, as deposits are. */
export function shareUp(text, bps) {
  return decimal((minor(text) * BigInt(bps) + 9999n) / 10000n);
}

/** Return basis points as per cent: 20 is "0.2 %". */
export function percent(bps) {
  const text = decimal(BigInt(bps)).replace(/\.?0+$/, "");
  return `${text} %`;
}

/** Return a whole number with grouping. */
export function whole(number) {
  return WHOLE.format(number);
}

/** Return a quantity with its unit: 80 lots of "1 t" are "80 t". */
export function lots(number, lotText = "1 t") {
  if (number === null || number === undefined) return "—";
  return `${WHOLE.format(number)} ${unit(lotText)}`;
}

/** Return the unit of one lot. */
export function unit(lotText = "1 t") {
  if (lotText === "1 t") return t("word.tonne");
  return lotText.startsWith("1 ") ? lotText.slice(2) : t("word.lot_of", { lot: lotText });
}

/** Return a price's unit, as "CNY/t". */
export function priceUnit(currency = "CNY", lotText = "1 t") {
  return `${currency === "CNY" ? t("word.cny") : currency}/${unit(lotText)}`;
}
