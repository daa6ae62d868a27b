"""The rounds of an auction with announced prices: what is asked, and what was answered.

A demand stands for its round only. Who says nothing in the next round keeps what he asked
for at prices that did not move and leaves the items whose price did: nobody is ever held
to a price that he did not accept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from matching.auctions.events import DemandPlaced, RoundOpened
from matching.auctions.rules import Rules

Lots = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Demand:
    """Lots by place of the item; `seq` and `bid_id` are those of the act that said so."""

    lots: Lots
    seq: int
    bid_id: str

    @property
    def total(self) -> int:
        return sum(self.lots)


@dataclass(frozen=True, slots=True)
class Clock:
    """`asked` are the demands of this round, `before` those that stood in the last one.

    `excess` holds for each item the price and demands of the last round in which more was
    wanted than there is, or None.
    """

    items: tuple[str, ...]
    round: int
    ends_at: datetime
    prices: Lots
    asked: dict[str, Demand] = field(default_factory=dict)
    before: dict[str, Demand] = field(default_factory=dict)
    moved: tuple[bool, ...] = ()
    excess: tuple[tuple[int, dict[str, Demand]] | None, ...] = ()
    acts: int = 0
    ids: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, rules: Rules) -> Clock:
        items = rules.announced
        return cls(
            items=tuple(item.id for item in items),
            round=0,
            ends_at=round_end(rules, rules.opens_at, rules.closes_at),
            prices=tuple(item.start_minor for item in items),
            moved=(True,) * len(items),
            excess=(None,) * len(items),
        )

    def standing(self) -> dict[str, Demand]:
        """Return each bidder's demand in this round, said or kept, in order of bidder."""
        bidders = sorted({*self.asked, *self.before})
        found = {bidder: self.standing_of(bidder) for bidder in bidders}
        return {bidder: demand for bidder, demand in found.items() if demand is not None}

    def standing_of(self, bidder: str) -> Demand | None:
        """Return a bidder's demand in this round, said or kept, None for who asks for nothing."""
        said, demand = self.asked.get(bidder), self.before.get(bidder)
        if said is not None or demand is None:
            return said
        pairs = zip(demand.lots, self.moved, strict=True)
        kept = tuple(0 if is_moved else lots for lots, is_moved in pairs)
        return replace(demand, lots=kept) if any(kept) else None

    def totals(self) -> Lots:
        stands = self.standing().values()
        return tuple(sum(demand.lots[i] for demand in stands) for i in range(len(self.items)))

    def eligible(self, bidder: str) -> int | None:
        """Return the most lots that a bidder may ask for in all, None in the first round."""
        if self.round == 0:
            return None
        demand = self.before.get(bidder)
        return 0 if demand is None else demand.total

    def with_demand(self, event: DemandPlaced) -> Clock:
        wanted = dict(event.demand)
        lots = tuple(wanted.get(item, 0) for item in self.items)
        asked = {**self.asked, event.bidder: Demand(lots, event.seq, event.bid_id)}
        ids = self.ids | {(event.bidder, event.bid_id)}
        return replace(self, asked=asked, acts=event.seq, ids=ids)

    def opened(self, event: RoundOpened) -> Clock:
        stands = self.standing()
        prices = tuple(price for _, price in event.prices)
        moved = tuple(new != old for new, old in zip(prices, self.prices, strict=True))
        excess = tuple(
            (old, stands) if is_moved else before
            for old, is_moved, before in zip(self.prices, moved, self.excess, strict=True)
        )
        return replace(
            self,
            round=event.round,
            ends_at=event.ends_at,
            prices=prices,
            asked={},
            before=stands,
            moved=moved,
            excess=excess,
        )

    def ending_at(self, ends_at: datetime) -> Clock:
        return replace(self, ends_at=ends_at)


def round_end(rules: Rules, begins_at: datetime, closes_at: datetime) -> datetime:
    """Return when a round ends that begins now; the auction's close ends every round."""
    return min(begins_at + timedelta(seconds=rules.interval_s), closes_at)
