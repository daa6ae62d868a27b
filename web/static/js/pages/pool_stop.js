/** The operator's hand on a group buy: one person proposes to stop it, another one approves. */

import { send } from "../core/api.js";
import { countdown, now } from "../core/clock.js";
import { h } from "../core/dom.js";
import { form, secondPerson } from "../core/forms.js";
import { panel } from "../core/parts.js";
import { personId } from "../core/viewer.js";
import { t } from "../core/words.js";

export function stopDesk(path, { stop }) {
  const isProposed = stop && Date.parse(stop.expires_at) > now();
  const ask = { title: t("page.pool.stop"), note: t("page.pool.stop_note"), isDanger: true };
  return panel(
    t("page.auction.desk"),
    isProposed &&
      h(
        "div",
        { class: "banner" },
        h("p", {}, t("page.pool.stop_proposed", stop)),
        h("p", { class: "note" }, t("page.auction.motion_note"), " ", countdown(stop.expires_at)),
        secondPerson(stop.proposed_by === personId, {
          label: t("page.auction.approve"),
          confirm: () => ({ ...ask, lines: [[t("page.auction.public_reason"), stop.reason]], act: t("page.auction.approve") }),
          send: (key) => send("POST", `${path}/motions/${stop.motion_id}/approve`, undefined, key),
          done: () => {},
        }),
      ),
    form({
      fields: [{ name: "reason", label: t("page.auction.public_reason") }],
      act: t("page.auction.propose", { act: t("page.pool.stop") }),
      confirm: ({ reason }) => ({ ...ask, lines: [[t("page.auction.public_reason"), reason]], act: t("page.auction.propose", { act: t("page.pool.stop") }) }),
      send: (values, key) => send("POST", `${path}/stop`, values, key),
      done: () => {},
    }),
  );
}
