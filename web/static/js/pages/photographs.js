/** Photographs of a deal's goods: shown to its parties, taken and sent from a phone. */

import { send } from "../core/api.js";
import { instant } from "../core/clock.js";
import { h } from "../core/dom.js";
import { fileField } from "../core/files.js";
import { form } from "../core/forms.js";
import { panel } from "../core/parts.js";
import { may } from "../core/viewer.js";
import { firm, t } from "../core/words.js";

const LONGEST_SIDE = 1920;
const QUALITY = 0.85;

export function photographs(page) {
  const { deal } = page;
  if (deal.photographs.length === 0) return null;
  return panel(
    t("page.deal.photographs"),
    h(
      "ul",
      { class: "pictures" },
      deal.photographs.map((one) => {
        const path = `/api/v1/deals/${deal.deal_id}/photographs/${one.photograph_id}`;
        const whose = one.added_by === deal.counterparty_id ? firm(deal, "counterparty") : t("page.deal.us");
        const told = `${t(`state.${one.step}`)} · ${whose}`;
        return h(
          "li",
          {},
          h(
            "a",
            { href: path },
            h("img", { src: path, alt: told, width: one.width, height: one.height, loading: "lazy" }),
          ),
          h("div", { class: "note" }, told, " · ", instant(one.added_at)),
          h("div", { class: "note mono" }, one.sha256.slice(0, 16)),
        );
      }),
    ),
  );
}

export function photographForm(page) {
  if (!may("fulfilment.photograph")) return null;
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("page.deal.photograph")),
    h("p", { class: "note" }, t("page.deal.photograph_note")),
    form({
      fields: [
        fileField({
          name: "picture",
          label: t("page.deal.picture"),
          accept: "image/jpeg,image/png",
          capture: "environment",
        }),
      ],
      act: t("page.deal.photograph_send"),
      send: async ({ picture }, key) => send("POST", `${page.path}/photographs`, await reduced(picture.file), key),
      done: () => page.done("page.deal.photographed"),
    }),
  );
}

/** Return a picture as it is to be seen, upright and no larger than needed, and nothing else of it. */
async function reduced(file) {
  const picture = await createImageBitmap(file).catch(() => null);
  if (picture === null) return file;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = h("canvas", {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((done) => {
    canvas.toBlob((blob) => done(blob ?? file), "image/jpeg", QUALITY);
  });
}
