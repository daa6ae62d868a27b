/** Why something was refused, where only the code of the refusal was kept. */

import { t } from "../core/words.js";

// Their sentences are nothing but figures, and those were not kept.
const OF_FIGURES = ["bad_rule", "invalid_field"];

/** Return the sentence of a refusal with its figures left open, or the code nobody has words for. */
export function reason(code) {
  if (OF_FIGURES.includes(code)) return t("page.against_rule");
  const sentence = t(`error.${code}`);
  return sentence === `error.${code}` ? code : sentence;
}
