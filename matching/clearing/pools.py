"""The checker of group buys: every guarantee of a result, from the instance alone.

It takes JSON values (`check`) or the values that the market holds (`check_values`), puts both
into plain rows, and goes cell by cell. It shares no line with `matching.pools`: tolerance is
divided again by exact fractions, the best windows are found with a heap, and assignments under
scarce lots are tried out one by one where they are few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from matching.clearing.form import Document, GuaranteeBroken, exact_fields, member, require
from matching.clearing.pool_book import Book, Deal, Law, Supply, book_of
from matching.clearing.pool_rationing import check_rationed
from matching.clearing.pool_rounds import check_formation, check_most_surplus
from matching.clearing.pool_terms import check_left_out, check_terms

_ROW = attrgetter(
    *("size", "seq", "id", "owner", "lots", "tolerance"),
    *("limit_minor", "freight_minor", "term_minor", "fee_minor"),
)
_REASONS = {
    *("no_offer", "limit_below_all_prices", "no_similar_size", "too_few_members"),
    *("break_not_reached", "capacity"),
}


class _Scarce(NamedTuple):
    formed: list[Deal]
    is_exact: bool
    lots: int
    bound_lots: int


class _Claim(NamedTuple):
    """What a result claims, taken apart."""

    deals: list[Deal]
    left: list[tuple[str, str]]
    surplus_minor: int
    scarce: dict[str, _Scarce]
    objective_minor: int = 0


def check(instance: Document, result: Document) -> None:
    """Check a result and its certificate as JSON values.

    Raises:
        GuaranteeBroken: the first guarantee that does not hold.

    """
    law = _law(instance.get("rules", {}))
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for pledge in instance["pledges"]:
        rows.setdefault(pledge["cell"], []).append(_row(pledge))
    supplies: dict[str, list[Supply]] = {}
    for offer in instance["offers"]:
        steps = tuple((lots, price) for lots, price in offer["breaks"])
        supply = Supply(offer["seq"], offer["id"], offer["capacity"], offer.get("pack", 1), steps)
        supplies.setdefault(offer["cell"], []).append(supply)
    claim = _claim_of(result)
    _check_claim(rows, supplies, law, claim)
    _check_certificate(result["certificate"], law, claim)


def check_values(pledges: Iterable[Any], offers: Iterable[Any], rules: Any, result: Any) -> None:
    """Check a result as the market holds it; the fields are those of `matching.pools.values`.

    Raises:
        GuaranteeBroken: the first guarantee that does not hold.

    """
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for pledge in pledges:
        held = rows.get(pledge.cell)
        if held is None:
            rows[pledge.cell] = [_ROW(pledge)]
        else:
            held.append(_ROW(pledge))
    supplies: dict[str, list[Supply]] = {}
    for offer in offers:
        supply = Supply(offer.seq, offer.id, offer.capacity, offer.pack, offer.breaks)
        supplies.setdefault(offer.cell, []).append(supply)
    scarce = {
        cell.cell: _Scarce(
            [_deal_of(pool) for pool in cell.formed],
            cell.is_exact,
            cell.lots,
            cell.bound_lots,
        )
        for cell in result.rationed
    }
    deals = [_deal_of(pool) for pool in result.pools]
    left = list(result.unmatched)
    claim = _Claim(deals, left, result.surplus_minor, scarce, result.objective_minor)
    above, below = rules.similarity
    law = Law(above, below, rules.min_members, rules.objective)
    _check_claim(rows, supplies, law, claim)


def _check_claim(
    rows: Mapping[str, list[tuple[Any, ...]]],
    supplies: Mapping[str, list[Supply]],
    law: Law,
    claim: _Claim,
) -> None:
    firsts = [deal.members[0][0] for deal in claim.deals]
    require(firsts == sorted(firsts), "order", "pools stand by their first member")
    names = [name for name, _ in claim.left]
    require(names == sorted(names), "order", "pledges left out stand by id")
    cell_of_offer = {supply.id: cell for cell, held in supplies.items() for supply in held}
    deals: dict[str, list[Deal]] = {cell: [] for cell in rows}
    for deal in claim.deals:
        cell = cell_of_offer.get(deal.offer, "")
        require(cell in deals, "offer", f"{deal.offer!r} is no offer to any pledge")
        deals[cell].append(deal)
    reasons = dict(claim.left)
    require(len(reasons) == len(claim.left), "one_place", "a pledge is left out twice")
    require(claim.scarce.keys() <= rows.keys(), "capacity", "an unknown cell is rationed")
    surplus = objective = placed = 0
    for cell, held in rows.items():
        book = book_of(held, supplies.get(cell, ()))
        found = _check_cell(book, law, deals[cell], reasons, claim.scarce.get(cell))
        surplus += found[0]
        objective += found[1]
        placed += len(held)
    pooled = sum(len(deal.members) for deal in claim.deals)
    require(pooled + len(reasons) == placed, "one_place", "every pledge is placed once")
    require(surplus == claim.surplus_minor, "surplus_minor", f"is {surplus}")
    require(objective == claim.objective_minor, "objective", f"is {objective}")


def _check_cell(
    book: Book,
    law: Law,
    deals: Sequence[Deal],
    reasons: Mapping[str, str],
    scarce: _Scarce | None,
) -> tuple[int, int]:
    """Check one cell and return its surplus, and what the objective `surplus` reached."""
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
        lots = check_rationed(book, law, formed, placed, scarce.is_exact)
        require(lots == scarce.lots, "capacity", f"{lots} lots are served")
        require(scarce.bound_lots >= lots, "bound", "is below what is reached")
        exact = scarce.bound_lots == lots or not scarce.is_exact
        require(exact, "bound", "an exact assignment is its own bound")
        require(scarce.bound_lots <= book.most_lots(formed), "bound", "exceeds all that there is")
    check_left_out(book, law, placed, formed, reasons)
    return book.surplus_of(placed), objective


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
    left = []
    for entry in member(result, "unmatched", list):
        exact_fields(entry, frozenset({"pledge", "reason"}))
        reason = member(entry, "reason", str)
        require(reason in _REASONS, "reason", f"{reason!r} is none")
        left.append((member(entry, "pledge", str), reason))
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
    return _Claim(deals, left, member(result, "surplus_minor", int), scarce, objective)


def _deals(pools: Sequence[object], rounds: Sequence[object]) -> list[Deal]:
    require(len(pools) == len(rounds), "form", "one round for each pool")
    deals = []
    for pool, number in zip(pools, rounds, strict=True):
        exact_fields(pool, frozenset({"offer", "goods_minor", "lots", "members"}))
        members = []
        for entry in member(pool, "members", list):
            exact_fields(entry, _MEMBER)
            figures = [
                member(entry, name, int) for name in ("lots", "landed_minor", "amount_minor")
            ]
            members.append((member(entry, "pledge", str), *figures))
        if type(number) is not int:
            raise GuaranteeBroken("form", "a round is an integer")
        offer, goods = member(pool, "offer", str), member(pool, "goods_minor", int)
        require(members, "form", "a pool has members")
        deals.append(Deal(offer, goods, member(pool, "lots", int), members, number))
    return deals


_MEMBER = frozenset({"pledge", "lots", "landed_minor", "amount_minor"})


def _deal_of(pool: Any) -> Deal:
    return Deal(pool.offer, pool.goods_minor, pool.lots, pool.members, pool.round)


def _law(rules: Document) -> Law:
    above, below = rules.get("similarity", (2, 1))
    return Law(above, below, rules.get("min_members", 3), rules.get("objective", "stable"))


def _row(pledge: Document) -> tuple[Any, ...]:
    own = (pledge.get(name, 0) for name in ("freight_minor", "term_minor", "fee_minor"))
    return (
        *(pledge.get("size", pledge["lots"]), pledge["seq"], pledge["id"], pledge["owner"]),
        *(pledge["lots"], pledge.get("tolerance", 0), pledge["limit_minor"]),
        *own,
    )
