"""Checking a verification bundle: no database, no network, nobody believed.

`docs/bundle.md` says what a bundle holds and what each check shows; a checker in another
language follows from that page alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from aggregator.laboratory import auction
from aggregator.laboratory.bundle_contents import check_content, check_hexadecimal
from aggregator.laboratory.bundle_course import check_course, check_draw
from aggregator.laboratory.bundle_sight import ALWAYS_OPEN, AUDIENCES, BIDDER, KINDS, shown_kinds
from aggregator.laboratory.clearing import clear_document
from aggregator.laboratory.histories import (
    FROM_BIDDERS,
    Told,
    comparable,
    instance_of,
    said_again,
)
from aggregator.laboratory.reading import BadInput, Node, read_document
from aggregator.vault import is_signed
from matching.auctions.rules import Rules
from matching.clearing.certificate import canonical_json, check
from matching.clearing.form import GuaranteeBroken

FORMAT = "aggregator.bundle/1"
CHECKPOINT = "aggregator.checkpoint/1"
MAX_RECORDS = 200_000
_MAX_OPENING_FIELDS = 40


@dataclass(frozen=True, slots=True)
class Report:
    """What a bundle shows. `replayed` says that the result was computed again from all bids."""

    auction_id: str
    audience: str
    records: int
    opened: int
    head: str
    key: str
    replayed: bool
    own_bids: int
    receipts: int


def verify_bundle(raw: bytes, key: str | None = None, receipts: Sequence[str] = ()) -> Report:
    """Check a bundle as it was published, byte by byte.

    `key` is the installation's published key; without it the bundle's own is taken, and the
    report names it for the reader to compare. `receipts` are hashes that a bidder was given: in
    his own bundle each must be that of a bid of his.

    Raises:
        GuaranteeBroken: the bundle is not what an honest market would have published.

    """
    document = _document(raw)
    _check_signature(document, key)
    heads = _heads(document)
    records = _chain(document, heads[-1])
    _check_checkpoint(document, records)
    told = _opened(document, records)
    rules = _rules(told)
    _check_marks(document, told)
    _check_sight(document, records, told, rules)
    check_course(rules, records, told)
    check_draw(rules, told)
    _check_receipts(receipts, heads, document, told)
    replayed = _check_result(records, told, rules)
    return Report(
        auction_id=document["auction_id"],
        audience=document["audience"],
        records=len(records),
        opened=len(told),
        head=document["head"],
        key=document["signature"]["key"],
        replayed=replayed,
        own_bids=sum(one.kind in FROM_BIDDERS for one in told) if not replayed else 0,
        receipts=len(receipts),
    )


def _broken(name: str, detail: str) -> NoReturn:
    raise GuaranteeBroken(name, detail)


def _document(raw: bytes) -> dict[str, Any]:
    """Return the parts of a bundle, every one of its form; no other bytes write the same."""
    try:
        node = read_document(raw)
        parts = node.fields(
            "format auction_id audience records head openings bidders checkpoint signature"
        )
        parts["format"].choice(FORMAT)
        parts["auction_id"].text(max_length=60)
        parts["audience"].choice(*AUDIENCES)
        check_hexadecimal(parts["head"], 64)
        for record in parts["records"].items(max_items=MAX_RECORDS, min_items=3):
            _check_record(record)
        for opening in parts["openings"].items(max_items=MAX_RECORDS):
            given = opening.fields("n salt content")
            given["n"].integer(1)
            check_hexadecimal(given["salt"], 64)
            given["content"].entries(max_items=_MAX_OPENING_FIELDS)
        for bidder in parts["bidders"].items(max_items=MAX_RECORDS):
            given = bidder.fields("mark salt organisation_id")
            check_hexadecimal(given["mark"], 64)
            check_hexadecimal(given["salt"], 64)
            given["organisation_id"].text(max_length=100)
        _check_checkpoint_form(parts["checkpoint"])
        _check_signature_form(parts["signature"])
    except BadInput as error:
        raise GuaranteeBroken("form", str(error)) from error
    if canonical_json(node.value).encode() + b"\n" != raw:
        _broken("form", "the bytes are not the canonical ones")
    assert isinstance(node.value, dict)
    return node.value


def _check_record(record: Node) -> None:
    given = record.fields("n at kind sha256")
    given["n"].integer(1)
    given["at"].instant()
    given["kind"].choice(*sorted(KINDS))
    check_hexadecimal(given["sha256"], 64)


def _check_checkpoint_form(node: Node) -> None:
    given = node.fields("format auction_id count head at previous key signature")
    given["format"].choice(CHECKPOINT)
    given["auction_id"].text(max_length=60)
    given["count"].integer(1)
    given["at"].instant()
    for name, digits in (("head", 64), ("previous", 64), ("key", 64), ("signature", 128)):
        check_hexadecimal(given[name], digits)


def _check_signature_form(node: Node) -> None:
    given = node.fields("algorithm key value")
    given["algorithm"].choice("Ed25519")
    check_hexadecimal(given["key"], 64)
    check_hexadecimal(given["value"], 128)


def _check_signature(document: Mapping[str, Any], key: str | None) -> None:
    signature = document["signature"]
    if key is not None and signature["key"] != key:
        _broken("signature", f"signed with {signature['key']}, not with {key}")
    signed = {name: value for name, value in document.items() if name != "signature"}
    if not is_signed(signature["key"], signature["value"], canonical_json(signed).encode()):
        _broken("signature", "the signature does not fit the content")


def _heads(document: Mapping[str, Any]) -> list[str]:
    """Return the hash after each record, in hexadecimal."""
    head, found = hashlib.sha256(document["auction_id"].encode()).digest(), []
    for record in document["records"]:
        head = hashlib.sha256(head + canonical_json(record).encode()).digest()
        found.append(head.hex())
    return found


def _chain(document: Mapping[str, Any], head: str) -> list[dict[str, Any]]:
    """Return the records by place, which lead to `head`."""
    for place, record in enumerate(document["records"], start=1):
        if record["n"] != place:
            _broken("chain", f"record {place} is numbered {record['n']}")
    if head != document["head"]:
        _broken("chain", "the records do not lead to the head")
    found: list[dict[str, Any]] = document["records"]
    kinds = [record["kind"] for record in found]
    if kinds[:3] != ["listed", "rules", "reserve"]:
        _broken("chain", "an auction begins with what is listed, its rules and its reserve")
    if kinds[-1] not in ("closed", "cancelled") or len({*kinds[:-1]} & {"closed", "cancelled"}):
        _broken("chain", "an auction ends once, with its close or its cancellation")
    return found


def _check_checkpoint(document: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> None:
    checkpoint = document["checkpoint"]
    signed = {name: value for name, value in checkpoint.items() if name != "signature"}
    if not is_signed(checkpoint["key"], checkpoint["signature"], canonical_json(signed).encode()):
        _broken("checkpoint", "its signature does not fit")
    if checkpoint["key"] != document["signature"]["key"]:
        _broken("checkpoint", "another key signed it")
    said = (checkpoint["auction_id"], checkpoint["count"], checkpoint["head"])
    if said != (document["auction_id"], len(records), document["head"]):
        _broken("checkpoint", "it speaks of another record")


def _opened(document: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> list[Told]:
    found: list[Told] = []
    for place, opening in enumerate(document["openings"]):
        n = opening["n"]
        if (found and n <= found[-1].n) or n > len(records):
            _broken("openings", f"record {n} is opened out of order")
        content = canonical_json(opening["content"]).encode()
        digest = hashlib.sha256(bytes.fromhex(opening["salt"]) + content).hexdigest()
        record = records[n - 1]
        if digest != record["sha256"]:
            _broken("openings", f"record {n} holds something else")
        try:
            check_content(record["kind"], Node(opening["content"], f"/openings/{place}/content"))
        except BadInput as error:
            raise GuaranteeBroken("openings", str(error)) from error
        found.append(Told(n, record["at"], record["kind"], opening["content"]))
    opened = {one.n for one in found}
    for record in records:
        if record["kind"] in ALWAYS_OPEN and record["n"] not in opened:
            _broken("openings", f"record {record['n']} ({record['kind']}) is for everybody")
    if found[0].content.get("auction_id") != document["auction_id"]:
        _broken("openings", "the record is that of another auction")
    return found


def _check_marks(document: Mapping[str, Any], told: Sequence[Told]) -> None:
    """Check whom the marks stand for, and that one's own bundle holds one's own acts only."""
    marks: set[str] = set()
    for bidder in document["bidders"]:
        salted = bytes.fromhex(bidder["salt"]) + bidder["organisation_id"].encode()
        if hashlib.sha256(salted).hexdigest() != bidder["mark"]:
            _broken("bidders", f"the mark of {bidder['organisation_id']} is another's")
        marks.add(bidder["mark"])
    if len(marks) != len(document["bidders"]):
        _broken("bidders", "a mark stands for one firm")
    if document["audience"] == "bidder" and len(marks) > 1:
        _broken("bidders", "a bidder learns of no other")
    known = marks if document["audience"] in ("owner", "operator", "auditor") else None
    for one in told:
        mark = one.content.get("bidder")
        if known is not None and mark is not None and mark not in known:
            _broken("bidders", f"record {one.n} names nobody")


def _check_sight(
    document: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    told: Sequence[Told],
    rules: Rules,
) -> None:
    """Check that the reader has all that the rules open to him, and no other's secrets."""
    is_cancelled = records[-1]["kind"] == "cancelled"
    shown = shown_kinds(rules, document["audience"], is_cancelled=is_cancelled)
    opened = {one.n for one in told}
    for record in records:
        if record["kind"] in shown and record["n"] not in opened:
            _broken("openings", f"record {record['n']} ({record['kind']}) is for this reader")
    marks = {bidder["mark"] for bidder in document["bidders"]}
    own = marks if document["audience"] == BIDDER else set()
    for one in told:
        if one.kind not in shown and one.content.get("bidder") not in own:
            _broken("openings", f"record {one.n} ({one.kind}) is not for this reader")


