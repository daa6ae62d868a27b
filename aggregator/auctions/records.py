"""The public record of an auction: what happened, as commitments in a chain.

Each fact becomes one record or more. A record names its kind and instant and the SHA-256 of its
salted content, so the whole chain can be shown to everybody while each content is opened only
to whom the rules allow. Salts and the marks that stand for bidders follow from a key of the
auction that its bidders never learn. `docs/bundle.md` tells it for other programs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from aggregator.auctions.facts import AuctionListed
from aggregator.journal.facts import canonical, stamp
from aggregator.laboratory import plain
from aggregator.vault import derived
from matching.auctions.events import (
    BidPlaced,
    BidWithdrawn,
    Cancelled,
    Closed,
    CloseExtended,
    DemandPlaced,
    Opened,
    PackagePlaced,
    PackagesCleared,
    Paused,
    Resumed,
    RoundOpened,
    StandingSet,
)
from matching.auctions.rules import Rules
from matching.values import value

Content = Mapping[str, Any]
Told = tuple[str, datetime, Content]
"""A kind, an instant and a content."""

OfABidder = BidPlaced | DemandPlaced | PackagePlaced | StandingSet
_NOT_IN_RULES = {"side", "format", "draw_commitment", "reserve_minor"}
_IN_RULES_IF_SET = {"all_lots_or_none"}


@dataclass(frozen=True, slots=True)
class Record:
    """One link: what the chain shows of it, and what is shown to some."""

    n: int
    at: str
    kind: str
    salt: bytes
    content: Content

    @property
    def shown(self) -> dict[str, Any]:
        """What everybody sees of the record."""
        digest = hashlib.sha256(self.salt + canonical(self.content)).hexdigest()
        return {"n": self.n, "at": self.at, "kind": self.kind, "sha256": digest}


@value
class Chain:
    """The record so far: how many links, and the hash that stands for all of them."""

    key: bytes
    count: int
    head: bytes

    @classmethod
    def of(cls, key: bytes, auction_id: str) -> Chain:
        return cls(key, 0, hashlib.sha256(auction_id.encode()).digest())

    def advanced(self, fact: object, recorded_at: datetime) -> Chain:
        """Return the chain after a fact; what a bid costs is a few hashes."""
        if type(fact) is not BidPlaced:
            return self.after(fact, recorded_at)[0]
        key, n = self.key, self.count + 1
        content = canonical(_of_a_bid(fact, mark_of(key, fact.bidder)))
        digest = hashlib.sha256(derived(key, f"salt/{n}") + content).hexdigest()
        # `Record.shown` in canonical form, at once.
        shown = f'{{"at":"{stamp(fact.at)}","kind":"bid","n":{n},"sha256":"{digest}"}}'
        return Chain(key, n, hashlib.sha256(self.head + shown.encode()).digest())

    def after(self, fact: object, recorded_at: datetime) -> tuple[Chain, list[Record]]:
        """Return the chain with the records of a fact, and those records."""
        chain, made = self, []
        for kind, at, content in told_by(fact, recorded_at, chain.key):
            n = chain.count + 1
            salt = derived(chain.key, f"salt/{n}")
            record = Record(n, plain.instant(at), kind, salt, content)
            head = hashlib.sha256(chain.head + canonical(record.shown)).digest()
            chain = replace(chain, count=n, head=head)
            made.append(record)
        return chain, made


def mark_salt(key: bytes, organisation_id: str) -> bytes:
    return derived(key, f"bidder/{organisation_id}")


@lru_cache(maxsize=65_536)
def mark_of(key: bytes, organisation_id: str) -> str:
    """Return the name under which a bidder stands in the record, the same all along."""
    salted = mark_salt(key, organisation_id) + organisation_id.encode()
    return hashlib.sha256(salted).hexdigest()


def told_by(fact: object, recorded_at: datetime, key: bytes | None) -> Iterator[Told]:
    """Tell a fact as records; without a key bidders go by their own names."""
    match fact:
        case AuctionListed():
            yield "listed", recorded_at, _listed(fact)
        case Opened(at=at, rules=rules):
            yield "rules", at, _rules(rules)
            yield "reserve", at, {"reserve_minor": rules.reserve_minor}
        case BidPlaced() | DemandPlaced() | PackagePlaced() | StandingSet():
            yield _of_a_bidder(fact, key)
        case RoundOpened():
            prices = plain.value(fact.prices)
            ends_at = plain.instant(fact.ends_at)
            yield (
                "round",
                fact.at,
                {
                    "round": fact.round,
                    "ends_at": ends_at,
                    "prices": prices,
                },
            )
        case CloseExtended():
            yield "extended", fact.at, {"closes_at": plain.instant(fact.closes_at)}
        case Paused():
            yield (
                "paused",
                fact.at,
                {
                    "reason": fact.reason,
                    "since": plain.instant(fact.since or fact.at),
                    "recorded_at": plain.instant(recorded_at),
                },
            )
        case Resumed():
            yield (
                "resumed",
                fact.at,
                {
                    "closes_at": plain.instant(fact.closes_at),
                    "hard_stop": plain.instant(fact.hard_stop),
                },
            )
        case PackagesCleared():
            names = [one.name for one in fields(fact) if one.name != "at"]
            yield "proof", fact.at, {name: plain.value(getattr(fact, name)) for name in names}
        case Closed():
            yield from _closed(fact, key)
        case BidWithdrawn():
            yield "withdrawn", fact.at, {"bid_seq": fact.seq, "reason": fact.reason}
        case Cancelled():
            yield "cancelled", fact.at, {"reason": fact.reason}


def _listed(listing: AuctionListed) -> Content:
    names = (
        "auction_id title owner_id owner_name instrument_id instrument_name_zh instrument_name_en"
        " lot_text region tenor cell currency deposit_bps"
    )
    shown = {name: getattr(listing, name) for name in names.split()}
    drawn_with = {"beacon": listing.beacon} if listing.beacon else {}
    return {**shown, "kinds": list(listing.kinds), **drawn_with}


def _rules(rules: Rules) -> Content:
    given: dict[str, Any] = {}
    for item in fields(rules):
        value = getattr(rules, item.name)
        if item.name in _NOT_IN_RULES or (item.name in _IN_RULES_IF_SET and not value):
            continue
        if value not in (None, (), "auto"):
            given[item.name] = plain.value(value)
    # Whether there is a secret reserve is a secret too; a public one stands in its own record.
    if rules.draw_commitment is not None:
        given["draw"] = {"commitment": rules.draw_commitment}
    return {"side": rules.side, "format": rules.format, "rules": given}


def _of_a_bidder(fact: OfABidder, key: bytes | None) -> Told:
    bidder = fact.bidder if key is None else mark_of(key, fact.bidder)
    match fact:
        case BidPlaced():
            return "bid", fact.at, _of_a_bid(fact, bidder)
        case DemandPlaced():
            content: Content = {
                "bid_id": fact.bid_id,
                "bidder": bidder,
                "round": fact.round,
                "demand": dict(fact.demand),
            }
            return "demand", fact.at, content
        case PackagePlaced():
            content = {
                "bid_id": fact.bid_id,
                "bidder": bidder,
                "items": list(fact.items),
                "price_minor": fact.price_minor,
                "lots": fact.lots,
                "xor": fact.xor,
            }
            return "package", fact.at, _with_terms(content, fact)
        case StandingSet():
            content = {
                "standing_id": fact.standing_id,
                "bidder": bidder,
                "limit_minor": fact.limit_minor,
            }
            return "standing", fact.at, content


def _of_a_bid(bid: BidPlaced, bidder: str) -> Content:
    content: dict[str, Any] = {
        "bid_id": bid.bid_id,
        "bidder": bidder,
        "price_minor": bid.price_minor,
        "lots": bid.lots,
        "all_or_none": bid.all_or_none,
    }
    return _with_terms(content, bid)


def _with_terms(content: Content, bid: BidPlaced | PackagePlaced) -> Content:
    """Return what was bid with its scored terms, if there are any."""
    return {**content, "attributes": dict(bid.attributes)} if bid.attributes else content


def _closed(fact: Closed, key: bytes | None) -> Iterator[Told]:
    result = fact.result

    def named(bidder: str) -> str:
        return bidder if key is None else mark_of(key, bidder)

    for won in result.awards:
        yield (
            "award",
            fact.at,
            {
                "bid_id": won.bid_id,
                "bidder": named(won.bidder),
                "lots": won.lots,
                "price_minor": won.price_minor,
                "item": won.item,
            },
        )
    for left in result.rejected_in_the_money:
        yield (
            "left_out",
            fact.at,
            {
                "bid_id": left.bid_id,
                "bidder": named(left.bidder),
                "lots": left.lots,
                "price_minor": left.price_minor,
                "reason": left.reason,
            },
        )
    yield (
        "result",
        fact.at,
        {
            "outcome": result.outcome,
            "clearing_price_minor": result.clearing_price_minor,
            "unawarded_lots": result.unawarded_lots,
        },
    )
    yield (
        "closed",
        fact.at,
        {
            "is_awarded": bool(result.awards),
            "item_prices": dict(result.item_prices),
            "seed": result.seed,
            "beacon": result.beacon,
        },
    )
