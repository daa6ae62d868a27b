"""The mechanism's answer for one close, believed only after the independent checker.

`certify` is pure: it takes seconds for the largest cells, so the close lets it run in a thread
and outside every transaction. A result that the checker refuses awards nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from aggregator.catalogue.fees import Fees
from aggregator.market import Unit
from aggregator.pools.landed import net_limit
from aggregator.pools.store import PledgeRow, PoolRow
from aggregator.supply.queries import OfferView
from matching.clearing.certificate import CHECKERS, GuaranteeBroken, check, inputs_sha256
from matching.pools.clearing import Offer, Pledge, Result, Rules, clear
from matching.pools.documents import instance_document, result_document, sourcing_documents
from matching.pools.sourcing import Sourced, Supply

KIND = "pools"
SOURCING = "sourcing"
CRASHED = "crashed"

log = structlog.get_logger("pools")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a close is computed from; `instance` is all of it, as auditors read it."""

    pledges: tuple[Pledge, ...] = field(compare=False)
    offers: tuple[Offer, ...] = field(compare=False)
    rules: Rules = field(compare=False)
    instance: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Certified:
    """What came of the inputs, as text for auditors.

    `result` is None where nothing may be awarded: `broken` names the guarantee that does not
    hold, or says that there is no result at all.
    """

    inputs: Inputs
    result: Result | None
    inputs_sha256: str
    instance_text: str
    result_text: str
    broken: str | None = None


def inputs_of(
    pool: PoolRow,
    pledges: Sequence[PledgeRow],
    offers: Sequence[OfferView],
    *,
    currency: str,
    fees: Fees,
) -> Inputs:
    """Return the standing set as the mechanism reads it."""
    rules = Rules((pool.similarity_n, pool.similarity_d), pool.min_members, "stable")
    wanted = tuple(_pledge(row, str(pool.cell), fees) for row in pledges)
    offered = tuple(_offer(view) for view in offers)
    instance = instance_document(wanted, offered, rules, currency)
    return Inputs(wanted, offered, rules, instance)


def certify(inputs: Inputs) -> Certified:
    """Clear the set once and have the result checked."""
    sha256 = inputs_sha256(inputs.instance)
    result: Result | None = None
    document: dict[str, Any] = {}
    broken = None
    try:
        result = clear(inputs.pledges, inputs.offers, inputs.rules)
        document = result_document(result, inputs.rules)
        document["certificate"] |= {
            "kind": KIND,
            "rules_version": CHECKERS[KIND].rules_version,
            "inputs_sha256": sha256,
        }
        check(inputs.instance, document)
    except GuaranteeBroken as refused:
        broken = refused.name
        log.error("pool_not_certified", guarantee=refused.name, detail=refused.detail)
    except Exception as error:
        # The same inputs would end the same way for ever, with every deposit held.
        broken = CRASHED
        log.error("pool_not_certified", guarantee=CRASHED, exc_info=error)
    return Certified(
        inputs=inputs,
        result=None if broken else result,
        inputs_sha256=sha256,
        instance_text=json.dumps(inputs.instance, ensure_ascii=False),
        result_text=json.dumps(document, ensure_ascii=False),
        broken=broken,
    )


async def keep_division(
    unit: Unit,
    group: tuple[str, int],
    suppliers: Sequence[tuple[str, Supply]],
    members: Sequence[tuple[str, int, int]],
    plan: Sourced,
    levelled_minor: Sequence[int],
) -> None:
    """Have a division checked, and keep it for auditors.

    Raises:
        GuaranteeBroken: it is not what the rules make of it, so nothing may be awarded.

    """
    instance, result = sourcing_documents(suppliers, members, plan, levelled_minor)
    result["certificate"] |= {
        "kind": SOURCING,
        "rules_version": CHECKERS[SOURCING].rules_version,
        "inputs_sha256": inputs_sha256(instance),
    }
    check(instance, result)
    await unit.execute(
        "insert into pool_division (pool_id, number, instance, result, at)"
        " values ($1, $2, $3::jsonb, $4::jsonb, $5)",
        *group,
        json.dumps(instance),
        json.dumps(result),
        unit.now,
    )


async def keep(unit: Unit, pool_id: str, certified: Certified) -> None:
    """Keep what was computed for auditors, whether it was believed or not."""
    await unit.execute(
        "insert into pool_clearing (pool_id, number, instance, result, at) select $1,"
        " count(*) + 1, $2::jsonb, $3::jsonb, $4 from pool_clearing where pool_id = $1",
        pool_id,
        certified.instance_text,
        certified.result_text,
        unit.now,
    )


def _pledge(row: PledgeRow, cell: str, fees: Fees) -> Pledge:
    """Return the pledge as the mechanism reads it.

    The fee follows the goods price, the mechanism's fee is an amount: the fee at the
    highest goods price that the limit bears makes the net limit exact.
    """
    net_minor = net_limit(row.limit_minor, row.freight_minor, fees)
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
        tier=row.tier,
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
