"""Pledges and offers of one cell; a test shows only what it is about."""

from __future__ import annotations

from matching.pools.clearing import Offer, Pledge, Pool, Result, Rules, clear

CELL = "SUGAR-W1/GX/2027-03"


def a_pledge(
    name: str,
    lots: int = 100,
    limit: int = 500,
    *,
    size: int | None = None,
    owner: str | None = None,
    tolerance: int = 0,
    freight: int = 0,
    seq: int | None = None,
    tier: int = 0,
) -> Pledge:
    return Pledge(
        id=name,
        owner=owner or name.upper(),
        cell=CELL,
        size=size or lots,
        lots=lots,
        tolerance=tolerance,
        limit_minor=limit,
        freight_minor=freight,
        seq=ord(name[0]) if seq is None else seq,
        tier=tier,
    )


def an_offer(
    *breaks: tuple[int, int], name: str = "m", capacity: int = 10**6, pack: int = 1, seq: int = 1
) -> Offer:
    return Offer(name, name.upper(), CELL, capacity, pack, breaks, seq)


def cleared(
    pledges: list[Pledge], *offers: Offer, min_members: int = 1, objective: str = "stable"
) -> Result:
    rules = Rules((2, 1), min_members, "surplus" if objective == "surplus" else "stable")
    return clear(pledges, offers, rules)


def shown(pool: Pool) -> tuple[str, int, dict[str, int]]:
    return pool.offer, pool.goods_minor, {member.pledge: member.lots for member in pool.members}
