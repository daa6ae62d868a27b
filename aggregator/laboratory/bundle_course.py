"""What every reader can check of an auction's course: when it was open, and that it closed in time.

Instants, pauses, extensions and rounds stand open in the record for everybody. So whatever the
rules hide of the bids, the closing instant follows from what is shown, as do the seed of a draw
and whether there could be a beacon.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from aggregator.laboratory.histories import (
    FROM_BIDDERS,
    OF_THE_RESULT,
    Content,
    Told,
    is_outage,
)
from aggregator.laboratory.reading import Node
from matching.auctions.bidding import extended_close, require_before_close, require_open
from matching.auctions.clock import round_end
from matching.auctions.commands import Command, Pause, RecordOutage, Resume
from matching.auctions.engine import decide, evolve, initial
from matching.auctions.events import CloseExtended, Event, Opened, Paused, Resumed, RoundOpened
from matching.auctions.rounds import moved_price
from matching.auctions.rules import Rules
from matching.clearing.form import GuaranteeBroken
from matching.errors import RuleViolation

Record = Mapping[str, Any]


def check_course(rules: Rules, records: Sequence[Record], told: Sequence[Told]) -> None:
    """Follow an auction through everything that stands open.

    Raises:
        GuaranteeBroken: a bid outside the window, or a pause, an extension, a round or a close
            that the rules do not make.

    """
    contents = {one.n: one.content for one in told}
    course = _Course(rules, _instant(records[1]["at"]))
    for record in records[3:]:
        try:
            course.follow(record, contents.get(record["n"], {}))
        except RuleViolation as no:
            _broken(record, f"the auction would refuse it: {no.code}")


def check_draw(rules: Rules, told: Sequence[Told]) -> None:
    """Check that a draw of ties used the seed promised, and a beacon only where one was named.

    Raises:
        GuaranteeBroken: it did not.

    """
    closed = next((one.content for one in told if one.kind == "closed"), None)
    if closed is None:
        return
    seed, beacon = closed["seed"], closed["beacon"]
    # A Dutch clock has no ties: who is first takes.
    if rules.tie != "draw" or rules.format == "dutch":
        if seed is not None or beacon is not None:
            raise GuaranteeBroken("draw", "nothing was to be drawn")
        return
    found = hashlib.sha256(bytes.fromhex(seed or "")).hexdigest()
    if seed is None or found != rules.draw_commitment:
        raise GuaranteeBroken("draw", f"the seed is not the one committed to, {found}")
    if beacon and not told[0].content.get("beacon"):
        raise GuaranteeBroken("draw", "a beacon counted that the auction did not name")


class _Course:
    """An auction of which only what everybody sees is known."""

    def __init__(self, rules: Rules, opened_at: datetime) -> None:
        self._rules = rules
        self._state = initial(Opened(opened_at, rules))
        self._before: Record = {}
        self._resumed: Event | None = None
        self._bids = 0
        self._withdrawn: set[int] = set()
        self._ended_at: datetime | None = None

    def follow(self, record: Record, content: Content) -> None:
        """Take one record further."""
        kind, at = record["kind"], _instant(record["at"])
        if at < self._state.at:
            _broken(record, f"it is of {record['at']}, before the record above it")
        if self._resumed is not None and kind != "resumed":
            _broken(record, "the outage above it had ended at once")
        if self._ended_at not in (None, at) or (self._ended_at and kind not in OF_THE_RESULT):
            _broken(record, "it came after the close")
        if kind in OF_THE_RESULT:
            self._end(record, at)
        elif kind in FROM_BIDDERS:
            require_open(self._state, at)
            self._bids += kind == "bid"
            self._state = replace(self._state, at=at)
        else:
            self._act(record, kind, content, at)
        self._before = record

    def _act(self, record: Record, kind: str, content: Content, at: datetime) -> None:
        match kind:
            case "standing":
                require_before_close(self._state, at)
                self._state = replace(self._state, at=at)
            case "extended":
                self._extend(record, content, at)
            case "paused":
                self._pause(record, content, at)
            case "resumed":
                self._resume(record, content, at)
            case "round":
                self._open_round(record, content, at)
            case "withdrawn":
                self._withdraw(record, content["bid_seq"])
            case "cancelled":
                self._ended_at = at

    def _end(self, record: Record, at: datetime) -> None:
        """Check that the first word of the result came no earlier than the close."""
        if self._ended_at is not None:
            return
        if self._state.phase == "paused":
            _broken(record, "the auction was paused")
        clock, before = self._state.clock, self._before
        is_last_round = clock is not None and at >= clock.ends_at
        is_sold_out = (
            self._rules.format == "dutch" and before.get("kind") == "bid" and _at(before) == at
        )
        if at < self._state.closes_at and not is_last_round and not is_sold_out:
            _broken(record, f"the auction closed before {self._state.closes_at.isoformat()}")
        self._ended_at = at

    def _extend(self, record: Record, content: Content, at: datetime) -> None:
        said, before = _instant(content["closes_at"]), self._before
        if self._rules.format != "english" or before.get("kind") != "bid" or _at(before) != at:
            _broken(record, "no bid moved the close")
        if extended_close(self._state, at) != said:
            _broken(record, f"it moves the close to {content['closes_at']}")
        self._state = evolve(self._state, CloseExtended(at, said, record["n"]))

    def _pause(self, record: Record, content: Content, at: datetime) -> None:
        since, recorded_at = _instant(content["since"]), _instant(content["recorded_at"])
        is_found = is_outage(Told(record["n"], record["at"], "paused", content))
        command: Command = RecordOutage(since) if is_found else Pause(content["reason"])
        paused, *resumed = decide(self._state, command, recorded_at)
        if paused != Paused(at, content["reason"], since):
            _broken(record, f"it pauses from {content['since']}")
        self._state = evolve(self._state, paused)
        self._resumed = resumed[0] if resumed else None

    def _resume(self, record: Record, content: Content, at: datetime) -> None:
        follows = self._resumed or decide(self._state, Resume(), at)[0]
        said = Resumed(at, _instant(content["closes_at"]), _instant(content["hard_stop"]))
        if follows != said:
            _broken(record, f"it moves the close to {content['closes_at']}")
        self._state, self._resumed = evolve(self._state, said), None

    def _open_round(self, record: Record, content: Content, at: datetime) -> None:
        clock, rules = self._state.clock, self._rules
        if clock is None or self._state.phase == "paused" or at < clock.ends_at:
            _broken(record, "no round was over")
        said = [(name, price) for name, price in content["prices"]]
        old = list(zip(clock.items, clock.prices, strict=True))
        may = [{price, moved_price(rules, price)} for _, price in old]
        is_one_step = [name for name, _ in said] == list(clock.items) and all(
            price in prices for (_, price), prices in zip(said, may, strict=True)
        )
        if not is_one_step or said == old:
            _broken(record, f"prices do not move to {content['prices']}")
        ends_at = round_end(rules, at, self._state.closes_at)
        if content["round"] != clock.round + 1 or _instant(content["ends_at"]) != ends_at:
            _broken(record, f"round {content['round']} does not end at {content['ends_at']}")
        opened = RoundOpened(at, content["round"], ends_at, tuple(said))
        self._state = evolve(self._state, opened)

    def _withdraw(self, record: Record, seq: int) -> None:
        if self._state.phase == "open":
            require_before_close(self._state, _at(record))
        if not 1 <= seq <= self._bids or seq in self._withdrawn:
            _broken(record, f"bid {seq} did not stand")
        self._withdrawn.add(seq)
        self._state = replace(self._state, at=_at(record))


def _at(record: Record) -> datetime:
    return _instant(record["at"])


def _instant(text: str) -> datetime:
    return Node(text, "").instant()


def _broken(record: Record, detail: str) -> NoReturn:
    raise GuaranteeBroken("times", f"record {record['n']} ({record['kind']}): {detail}")
