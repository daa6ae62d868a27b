"""A group buy as JSON values, as the laboratory and the journal write it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matching.pools.sourcing import Sourced, Supply
from matching.pools.values import Offer, Pledge, Pool, Rationed, Result, Rules

Document = dict[str, Any]


def instance_document(
    pledges: Iterable[Pledge], offers: Iterable[Offer], rules: Rules, currency: str
) -> Document:
    """Return an instance with every field written out, lists by id."""
    return {
        "kind": "pools",
        "currency": currency,
        "rules": {
            "similarity": list(rules.similarity),
            "min_members": rules.min_members,
            "objective": rules.objective,
        },
        "pledges": sorted(map(_pledge, pledges), key=_id),
        "offers": sorted(map(_offer, offers), key=_id),
    }


def result_document(result: Result, rules: Rules) -> Document:
    """Return a result with its certificate."""
    lots = sum(pool.lots for pool in result.pools)
    if rules.objective == "stable":
        missed = sum(cell.bound_lots - cell.lots for cell in result.rationed)
        figures = {"objective_lots": lots, "bound_lots": lots + missed, "gap": missed}
    else:
        minor = result.objective_minor
        figures = {"objective_minor": minor, "bound_minor": minor, "gap": 0}
    return {
        "pools": [_pool(pool) for pool in result.pools],
        "unmatched": [{"pledge": left.pledge, "reason": left.reason} for left in result.unmatched],
        "surplus_minor": result.surplus_minor,
        "certificate": {
            "objective": rules.objective,
            **figures,
            "rounds": [pool.round for pool in result.pools],
            "rationed": [_rationed(cell) for cell in result.rationed],
        },
    }


def sourcing_documents(
    suppliers: Sequence[tuple[str, Supply]],
    members: Sequence[tuple[str, int, int]],
    plan: Sourced,
    levelled_minor: Sequence[int],
) -> tuple[Document, Document]:
    """Return a division and what it was made of, suppliers by rank and members by arrival.

    A member is his id, his lots, and what he has to level with.
    """
    instance = {
        "kind": "sourcing",
        "suppliers": [[name, *supply] for name, supply in suppliers],
        "members": [list(member) for member in members],
    }
    names, cost = [name for name, _ in suppliers], sum(plan.due_minor)
    parts = zip(members, plan.lots, plan.due_minor, plan.level_minor, levelled_minor, strict=True)
    result = {
        "price_minor": plan.price_minor,
        "members": {
            member[0]: {
                "lots": dict(zip(names, lots, strict=True)),
                "due_minor": due,
                "level_minor": level,
                "levelled_minor": levelled,
            }
            for member, lots, due, level, levelled in parts
        },
        "certificate": {"objective_minor": cost, "bound_minor": cost, "gap": 0},
    }
    return instance, result


def _pledge(pledge: Pledge) -> Document:
    return {name: getattr(pledge, name) for name in Pledge.__slots__}


def _offer(offer: Offer) -> Document:
    found = {name: getattr(offer, name) for name in Offer.__slots__}
    return found | {"breaks": [list(step) for step in offer.breaks]}


def _pool(pool: Pool) -> Document:
    return {
        "offer": pool.offer,
        "goods_minor": pool.goods_minor,
        "lots": pool.lots,
        "members": [member._asdict() for member in pool.members],
    }


def _rationed(cell: Rationed) -> Document:
    return {
        "cell": cell.cell,
        "formed": [_pool(pool) for pool in cell.formed],
        "rounds": [pool.round for pool in cell.formed],
        "is_exact": cell.is_exact,
        "lots": cell.lots,
        "bound_lots": cell.bound_lots,
    }


def _id(document: Document) -> str:
    return str(document["id"])
