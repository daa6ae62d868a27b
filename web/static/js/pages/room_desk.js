/** The operator's desk in an auction room: one person proposes, another one approves. */

import { send } from "../core/api.js";
import { countdown, now } from "../core/clock.js";
import { h } from "../core/dom.js";
import { form, secondPerson } from "../core/forms.js";
import { amount, lots } from "../core/numbers.js";
import { panel } from "../core/parts.js";
import { personId } from "../core/viewer.js";
import { bidderName, t } from "../core/words.js";

/** Return the desk, or null where the auction is over. */
export function desk(room) {
  const { phase, motions = [] } = room.auction;
  if (["closed", "cancelled"].includes(phase)) return null;
  return panel(
    t("page.auction.desk"),
    motions.filter(({ expires_at: at }) => Date.parse(at) > now()).map((motion) => proposed(room, motion)),
    phase === "open" && proposal(room, "pause"),
    phase === "paused" && proposal(room, "resume"),
    h("details", {}, h("summary", {}, t("page.auction.withdraw")), withdrawal(room)),
    h("details", {}, h("summary", {}, t("page.auction.cancel")), proposal(room, "cancel")),
  );
}

function proposed(room, motion) {
  const { motion_id: id, act, reason, expires_at: until, bid_id: bidId } = motion;
  const bid = bids(room).find(([one]) => one === bidId);
  const which = bidId && [[t("page.auction.bid_id"), bid ? `${bid[1]} (${bidId})` : bidId]];
  return h(
    "div",
    { class: "banner" },
    h("p", {}, t("page.auction.motion", { act: t(`page.auction.${act}`), reason })),
    which && which.map(([name, value]) => h("p", {}, name, " ", value)),
    h("p", { class: "note" }, t("page.auction.motion_note"), " ", countdown(until)),
    secondPerson(motion.proposed_by === personId, {
      label: t("page.auction.approve"),
      confirm: () => ({
        title: t(`page.auction.${act}`),
        lines: [...(which || []), [t("page.auction.public_reason"), reason]],
        note: t(`page.auction.${act}_note`),
        act: t("page.auction.approve"),
        isDanger: ["cancel", "withdraw"].includes(act),
      }),
      send: (key) => send("POST", `${room.path}/motions/${id}/approve`, undefined, key),
      done: () => room.refresh(),
    }),
  );
}

/** Return the bids that the operator may see now, each with words for it. */
function bids({ auction }) {
  const known = auction.standing ?? auction.packages ?? [];
  return known
    .filter(({ bid_id: id }) => id)
    .map((bid) => [bid.bid_id, `${bidderName(auction, bid.bidder)}: ${amount(bid.price)} × ${lots(bid.lots)}`]);
}

function withdrawal(room) {
  const options = bids(room);
  const act = t("page.auction.propose", { act: t("page.auction.withdraw") });
  return form({
    fields: [
      { name: "bid", label: t("page.auction.bid_id"), ...(options.length ? { type: "select", options } : {}) },
      { name: "reason", label: t("page.auction.public_reason") },
    ],
    act,
    confirm: ({ bid, reason }) => ({
      title: t("page.auction.withdraw"),
      lines: [
        [t("page.auction.bid_id"), options.find(([id]) => id === bid)?.[1] ?? bid],
        [t("page.auction.public_reason"), reason],
      ],
      note: t("page.auction.withdraw_note"),
      act,
      isDanger: true,
    }),
    send: ({ bid, reason }, key) =>
      send("POST", `${room.path}/bids/${encodeURIComponent(bid)}/withdraw`, { reason }, key),
    done: () => room.refresh(),
  });
}

function proposal(room, act) {
  return form({
    fields: [{ name: "reason", label: t("page.auction.public_reason") }],
    act: t("page.auction.propose", { act: t(`page.auction.${act}`) }),
    confirm: () => ({
      title: t(`page.auction.${act}`),
      note: t(`page.auction.${act}_note`),
      act: t("page.auction.propose", { act: t(`page.auction.${act}`) }),
      isDanger: act === "cancel",
    }),
    send: (values, key) => send("POST", `${room.path}/${act}`, values, key),
    done: () => room.refresh(),
  });
}
