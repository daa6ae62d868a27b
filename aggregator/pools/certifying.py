"""The mechanism's answer for one close, believed only after the independent checker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.market import Unit
from aggregator.pools.landed import net_limit
from aggregator.pools.store import PledgeRow, PoolRow
from aggregator.supply.queries import OfferView
from matching.clearing.certificate import CHECKERS, check, inputs_sha256
from matching.pools.clearing import Offer, Pledge, Result, Rules, clear
from matching.pools.documents import instance_document, result_document

KIND = "pools"


@dataclass(frozen=True, slots=True)
class Certified:
    """A result that passed the checker, and the hash of what it was computed from."""

    result: Result
    inputs_sha256: str


async def clear_certified(
    unit: Unit,
    pool: PoolRow,
    pledges: Sequence[PledgeRow],
    offers: Sequence[OfferView],
    *,
    currency: str,
    fee_bps: int,
) -> Certified:
    """Clear the standing set once, check the result, and keep both for auditors.

    Raises:
        GuaranteeBroken: the result breaks a guarantee; nothing may be awarded from it.

    """
    rules = Rules((pool.similarity_n, pool.similarity_d), pool.min_members, "stable")
    wanted = [_pledge(row, str(pool.cell), fee_bps) for row in pledges]
    offered = [_offer(view) for view in offers]
    instance = instance_document(wanted, offered, rules, currency)
    found = clear(wanted, offered, rules)
    result = result_document(found, rules)
    sha256 = inputs_sha256(instance)
    result["certificate"] |= {
        "kind": KIND,
        "rules_version": CHECKERS[KIND].rules_version,
        "inputs_sha256": sha256,
    }
    check(instance, result)
    await unit.execute(
        "insert into pool_clearing (pool_id, number, instance, result, at) select $1,"
        " count(*) + 1, $2::jsonb, $3::jsonb, $4 from pool_clearing where pool_id = $1",
        pool.id,
        json.dumps(instance, ensure_ascii=False),
        json.dumps(result, ensure_ascii=False),
        unit.now,
    )
    return Certified(found, sha256)


def _pledge(row: PledgeRow, cell: str, fee_bps: int) -> Pledge:
    """Return the pledge as the mechanism reads it.

    The fee is a share of the goods price, the mechanism's fee an amount: the fee at the
    highest goods price that the limit bears makes the net limit exact.
    """
    net_minor = net_limit(row.limit_minor, row.freight_minor, fee_bps)
    return Pledge(
        id=row.id,
        owner=row.owner_group,
        cell=cell,
        size=row.size_lots,
        lots=row.lots,
        tolerance=row.tolerance_lots,
        limit_minor=row.limit_minor,
        freight_minor=row.freight_minor,
        fee_minor=row.limit_minor - row.freight_minor - net_minor,
        seq=row.seq,
    )


def _offer(view: OfferView) -> Offer:
    return Offer(
        id=view.id,
        owner=view.owner_group,
        cell=view.cell,
        capacity=view.left_lots,
        pack=view.pack,
        breaks=view.breaks,
        seq=view.seq,
    )
