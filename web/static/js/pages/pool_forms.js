/** Joining, changing, agreeing to a prolongation and leaving, each with a way back. */

import { newKey, send } from "../core/api.js";
import { cellName } from "../core/catalogue.js";
import { countdown, instant } from "../core/clock.js";
import { h, say } from "../core/dom.js";
import { actButton, form } from "../core/forms.js";
import { amount } from "../core/numbers.js";
import { panel } from "../core/parts.js";
import { refusal } from "../core/problem.js";
import { may } from "../core/viewer.js";
import { t } from "../core/words.js";
import { depositBase, unreached } from "./pool_record.js";

const FEW_CHANGES = 5;

export function joinForm(page) {
  const { pool } = page;
  const proposed = new URLSearchParams(location.search);
  return panel(
    t("page.pool.join"),
    pool.phase === "firming" && h("p", { class: "banner" }, t("page.pool.firming_warning")),
    form({
      fields: [
        {
          name: "lots",
          label: t("page.pool.lots"),
          type: "lots",
          value: proposed.get("lots") ?? "",
          hint: t("page.pool.lots_hint"),
        },
        {
          name: "limit",
          label: t("page.pool.limit"),
          type: "amount",
          value: proposed.get("limit") ?? "",
          hint: `${t("page.pool.limit_hint")} ${page.unit()}`,
        },
        {
          name: "freight",
          label: t("page.pool.freight"),
          type: "amount",
          value: proposed.get("freight") ?? "0.00",
          hint: t("page.pool.freight_hint"),
        },
        {
          name: "tolerance",
          label: t("word.tolerance"),
          type: "lots",
          isOptional: true,
          hint: t("page.pool.tolerance_hint"),
        },
        {
          name: "size",
          label: t("page.pool.size"),
          type: "lots",
          isOptional: true,
          hint: t("page.pool.size_hint"),
        },
        ...prolongField(pool),
      ],
      act: t("page.pool.join"),
      onchange: (values) => looked(page, values),
      confirm: (values) => asking(page, values, "join"),
      send: (values, key) => send("POST", `${page.path}/pledges`, values, key),
      done: async (answer) => {
        say(t("page.pool.joined", { deposit: amount(answer.deposit) }));
        await page.refresh();
      },
    }),
  );
}

export function changeForm(page, you) {
  const { pool } = page;
  const isFirming = pool.phase === "firming";
  return h(
    "details",
    { class: "panel", open: isFirming ? null : true },
    h("summary", {}, t("page.pool.change")),
    isFirming && h("p", { class: "note" }, t("page.pool.only_rises")),
    form({
      fields: [
        { name: "lots", label: t("page.pool.lots"), type: "lots", value: String(you.lots) },
        { name: "limit", label: t("page.pool.limit"), type: "amount", value: you.limit },
        { name: "freight", label: t("page.pool.freight"), type: "amount", value: you.freight },
        { name: "tolerance", label: t("word.tolerance"), type: "lots", value: String(you.tolerance) },
      ],
      act: t("page.pool.change"),
      onchange: (values) => looked(page, values),
      confirm: (values) => asking(page, values, "change"),
      send: (values, key) => send("PATCH", `${page.path}/pledges/${you.pledge_id}`, values, key),
      done: async () => {
        const { lots, limit, freight, tolerance } = you;
        const before = (key) =>
          send("PATCH", `${page.path}/pledges/${you.pledge_id}`, { lots, limit, freight, tolerance }, key);
        say(t("page.pool.changed"), !isFirming && undo(page, t("page.pool.undo_change"), before));
        await page.refresh();
      },
    }),
    you.changes_left <= FEW_CHANGES &&
      h("p", { class: "note" }, t("page.pool.changes_left", { count: you.changes_left })),
  );
}

