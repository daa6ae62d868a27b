"""Replays the commands of an auction as plainly as the law reads, to check a result by.

Nothing is clever here: bids are a list, the leading one is searched for each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from matching.clearing import auction_rules as law
from matching.clearing.auction_awards import expected_awards, order_of
from matching.clearing.auction_packages import Packages
from matching.clearing.auction_priced import answer, place, set_order
from matching.clearing.auction_rounds import Rounds, dutch_result, take
from matching.clearing.auction_table import No, Table, shown

Command = Mapping[str, Any]


class Replay(Table):
    """An auction that plays the commands of one instance."""

    def __init__(
        self, instance: Mapping[str, Any], claimed: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(instance)
        self.refusals: list[dict[str, Any]] = []
        self.accepted: list[int] = []
        self.named: dict[str, int] = {}
        self.rounds = Rounds(self.rules) if self.rules["format"] in law.ROUNDS else None
        self.packages: Packages | None = None
        if self.rules["format"] == "packages":
            self.packages = Packages(self.rules, dict(claimed or {}))
        self.acts: dict[str, Callable[[Command, datetime], None]] = {
            "bid": self._bid,
            "standing": lambda command, at: set_order(self, command, at),
            "begin": lambda *_: None,
            "round": self._round,
            "close": self._close,
            "pause": self._pause,
            "resume": self._resume,
            "outage": self._outage,
            "cancel": self._cancel,
            "withdraw": self._withdraw,
        }

    def run(self, commands: list[Command]) -> None:
        for index, command in enumerate(commands):
            at = law.read_instant(command["at"])
            mark = (len(self.events), len(self.bids), self.closes, self.extensions, self.last)
            try:
                self._act(command, at)
            except No as no:
                count, placed, self.closes, self.extensions, self.last = mark
                del self.events[count:], self.bids[placed:]
                figures = {name: shown(value) for name, value in no.figures.items()}
                self.refusals.append({"command": index, "code": no.code, "figures": figures})
            else:
                self.accepted.append(index)

    def ranking(self) -> list[Mapping[str, Any]]:
        """Return who stands, best first; drawn ties only once they were drawn."""
        is_drawn = self.result is not None and self.rules["tie"] == "draw"
        return order_of(self.rules, self.standing(), self.secret() if is_drawn else None)

    def _act(self, command: Command, at: datetime) -> None:
        name = ""
        if command["cmd"] in ("bid", "standing"):
            by = command["by"]
            self.named[by] = self.named.get(by, 0) + 1
            name = by if self.named[by] == 1 else f"{by}/{self.named[by]}"
        opens = self.rules["opens_at"]
        if self.phase == "open" and self.orders and self.last < opens <= at:
            answer(self, opens)
        self.acts[command["cmd"]]({"bid_id": name, **command}, at)

    def _bid(self, command: Command, at: datetime) -> None:
        form = self.rules["format"]
        if (form == "clock") != ("demand" in command):
            raise No("wrong_command", format=form)
        if (form == "packages") != ("items" in command):
            raise No("wrong_command", format=form)
        if self.packages is not None:
            self.packages.bid(self, command, at)
        elif self.rounds is not None:
            self.require_open(at)
            self.rounds.bid(self, command, at)
        elif form == "dutch":
            take(self, command, at)
        else:
            place(self, command, at)
            answer(self, at)

    def _require_running(self, *, may_pause: bool) -> None:
        if self.phase == "cancelled":
            raise No("cancelled", reason=self.reason)
        if self.phase == "closed":
            raise No("closed")
        if self.phase == "paused" and not may_pause:
            raise No("paused", reason=self.reason)

    def _round(self, _command: Command, at: datetime) -> None:
        if self.rounds is None:
            raise No("wrong_command", format=self.rules["format"])
        self._require_running(may_pause=False)
        self.rounds.end(self, at)

    def _close(self, _command: Command, at: datetime) -> None:
        self._require_running(may_pause=False)
        rounds = self.rounds
        is_over = rounds is not None and at >= rounds.ends and rounds.next() == rounds.prices[-1]
        if at < self.closes and not is_over:
            raise No("not_due", closes_at=self.closes)
        secret = None
        if self.rules["tie"] == "draw":
            commitment = self.rules["draw_commitment"]
            seed = bytes.fromhex(self.draw.get("seed", ""))
            if hashlib.sha256(seed).hexdigest() != commitment or len(seed) != 32:
                raise No("seed_mismatch", commitment=commitment)
            secret = self.secret()
        if self.packages is not None:
            result = self.packages.result(self, at)
        elif rounds is not None:
            result = rounds.result(self, secret)
        elif self.rules["format"] == "dutch":
            result = dutch_result(self)
            secret = None
        else:
            result = self._priced_result(secret)
        if secret is not None:
            result = {**result, "seed": secret[:32].hex(), "beacon": secret[32:].hex()}
        self.finish(at, result)

    def _priced_result(self, secret: bytes | None) -> dict[str, Any]:
        won, skipped, price = expected_awards(self.rules, self.standing(), secret)
        ranked = order_of(self.rules, self.standing(), secret)
        awards = [
            {
                "bidder": bid["bidder"],
                "bid_id": bid["bid_id"],
                "lots": won[bid["bidder"]],
                "price_minor": bid["price_minor"] if price is None else price,
                "item": "",
            }
            for bid in ranked
            if won.get(bid["bidder"])
        ]
        rejected = [
            {
                "bid_id": bid["bid_id"],
                "bidder": bid["bidder"],
                "lots": bid["lots"],
                "price_minor": bid["price_minor"],
                "reason": reason,
            }
            for bid, reason in skipped
        ]
        result = {**self.outcome_of(awards, price), "rejected_in_the_money": rejected}
        reserve = self.rules["reserve_minor"]
        if not awards and self.live() and reserve is not None:
            good = [law.goodness(self.rules, bid["price_minor"]) for bid in self.standing()]
            if max(good) < law.goodness(self.rules, reserve):
                result["outcome"] = "reserve_not_met"
        return result

    def _pause(self, command: Command, at: datetime) -> None:
        self._require_running(may_pause=False)
        if at >= self.closes:
            raise No("late", closes_at=self.closes)
        if at < self.rules["opens_at"]:
            raise No("early", opens_at=self.rules["opens_at"])
        self._stop(at, command.get("reason", ""))

    def _resume(self, _command: Command, at: datetime) -> None:
        self._require_running(may_pause=True)
        if self.phase != "paused":
            raise No("not_paused")
        self._go_on(at)
        if self.orders:
            answer(self, at)

    def _outage(self, command: Command, at: datetime) -> None:
        self._require_running(may_pause=False)
        began = law.read_instant(command["began_at"])
        began = max(began, self.since)
        if began >= self.closes:
            raise No("late", closes_at=self.closes)
        if at <= began:
            raise No("early", opens_at=began)
        self._stop(began, "outage")
        down = at - began
        if down <= timedelta(minutes=15):
            self._go_on(at)

    def _stop(self, since: datetime, reason: str) -> None:
        self.phase, self.reason, self.since = "paused", reason, since
        self.tell("paused", max(since, self.last), reason=reason, since=since)

    def _go_on(self, at: datetime) -> None:
        gone, rounds = at - self.since, self.rounds
        was_over = rounds is not None and rounds.ends <= self.since
        closes, earliest = self.closes + gone, at - gone
        if self.reason == "outage":
            counted = min(gone, timedelta(minutes=15))
            earliest = at + max(counted + timedelta(seconds=60), timedelta(minutes=2))
        closes = max(closes, earliest)
        moved = closes - self.closes
        self.lost += gone
        self.since = at
        self.phase, self.reason = "open", ""
        self.closes, self.stop = closes, self.stop + moved
        if rounds is not None and not was_over:
            rounds.ends = max(rounds.ends + moved, earliest)
        self.tell("resumed", at, closes_at=self.closes, hard_stop=self.stop)

    def _withdraw(self, command: Command, at: datetime) -> None:
        self._require_running(may_pause=True)
        if self.rounds is not None or self.rules["format"] in ("dutch", "packages"):
            raise No("wrong_command", format=self.rules["format"])
        if self.phase == "open" and at >= self.closes:
            raise No("late", closes_at=self.closes)
        taken = [bid for bid in self.live() if bid["seq"] == command["bid_seq"]]
        if not taken:
            raise No("unknown_bid")
        self.tell("bid_withdrawn", at, reason=command["reason"], bid_seq=command["bid_seq"])
        self.withdrawn.add(command["bid_seq"])
        self.orders = [one for one in self.orders if one["bidder"] != taken[0]["bidder"]]
        if self.phase == "open" and self.orders and at >= self.rules["opens_at"]:
            answer(self, at)

    def _cancel(self, command: Command, at: datetime) -> None:
        self._require_running(may_pause=True)
        self.phase, self.reason = "cancelled", command.get("reason", "")
        self.tell("cancelled", at, reason=self.reason)