def _check_receipts(
    receipts: Sequence[str],
    heads: Sequence[str],
    document: Mapping[str, Any],
    told: Sequence[Told],
) -> None:
    """Check that what a bidder was told he had said stands in the record as his."""
    places = {head: n for n, head in enumerate(heads, start=1)}
    marks = {bidder["mark"] for bidder in document["bidders"]}
    said = {one.n: one for one in told if one.kind in (*FROM_BIDDERS, "standing")}
    for receipt in receipts:
        n = places.get(receipt)
        if n is None:
            _broken("receipts", f"no record ends in {receipt[:64]}")
        if document["audience"] != BIDDER:
            _broken("receipts", "a receipt is compared with its bidder's own bundle")
        if n not in said or said[n].content["bidder"] not in marks:
            _broken("receipts", f"record {n} is no bid of this reader")


def _rules(told: Sequence[Told]) -> Rules:
    """Return the rules that the record holds, the reserve as far as it is open."""
    reserves = [one.content["reserve_minor"] for one in told if one.kind == "reserve"]
    instance = instance_of([one for one in told if one.kind == "rules"], next(iter(reserves), None))
    try:
        return auction.read(Node(instance, "")).rules
    except BadInput as error:
        raise GuaranteeBroken("rules", str(error)) from error


def _check_result(records: Sequence[Mapping[str, Any]], told: Sequence[Told], rules: Rules) -> bool:
    """Compute the result again where every bid is open; say whether it was."""
    opened = {one.n for one in told}
    needed = ("bid", "demand", "package", "proof", "award", "left_out", "result")
    if any(record["kind"] in needed and record["n"] not in opened for record in records):
        _check_own(told, rules)
        return False
    said = comparable([(one.kind, one.at, one.content) for one in told])
    is_known = any(one.kind == "reserve" for one in told)
    reserves = [rules.reserve_minor] if is_known else _possible_reserves(told, rules)
    for reserve_minor in reserves:
        if _follows(told, reserve_minor, said):
            return True
    _broken("result", "the record does not follow from the rules and the bids")