/** Return the consent to a prolongation: given any time, taken back until firming begins. */
export function prolonging(page, you) {
  const { prolong_minutes: minutes, phase, is_prolonged: isOver } = page.pool;
  if (!minutes || isOver || !may("pools.pledge")) return null;
  const set = (value) => (key) =>
    send("PATCH", `${page.path}/pledges/${you.pledge_id}`, { agrees_to_prolong: value }, key);
  const done = async () => page.refresh();
  const agrees = you.agrees_to_prolong;
  return panel(
    t("page.pool.prolongation"),
    h("p", {}, t(agrees ? "page.pool.prolong_agreed" : "page.pool.prolong_open", { minutes })),
    agrees && phase === "firming" && h("p", { class: "note" }, t("page.pool.prolong_stays")),
    (!agrees || phase === "gathering") &&
      h(
        "p",
        { class: "foot" },
        agrees
          ? actButton({
              label: t("page.pool.prolong_take_back"),
              className: "quiet",
              send: set(false),
              done,
            })
          : actButton({
              label: t("page.pool.prolong_agree"),
              className: "",
              confirm:
                phase === "firming"
                  ? () => ({
                      title: t("page.pool.prolong_ask", { minutes }),
                      note: t("page.pool.prolong_stays"),
                      act: t("page.pool.prolong_agree"),
                    })
                  : undefined,
              send: set(true),
              done,
            }),
      ),
  );
}

/** Return the way out: what it would do, until when, and the button. */
export function leaving(page, you) {
  const { leaving: about, pledge_id: id } = you;
  if (!about) return null;
  if (!about.is_allowed) {
    return panel(t("page.pool.leave"), h("p", { class: "note" }, t("page.pool.no_leaving")));
  }
  if (!may("pools.pledge")) return null;
  const without = about.progress_without_you;
  return panel(
    t("page.pool.leave"),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, t("page.pool.leave_until")),
      h("dd", {}, instant(about.until), " (", countdown(about.until), ")"),
      h("dt", {}, t("page.pool.releases")),
      h("dd", {}, amount(about.releases)),
      without && [
        h("dt", {}, t("page.pool.without_you")),
        h("dd", {}, page.atLeast(without)),
      ],
    ),
    h(
      "p",
      { class: "foot" },
      actButton({
        label: t("page.pool.withdraw"),
        className: "danger",
        confirm: () => ({
          title: t("page.pool.withdraw_ask"),
          lines: [
            [t("page.pool.releases"), amount(about.releases)],
            without && [t("page.pool.without_you"), `${without.percent} %`],
          ].filter(Boolean),
          note: t("page.pool.withdraw_note"),
          act: t("page.pool.withdraw"),
          isDanger: true,
        }),
        send: (key) => send("DELETE", `${page.path}/pledges/${id}`, undefined, key),
        done: async () => {
          const { lots, limit, freight, tolerance, agrees_to_prolong } = you;
          const terms = { lots, limit, freight, tolerance, agrees_to_prolong };
          const again = (key) => send("POST", `${page.path}/pledges`, terms, key);
          say(t("page.pool.withdrawn"), undo(page, t("page.pool.undo_withdraw"), again));
          await page.refresh();
        },
      }),
    ),
  );
}

/** Return a button that takes an act back while its word is still on the screen. */
function undo(page, label, act) {
  const button = h("button", { class: "quiet", type: "button" }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await act(newKey());
      button.closest("p")?.remove();
      say(t("page.pool.undone"));
    } catch (error) {
      if (error.status === undefined) throw error;
      button.replaceWith(refusal(error));
    }
    await page.refresh();
  });
  return [" ", button];
}

function looked(page, values) {
  page.typed = values;
  page.look();
}

function prolongField({ prolong_minutes: minutes, is_prolonged: isOver }) {
  return minutes > 0 && !isOver
    ? [{ name: "agrees_to_prolong", label: t("page.pool.agree_prolong", { minutes }), type: "check" }]
    : [];
}

/** Ask with the deposit of just these terms: what was last looked at may be older than they are. */
export async function asking(page, values, act, word = `page.pool.${act}`) {
  const { freight, tolerance, size } = values;
  const held = await page.previewOf(values);
  return {
    title: t(`page.pool.${act}_ask`),
    lines: [
      [t("word.cell"), cellName(page.pool.cell)],
      [t("word.lots"), page.lots(values.lots)],
      tolerance && [t("word.tolerance"), page.lots(tolerance)],
      size && [t("page.pool.size"), page.lots(size)],
      [t("page.pool.limit"), `${amount(values.limit)} ${page.unit()}`],
      freight && [t("page.pool.freight"), `${amount(freight)} ${page.unit()}`],
      held && [t("word.deposit"), `${amount(held.deposit)} ${t("word.cny")}`],
      held && [t("page.pool.deposit_base"), depositBase(page, held)],
    ].filter(Boolean),
    note: [
      held && unreached(page, held.landed),
      t(page.pool.phase === "firming" ? "page.pool.firming_warning" : "page.pool.binding"),
    ]
      .filter(Boolean)
      .join(" "),
    act: t(word),
  };
}
