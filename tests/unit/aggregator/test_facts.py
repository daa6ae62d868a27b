"""A fact has one canonical form, by whichever writer it is made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

import aggregator.reactions  # noqa: F401 - every fact is registered
from aggregator.journal import facts
from aggregator.journal.facts import body_of, canonical, canonical_body
from matching.auctions.events import BidPlaced, CloseExtended, Paused, StandingSet

AT = datetime(2027, 3, 1, 9, 30, 5, 120_000, tzinfo=UTC)
BID = BidPlaced(AT, 7, "bid_1", 'org_é\u2028\U0001f36c"\\', 500_000, 10, True, (("a", -3),), 9)


@pytest.mark.parametrize(
    "fact",
    [
        BID,
        replace(BID, at=AT.replace(microsecond=0), attributes=()),
        replace(BID, at=AT.replace(microsecond=1)),
        replace(BID, at=AT.astimezone(timezone(timedelta(hours=8)))),
        replace(BID, price_minor=2**70),
        CloseExtended(AT, AT + timedelta(days=400), 3),
        Paused(AT, "outage", None),
        Paused(AT, "", AT),
        StandingSet(AT, 1, "std_1", "org", None),
    ],
)
def test_both_writers_make_the_same_bytes(fact: object) -> None:
    assert canonical_body(fact) == canonical(body_of(fact))


def test_bids_are_written_at_once() -> None:
    assert "price_minor" in facts._plain_fields(BidPlaced)[0]
