/** Who decides in whose place: a boss names a colleague for while he is away, and ends it. */

import { get, send } from "../core/api.js";
import { instant, now, toLocal } from "../core/clock.js";
import { fill, h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { empty, panel, table } from "../core/parts.js";
import { may, personId, plays } from "../core/viewer.js";
import { t } from "../core/words.js";

const DECIDING = ["approver", "buyer", "finance", "owner", "seller"];
const A_WEEK = 7 * 86_400_000;

/** Fill `top` with those one stands in for now, `body` with all that is agreed and a form; return how to refresh it. */
export async function showAway(top, body) {
  if (!may("approvals.substitute")) return () => {};
  const list = h("div", { class: "live" });
  const refresh = async () => {
    const { substitutes } = await get("/substitutes");
    fill(top, substitutes.filter(isMine).map(standsIn));
    fill(list, listOf(substitutes, refresh));
  };
  const [{ people }] = await Promise.all([get("/people"), refresh()]);
  fill(body, panel(t("page.away.title"), h("p", { class: "note" }, t("page.away.note")), list, nameForm(people, refresh)));
  return refresh;
}

function isMine({ substitute_id: id, is_in_force: isInForce }) {
  return isInForce && id === personId;
}

function standsIn({ person, ends_at: endsAt }) {
  return h("p", { class: "note" }, t("page.away.for", { name: person }), " ", instant(endsAt));
}

function listOf(substitutes, refresh) {
  if (substitutes.length === 0) return empty(t("page.away.empty"));
  return table({
    rows: substitutes,
    columns: [
      { label: t("page.away.person"), cell: (row) => row.person },
      { label: t("page.away.substitute"), cell: (row) => row.substitute },
      { label: t("page.away.from"), cell: (row) => instant(row.begins_at) },
      { label: t("page.approvals.until"), cell: (row) => instant(row.ends_at) },
      {
        label: t("word.state"),
        cell: (row) => [t(row.is_in_force ? "page.away.now" : "page.away.later"), " ", ending(row, refresh)],
      },
    ],
  });
}

function ending(row, refresh) {
  if (row.person_id !== personId && !plays("owner")) return null;
  return actButton({
    label: t("page.away.end"),
    className: "danger",
    confirm: () => ({
      title: t("page.away.end_ask"),
      lines: [
        [t("page.away.person"), row.person],
        [t("page.away.substitute"), row.substitute],
      ],
      act: t("page.away.end"),
      isDanger: true,
    }),
    send: (key) => send("DELETE", `/substitutes/${row.person_id}/${row.substitute_id}`, undefined, key),
    done: refresh,
  });
}

function nameForm(people, refresh) {
  const colleagues = people.filter(
    ({ person_id: id, roles }) => id !== personId && roles.some((role) => DECIDING.includes(role)),
  );
  if (colleagues.length === 0) return empty(t("page.away.nobody"));
  return form({
    fields: [
      {
        name: "person",
        label: t("page.away.substitute"),
        type: "select",
        options: colleagues.map(({ person_id: id, person }) => [id, person]),
      },
      { name: "begins_at", label: t("page.away.from"), type: "instant", value: toLocal(now()) },
      { name: "ends_at", label: t("page.approvals.until"), type: "instant", value: toLocal(now() + A_WEEK) },
    ],
    act: t("page.away.name"),
    send: (values, key) => send("POST", "/substitutes", values, key),
    done: async () => {
      say(t("page.away.named"));
      await refresh();
    },
  });
}
