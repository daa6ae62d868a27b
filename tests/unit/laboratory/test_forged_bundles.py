"""Bundles that a market forged with its own key: every signature fits, and they are refused."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from aggregator.auctions.bundle import AUDITOR, BIDDER, OWNER, PUBLIC, Reading
from aggregator.journal.facts import canonical
from aggregator.laboratory import bundle as checking
from aggregator.laboratory.bundle import verify_bundle
from aggregator.vault import vault
from matching.clearing.form import GuaranteeBroken
from tests.properties.test_auction_bundles import bundle_of, history

Document = dict[str, Any]
SEED = "11" * 32
COMMITTED = {"commitment": hashlib.sha256(bytes.fromhex(SEED)).hexdigest(), "seed": SEED}
EVERYBODY, ANN = Reading(PUBLIC), Reading(BIDDER, "ann")


def at(minute: str) -> str:
    return f"2027-01-05T11:{minute}:00.000Z"


def command(minute: str, name: str, **more: Any) -> Document:
    return {"at": at(minute), "cmd": name, **more}


def bid(minute: str, by: str, price_minor: int) -> Document:
    return command(minute, "bid", by=by, price_minor=price_minor)


BIDS = [bid("01", "ann", 1000), bid("02", "bob", 1010), bid("04", "ann", 1020)]


def a_bundle(
    reading: Reading, commands: list[Document] | None = None, form: str = "english", **rules: Any
) -> Document:
    """Return an honest bundle, taken apart."""
    given = {"opens_at": at("00"), "closes_at": at("10"), "lots": 2, "step_minor": 10, **rules}
    said = [*(BIDS if commands is None else commands), command("30", "close")]
    world = {"kind": "auction", "side": "sell", "format": form, "rules": given, "commands": said}
    found: Document = json.loads(bundle_of(history(world), reading))
    return found


def signed(document: Document) -> bytes:
    """Return a bundle of these parts as a market would sign it."""
    head = hashlib.sha256(document["auction_id"].encode()).digest()
    for record in document["records"]:
        head = hashlib.sha256(head + canonical(record)).digest()
    said = {name: part for name, part in document.items() if name != "signature"}
    said["head"] = head.hex()
    told = {"count": len(said["records"]), "head": said["head"]}
    checkpoint = {**said["checkpoint"], **told}
    del checkpoint["signature"]
    said["checkpoint"] = {**checkpoint, "signature": vault().sign(canonical(checkpoint))}
    value = vault().sign(canonical(said))
    signature = {"algorithm": "Ed25519", "key": vault().public_key, "value": value}
    return canonical({**said, "signature": signature}) + b"\n"


def numbered(document: Document, kind: str) -> int:
    """Return the place of the first record of a kind."""
    return next(int(one["n"]) for one in document["records"] if one["kind"] == kind)


def retold(document: Document, n: int, change: Callable[[Document], Document]) -> None:
    """Let a record hold something else."""
    for opening in document["openings"]:
        if opening["n"] == n:
            opening["content"] = change(opening["content"])
            salted = bytes.fromhex(opening["salt"]) + canonical(opening["content"])
            document["records"][n - 1]["sha256"] = hashlib.sha256(salted).hexdigest()


def refused(document: Document, why: str) -> None:
    with pytest.raises(GuaranteeBroken, match=why):
        verify_bundle(signed(document))


def test_what_is_signed_anew_without_a_change_holds() -> None:
    assert verify_bundle(signed(a_bundle(EVERYBODY, disclosure="full"))).replayed


@pytest.mark.parametrize("reading", [EVERYBODY, ANN, Reading(OWNER), Reading(AUDITOR)])
def test_bids_that_the_rules_show_are_kept_from_nobody(reading: Reading) -> None:
    document = a_bundle(reading, disclosure="full")
    document["bidders"] = []
    hidden = ("bid", "award", "result")

    document["openings"] = [
        one
        for one in document["openings"]
        if document["records"][one["n"] - 1]["kind"] not in hidden
    ]

    refused(document, r"openings: record 4 \(bid\) is for this reader")


def test_a_rivals_hidden_bid_is_no_bidders_to_read() -> None:
    own, whole = a_bundle(ANN, disclosure="blind"), a_bundle(Reading(AUDITOR), disclosure="blind")
    assert [one["n"] for one in own["openings"]] == [1, 2, 4, 6, 7, 9]

    whole["audience"] = BIDDER
    whole["bidders"] = whole["bidders"][:1]
    whole["openings"] = [one for one in whole["openings"] if one["n"] != 3]

    refused(whole, r"openings: record 5 \(bid\) is not for this reader")


@pytest.mark.parametrize("reading", [EVERYBODY, ANN])
def test_an_auction_closes_no_earlier_though_its_bids_are_hidden(reading: Reading) -> None:
    document = a_bundle(reading, disclosure="blind")

    for record in document["records"][6:]:
        record["at"] = at("05")

    refused(document, r"times: record 7 \(award\): the auction closed before")


def test_hidden_bids_stand_in_the_order_of_their_instants() -> None:
    document = a_bundle(EVERYBODY, disclosure="blind")

    document["records"][3]["at"] = at("03")

    refused(document, r"times: record 5 \(bid\): it is of .* before the record above it")


def test_a_pause_moves_the_close_by_its_length_and_lets_nobody_bid() -> None:
    pause = [command("05", "pause", reason="a question"), command("06", "resume")]
    longer = a_bundle(EVERYBODY, [*BIDS, *pause], disclosure="blind")
    retold(longer, numbered(longer, "resumed"), lambda said: {**said, "closes_at": at("21")})
    refused(longer, r"times: record 8 \(resumed\): it moves the close")

    between = a_bundle(EVERYBODY, [*BIDS[:2], *pause, bid("07", "ann", 1020)], disclosure="blind")
    kinds = [one["kind"] for one in between["records"][5:8]]
    assert kinds == ["paused", "resumed", "bid"]
    for record in between["records"][6:8]:
        record["at"] = at("06")
    order = [between["records"][place] for place in (7, 6)]
    for n, record in zip((7, 8), order, strict=True):
        record["n"] = n
    between["records"][6:8] = order
    for opening in between["openings"]:
        opening["n"] += opening["n"] == 7
    refused(between, r"times: record 7 \(bid\): the auction would refuse it: paused")


def test_only_a_bid_in_the_last_minutes_moves_the_close_and_only_by_the_rule() -> None:
    late = [*BIDS, bid("09", "bob", 1030)]
    further = a_bundle(EVERYBODY, late, disclosure="blind")
    retold(further, numbered(further, "extended"), lambda _: {"closes_at": at("12")})
    refused(further, r"times: record 8 \(extended\): it moves the close")

    earlier = a_bundle(EVERYBODY, late, disclosure="blind")
    earlier["records"][numbered(earlier, "extended") - 2]["at"] = at("08")
    refused(earlier, r"times: record 8 \(extended\): no bid moved the close")


def test_a_draw_uses_the_seed_that_was_promised_though_the_bids_are_hidden() -> None:
    equal = [bid("01", "ann", 1000), bid("02", "bob", 1000)]
    document = a_bundle(ANN, equal, "sealed_first", draw=COMMITTED)

    retold(document, numbered(document, "closed"), lambda said: {**said, "seed": "22" * 32})

    refused(document, "draw: the seed is not the one committed to")


def test_a_draw_uses_no_beacon_that_the_auction_did_not_name() -> None:
    equal = [bid("01", "ann", 1000), bid("02", "bob", 1000)]
    drawn = {**COMMITTED, "beacon": "33" * 32}
    document = a_bundle(Reading(AUDITOR), equal, "sealed_first", draw=drawn)
    assert verify_bundle(signed(document)).replayed

    retold(document, 1, lambda said: {name: said[name] for name in said if name != "beacon"})

    refused(document, "draw: a beacon counted that the auction did not name")


@pytest.mark.parametrize("reading", [EVERYBODY, ANN, Reading(AUDITOR)])
@pytest.mark.parametrize("shown", ["full", "blind"])
def test_a_content_of_another_form_is_refused_in_words(reading: Reading, shown: str) -> None:
    acts = [
        *BIDS,
        command("05", "pause", reason="a question"),
        command("06", "resume"),
        command("07", "withdraw", bid_seq=3, reason="wrong"),
        bid("09", "bob", 1030),
    ]
    honest = signed(a_bundle(reading, acts, disclosure=shown))
    for place, opening in enumerate(json.loads(honest)["openings"]):
        for field in opening["content"]:
            for wrong in ([], {}, [[]], [{}], True, -1, "x", None):
                told(honest, opening["n"], lambda said, f=field, w=wrong: {**said, f: w})
            told(honest, opening["n"], lambda said, f=field: without(said, f))
        if opening["n"] > 1:
            document = json.loads(honest)
            retold(document, opening["n"], lambda said: {**said, "bidder": []})
            refused(document, f"/openings/{place}/content/bidder")


def told(honest: bytes, n: int, change: Callable[[Document], Document]) -> None:
    """Let a record of a bundle hold something else; whatever comes of it is said in words."""
    document = json.loads(honest)
    retold(document, n, change)
    with contextlib.suppress(GuaranteeBroken):
        verify_bundle(signed(document))


def without(content: Document, field: str) -> Document:
    return {name: part for name, part in content.items() if name != field}


@pytest.mark.parametrize("form", ["clock", "japanese"])
@pytest.mark.parametrize("reserve_minor", [1000, 1005, 1500])
def test_some_reserve_explains_announced_prices_too(form: str, reserve_minor: int) -> None:
    rules: Document = {"reserve_minor": reserve_minor, "interval_s": 60, "disclosure": "full"}
    asked = [{"demand": {"march": 2}}, {"demand": {"march": 1}}]
    if form == "clock":
        rules["items"] = [{"id": "march", "lots": 2, "start_minor": 1000}]
    else:
        rules["start_minor"] = 1000
        asked = [{"price_minor": 1000, "lots": lots} for lots in (2, 1)]
    acts = [
        command("00", "bid", by=by, **one) for by, one in zip(("ann", "bob"), asked, strict=True)
    ]
    ends = [command(minute, "round") for minute in ("01", "02", "03")]

    document = a_bundle(EVERYBODY, [*acts, *ends], form, **rules)

    assert verify_bundle(signed(document)).replayed


def test_a_secret_reserve_is_found_among_many_bids_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prices = [1000 + 10 * (step * 7 % 60) for step in range(60)]
    sealed = [bid("01", f"firm{price}", price) | {"lots": 1} for price in prices]
    rules: Document = {"lots": 40, "pricing": "first_rejected", "reserve_minor": 1305}
    document = a_bundle(EVERYBODY, sealed, "sealed_uniform", disclosure="full", **rules)
    tried: list[int | None] = []

    def counted(told: Any, reserve_minor: int | None, said: Any) -> bool:
        tried.append(reserve_minor)
        return follows(told, reserve_minor, said)

    follows = checking._follows
    monkeypatch.setattr(checking, "_follows", counted)

    assert verify_bundle(signed(document)).replayed
    assert len(tried) <= 3
