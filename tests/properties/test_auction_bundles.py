"""Bundles of random auctions hold for every reader, and no byte of one can be changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.auctions.bundle import AUDITOR, BIDDER, OPERATOR, OWNER, PUBLIC, Reading, document
from aggregator.auctions.replaying import played
from aggregator.journal.reading import Entry
from aggregator.laboratory.bundle import verify_bundle
from matching.clearing.form import GuaranteeBroken
from tests.properties.auction_worlds import (
    NAMES,
    announced_auctions,
    book_auctions,
    history,
    package_auctions,
)

READERS = [Reading(kind) for kind in (PUBLIC, OWNER, OPERATOR, AUDITOR)]
READERS += [Reading(BIDDER, name) for name in NAMES]

worlds = st.one_of(book_auctions(), announced_auctions(), package_auctions())


def bundle_of(found: list[Entry], reader: Reading) -> bytes:
    return document(found[0].stream.removeprefix("auction:"), found, reader)


@settings(max_examples=200, deadline=None)
@given(worlds, st.sampled_from(READERS))
def test_every_bundle_holds_for_every_reader(instance: dict[str, Any], reader: Reading) -> None:
    found = history(instance)

    raw = bundle_of(found, reader)
    report = verify_bundle(raw)

    assert report.audience == reader.audience
    if reader.audience == AUDITOR:
        assert report.replayed


@settings(max_examples=200, deadline=None)
@given(worlds, st.sampled_from(READERS), st.data())
def test_every_single_byte_mutation_fails(
    instance: dict[str, Any], reader: Reading, data: st.DataObject
) -> None:
    raw = bytearray(bundle_of(history(instance), reader))
    place = data.draw(st.integers(0, len(raw) - 1))

    raw[place] = (raw[place] + data.draw(st.integers(1, 255))) % 256

    with pytest.raises(GuaranteeBroken):
        verify_bundle(bytes(raw))


@settings(max_examples=100, deadline=None)
@given(worlds)
def test_the_journal_plays_again_to_the_same_facts(instance: dict[str, Any]) -> None:
    found = history(instance)

    again = played(found[2:])

    assert (again.difference, again.checked) == ("", "")
    assert again.state.phase in ("closed", "cancelled")


@settings(max_examples=100, deadline=None)
@given(st.one_of(book_auctions(), package_auctions()), st.sampled_from(["rank", "blind"]))
def test_a_rivals_hidden_bid_opens_to_nobody_else(instance: dict[str, Any], shown: str) -> None:
    instance["rules"]["disclosure"] = shown
    found = history(instance)

    for reader in [Reading(PUBLIC), *READERS[4:]]:
        said = json.loads(bundle_of(found, reader))
        kinds = {record["n"]: record["kind"] for record in said["records"]}
        opened = [one for one in said["openings"] if "bidder" in one["content"]]
        mine = {one["mark"] for one in said["bidders"]}
        assert all(one["content"]["bidder"] in mine for one in opened)
        assert {one["organisation_id"] for one in said["bidders"]} <= {reader.organisation_id}
        assert "result" not in {kinds[one["n"]] for one in said["openings"]}


def test_a_market_that_drops_a_bid_after_the_close_is_found_out() -> None:
    rules = {
        "opens_at": "2027-01-05T11:00:00Z",
        "closes_at": "2027-01-05T11:10:00Z",
        "lots": 2,
        "step_minor": 10,
        "disclosure": "full",
    }
    bids = [
        {"at": "2027-01-05T11:01:00Z", "by": name, "cmd": "bid", "price_minor": price}
        for name, price in (("a", 1000), ("b", 1010), ("a", 1020))
    ]
    close = {"at": "2027-01-05T11:10:00Z", "cmd": "close"}
    world = {
        "kind": "auction",
        "side": "sell",
        "format": "english",
        "rules": rules,
        "commands": [*bids, close],
    }
    found = history(world)
    honest = json.loads(bundle_of(found, Reading(AUDITOR)))

    without = [entry for entry in found if getattr(entry.fact, "price_minor", 0) != 1020]

    assert honest["openings"][5]["content"]["price_minor"] == 1020
    with pytest.raises(GuaranteeBroken, match="checkpoint"):
        verify_bundle(bundle_of(without, Reading(AUDITOR)))
