"""Short ways to say what an auction test is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from matching.auctions.commands import Close, Command, PlaceBid
from matching.auctions.engine import decide, evolve, initial, open_auction
from matching.auctions.events import Event
from matching.auctions.rules import Rules
from matching.auctions.state import State

OPENS = datetime(2027, 1, 5, 11, tzinfo=UTC)
CLOSES = datetime(2027, 1, 5, 12, tzinfo=UTC)


def some_rules(**given: object) -> Rules:
    return Rules(
        **{
            "side": "buy",
            "format": "english",
            "opens_at": OPENS,
            "closes_at": CLOSES,
            "hard_stop": CLOSES + timedelta(minutes=10),
            "lots": 100,
            "tick_minor": 100,
            "step_minor": 1000,
            "start_minor": 500_000,
            **given,
        }
    )


def before_close(seconds: float) -> datetime:
    return CLOSES - timedelta(seconds=seconds)


class Run:
    """An auction that remembers what happened in it."""

    def __init__(self, rules: Rules) -> None:
        opened = open_auction(rules, OPENS - timedelta(hours=1))
        self.events: list[Event] = [opened]
        self.state: State = initial(opened)

    def do(self, command: Command, at: datetime) -> list[Event]:
        events = decide(self.state, command, at)
        for event in events:
            self.state = evolve(self.state, event)
        self.events += events
        return events

    def bid(
        self, bidder: str, price: int, at: datetime | None = None, lots: int | None = None, **more
    ) -> list[Event]:
        count = self.state.book.count
        at = at or OPENS + timedelta(seconds=1 + count)
        bid_id = more.pop("bid_id", f"{bidder}-{count}")
        return self.do(PlaceBid(bid_id, bidder, price, lots, **more), at)

    def close(self, at: datetime | None = None, **draw: str) -> Run:
        self.do(Close(**draw), at or self.state.closes_at)
        return self

    def awards(self) -> dict[str, tuple[int, int]]:
        assert self.state.result is not None
        return {won.bidder: (won.lots, won.price_minor) for won in self.state.result.awards}
