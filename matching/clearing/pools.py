"""The checker of group buys: every guarantee of a result, from the instance alone.

It takes JSON values (`check`) or the values that the market holds (`check_values`), puts both
into plain rows, and goes cell by cell. It shares no line with `matching.pools`: tolerance is
divided again by exact fractions, the best windows are found with a heap, and assignments under
scarce lots are tried out one by one where they are few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from matching.clearing.form import Document, GuaranteeBroken, exact_fields, member, require
from matching.clearing.pool_book import Book, Deal, Law, Placed, Supply, book_of, supply_of
from matching.clearing.pool_rationing import check_rationed
from matching.clearing.pool_rounds import check_formation
from matching.clearing.pool_surplus import check_most_surplus
from matching.clearing.pool_terms import check_terms, left_out


class _Pledge(NamedTuple):
    """A pledge of an instance, with what an absent field means."""

    id: str
    owner: str
    cell: str
    lots: int
    limit_minor: int
    seq: int
    size: int
    tolerance: int = 0
    freight_minor: int = 0
    term_minor: int = 0
    fee_minor: int = 0
    tier: int = 0


class _Scarce(NamedTuple):
    formed: list[Deal]
    is_exact: bool
    lots: int
    bound_lots: int


class _Claim(NamedTuple):
    """What a result claims, taken apart."""

    deals: list[Deal]
    left: list[str]
    reasons: list[str]
    surplus_minor: int
    scarce: dict[str, _Scarce]
    objective_minor: int = 0


def check(instance: Document, result: Document) -> None:
    """Check a result and its certificate as JSON values.

    Raises:
        GuaranteeBroken: the first guarantee that does not hold.

    """
    law = _law(instance.get("rules", {}))
    rows: dict[str, list[Any]] = {}
    for pledge in instance["pledges"]:
        fields = {"size": pledge["lots"], **pledge}
        rows.setdefault(pledge["cell"], []).append(_Pledge(**fields))
    offers: dict[str, list[Any]] = {}
    for offer in instance["offers"]:
        steps = tuple((lots, price) for lots, price in offer["breaks"])
        place = (offer["seq"], offer["id"], offer["capacity"], offer.get("pack", 1))
        offers.setdefault(offer["cell"], []).append(Supply(*place, steps))
    claim = _claim_of(result)
    _check_claim(rows, offers, law, claim)
    _check_certificate(result["certificate"], law, claim)


def check_values(pledges: Iterable[Any], offers: Iterable[Any], rules: Any, result: Any) -> None:
    """Check a result as the market holds it; the fields are those of `matching.pools.values`.

    Raises:
        GuaranteeBroken: the first guarantee that does not hold.

    """
    rows: defaultdict[str, list[Any]] = defaultdict(list)
    last, as_arrived = -1, True
    for pledge in pledges:
        seq = pledge.seq
        if seq <= last:
            as_arrived = False
        last = seq
        rows[pledge.cell].append(pledge)
    offers_of: defaultdict[str, list[Any]] = defaultdict(list)
    for offer in offers:
        offers_of[offer.cell].append(offer)
    scarce = {
        cell.cell: _Scarce(
            [*cell.formed],
            cell.is_exact,
            cell.lots,
            cell.bound_lots,
        )
        for cell in result.rationed
    }
    claim = _Claim(
        *([*result.pools], [*result.left], [*result.reasons]),
        *(result.surplus_minor, scarce, result.objective_minor),
    )
    above, below = rules.similarity
    law = Law(above, below, rules.min_members, rules.objective)
    _check_claim(rows, offers_of, law, claim, as_arrived=as_arrived)


def _check_claim(
    rows: Mapping[str, list[Any]],
    offers: Mapping[str, list[Any]],
    law: Law,
    claim: _Claim,
    *,
    as_arrived: bool = False,
) -> None:
    cell_of_offer = {offer.id: cell for cell, held in offers.items() for offer in held}
    deals: dict[str, list[Deal]] = {cell: [] for cell in rows}
    last = ""
    for deal in claim.deals:
        cell = cell_of_offer.get(deal.offer, "")
        if cell not in deals:
            raise GuaranteeBroken("offer", f"{deal.offer!r} is no offer to any pledge")
        require(cell >= last, "order", "pools stand by the names of their cells")
        deals[cell].append(deal)
        last = cell
    require(claim.scarce.keys() <= rows.keys(), "capacity", "an unknown cell is rationed")
    surplus = objective = told = 0
    for cell in sorted(rows):
        supplies = [supply_of(offer) for offer in offers.get(cell, ())]
        book = book_of(rows[cell], supplies, as_arrived=as_arrived)
        placed, formed, reached = _check_cell(book, law, deals[cell], claim.scarce.get(cell))
        surplus += sum([pool.surplus for pool in placed])
        objective += reached
        reasons = left_out(book, law, placed, formed)
        before, told = told, told + len(reasons)
        _check_left(reasons, claim.left[before:told], claim.reasons[before:told])
    is_all = told == len(claim.left) == len(claim.reasons)
    require(is_all, "one_place", f"{told} pledges have no pool")
    require(surplus == claim.surplus_minor, "surplus_minor", f"is {surplus}")
    require(objective == claim.objective_minor, "objective", f"is {objective}")


def _check_left(expected: Mapping[str, str], left: list[str], reasons: list[str]) -> None:
    """Check who is left out of a cell, by id, and why."""
    require(left == sorted(left), "order", "pledges left out stand by id")
    require(expected.keys() == {*left}, "one_place", f"{len(expected)} of the cell have no pool")
    why = [*map(expected.__getitem__, left)]
    if why != reasons:
        given = {*zip(left, reasons, strict=False)}
        wrong = [name for name, reason in expected.items() if (name, reason) not in given]
        raise GuaranteeBroken("reason", f"{wrong} have no pool for another reason")


def _check_cell(
    book: Book, law: Law, deals: Sequence[Deal], scarce: _Scarce | None
) -> tuple[list[Placed], list[Placed], int]:
    """Check one cell; return its pools, also as formed, and what `surplus` reached."""
    placed = check_terms(book, law, deals)
    formed, formed_deals = placed, deals
    if scarce is None:
        book.require_ample(deals)
    else:
        formed_deals = scarce.formed
        formed = check_terms(book, law, formed_deals)
        book.require_short(formed_deals)
    check_formation(book, law, formed_deals, formed)
    objective = check_most_surplus(book, law, formed) if law.objective == "surplus" else 0
    if scarce is not None:
        lots = check_rationed(book, law, formed, placed, scarce.is_exact, scarce.bound_lots)
        require(lots == scarce.lots, "capacity", f"{lots} lots are served")
        require(scarce.bound_lots >= lots, "bound", "is below what is reached")
        exact = scarce.bound_lots == lots or not scarce.is_exact
        require(exact, "bound", "an exact assignment is its own bound")
        require(scarce.bound_lots <= book.most_lots(formed), "bound", "exceeds all that there is")
    return placed, formed, objective


def _check_certificate(certificate: Document, law: Law, claim: _Claim) -> None:
    require(certificate.get("objective") == law.objective, "objective", "is not that of the rules")
    missed = 0
    if law.objective == "stable":
        reached = sum(deal.lots for deal in claim.deals)
        missed = sum(cell.bound_lots - cell.lots for cell in claim.scarce.values())
        unit = "lots"
    else:
        reached = claim.objective_minor
        unit = "minor"
    exact_fields(certificate, _CERTIFICATE | {f"objective_{unit}", f"bound_{unit}"})
    require(member(certificate, f"objective_{unit}", int) == reached, "objective", f"is {reached}")
    bound = reached + missed
    require(member(certificate, f"bound_{unit}", int) == bound, "bound", f"is {bound}")
    require(member(certificate, "gap", int) == missed, "gap", f"is {missed}")


_CERTIFICATE = frozenset(
    ("kind", "rules_version", "inputs_sha256", "objective", "gap", "rounds", "rationed")
)


def _claim_of(result: Document) -> _Claim:
    exact_fields(result, frozenset({"pools", "unmatched", "surplus_minor", "certificate"}))
    certificate = member(result, "certificate", dict)
    deals = _deals(member(result, "pools", list), member(certificate, "rounds", list))
    left, reasons = [], []
    for entry in member(result, "unmatched", list):
        exact_fields(entry, frozenset({"pledge", "reason"}))
        left.append(member(entry, "pledge", str))
        reasons.append(member(entry, "reason", str))
    scarce: dict[str, _Scarce] = {}
    for entry in member(certificate, "rationed", list):
        exact_fields(entry, frozenset({"cell", "formed", "rounds", *_Scarce._fields}))
        cell = member(entry, "cell", str)
        require(not scarce or cell > max(scarce), "order", "rationed cells stand by name")
        scarce[cell] = _Scarce(
            _deals(member(entry, "formed", list), member(entry, "rounds", list)),
            member(entry, "is_exact", bool),
            *(member(entry, name, int) for name in _Scarce._fields[2:]),
        )
    objective = certificate.get("objective_minor", 0)
    require(type(objective) is int, "form", "'objective_minor' must be an integer")
    return _Claim(deals, left, reasons, member(result, "surplus_minor", int), scarce, objective)


def _deals(pools: Sequence[object], rounds: Sequence[object]) -> list[Deal]:
    require(len(pools) == len(rounds), "form", "one round for each pool")
    deals = []
    for pool, number in zip(pools, rounds, strict=True):
        exact_fields(pool, frozenset({"offer", "goods_minor", "lots", "members"}))
        columns: list[list[Any]] = [[], [], [], []]
        for entry in member(pool, "members", list):
            exact_fields(entry, _MEMBER)
            columns[0].append(member(entry, "pledge", str))
            columns[1].append(member(entry, "lots", int))
            columns[2].append(member(entry, "landed_minor", int))
            columns[3].append(member(entry, "amount_minor", int))
        require(columns[0], "form", "a pool has members")
        if type(number) is not int:
            raise GuaranteeBroken("form", "a round is an integer")
        offer, goods = member(pool, "offer", str), member(pool, "goods_minor", int)
        names, member_lots, landed, amounts = columns
        lots = member(pool, "lots", int)
        deals.append(Deal(offer, goods, lots, names, member_lots, landed, amounts, number))
    return deals


_MEMBER = frozenset({"pledge", "lots", "landed_minor", "amount_minor"})


def _law(rules: Document) -> Law:
    above, below = rules.get("similarity", (2, 1))
    return Law(above, below, rules.get("min_members", 3), rules.get("objective", "stable"))
