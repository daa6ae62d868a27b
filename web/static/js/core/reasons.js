/** Why something was refused, where only the code of the refusal was kept. */

import { t } from "./words.js";

/** Return the sentence of a refusal with its figures left open, or the code nobody has words for. */
export function reason(code) {
  const sentence = t(`error.${code}`);
  return sentence === `error.${code}` ? code : sentence;
}