def _follows(
    told: Sequence[Told], reserve_minor: int | None, said: list[tuple[str, str, str]]
) -> bool:
    """Say whether the rules make of the opened bids what the record says."""
    try:
        instance = instance_of(told, reserve_minor)
        result = clear_document(canonical_json(instance).encode())
        check(instance, result)
        return not result["refusals"] and comparable(said_again(result)) == said
    except (BadInput, KeyError, TypeError, AttributeError):
        return False


def _possible_reserves(told: Sequence[Told], rules: Rules) -> list[int | None]:
    """Return reserves of which one must explain the result, where the true one is a secret.

    A reserve matters only by which bids or announced prices it lets through, and as the price
    where too few bids were left to make one. Those at the edge of what was won come first: each
    that is tried takes as long as the whole auction.
    """
    prices = {one.content["price_minor"] for one in told if one.kind in ("bid", "package")}
    prices |= {one.content["clearing_price_minor"] for one in told if one.kind == "result"}
    for item in rules.announced:
        prices.add(item.start_minor)
    for one in told:
        if one.kind == "round":
            prices |= {price for _, price in one.content["prices"]}
    known = sorted(price for price in prices if price is not None)
    if not known:
        return [None]
    beyond = [known[-1] + rules.tick_minor, max(0, known[0] - rules.tick_minor)]
    won = [one.content["price_minor"] for one in told if one.kind in ("award", "left_out")]
    won += [one.content["clearing_price_minor"] for one in told if one.kind == "result"]
    edges = sorted(price for price in won if price is not None)
    return [*dict.fromkeys([None, *edges[:1], *edges[-1:], *beyond, *known])]


def _check_own(told: Sequence[Told], rules: Rules) -> None:
    """Check what is open of a result against the opened bids it speaks of."""
    kinds = ("bid", "package")
    bids = {one.content.get("bid_id"): one.content for one in told if one.kind in kinds}
    for one in told:
        bid = bids.get(one.content.get("bid_id"))
        if one.kind != "award" or bid is None:
            continue
        paid, said = one.content["price_minor"], bid["price_minor"]
        is_worse = paid > said if rules.side == "sell" else paid < said
        if one.content["bidder"] != bid["bidder"] or one.content["lots"] > bid["lots"] or is_worse:
            _broken("result", f"record {one.n} awards what was not bid")
