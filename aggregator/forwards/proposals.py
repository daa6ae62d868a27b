"""Proposals as rows and values, and a plan as each party may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from aggregator.errors import NotFound
from aggregator.forwards.plans import Change, Plan
from aggregator.forwards.slots import Slot
from aggregator.journal.reading import Reader, decoded
from aggregator.mandates.drawing import BUY, Commitment


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that waits for consent; `asked` are those who must consent, the proposer first."""

    id: str
    contract_id: str
    slot_id: str
    kind: str
    proposed_by: str
    asked: tuple[str, ...]
    change: Change
    terms_sha256: str
    plan: Mapping[str, Any]
    state: str
    expires_at: datetime
    proposed_at: datetime

    @property
    def subject(self) -> str:
        """What holds and uses of mandates for it name."""
        return f"proposal:{self.id}"


async def load(reader: Reader, proposal_id: str) -> Proposal:
    """Return a proposal, or raise NotFound."""
    found = await reader.rows(f"{_SELECT} where id = $1", proposal_id)
    if not found:
        raise NotFound("proposal")
    return _proposal(found[0])


async def of_firm(reader: Reader, organisation_id: str, contract_id: str) -> Sequence[Proposal]:
    """Return the proposals of a contract that a firm made or is asked about, newest first."""
    found = await reader.rows(
        f"{_SELECT} where contract_id = $1 and $2 = any(asked) order by proposed_at desc, id desc"
        " limit 200",
        contract_id,
        organisation_id,
    )
    return [_proposal(row) for row in found]


async def waiting_for(reader: Reader, organisation_id: str) -> Sequence[Proposal]:
    """Return the open proposals that wait for a firm's consent, the most urgent first."""
    found = await reader.rows(
        f"{_SELECT} p where state = 'open' and $1 = any(asked) and not exists (select 1 from"
        " proposal_consent c where c.proposal_id = p.id and c.organisation_id = $1)"
        " order by expires_at, id limit 200",
        organisation_id,
    )
    return [_proposal(row) for row in found]


def plan_view(written: Mapping[str, Any], organisation_id: str) -> dict[str, Any]:
    """Return a plan as one party may see it.

    Deposits are each firm's own, and so is what a buyer's slot was; what the proposed one
    becomes is for all who are asked, but not how many lots its buyer keeps.
    """
    mine = written["money"].get(organisation_id, {"refunded_minor": 0, "taken_minor": 0})
    is_seller = organisation_id == written["seller_id"]
    sides = {
        name: [
            {key: value for key, value in row.items() if key != "buyer_id"}
            | {"is_mine": row["buyer_id"] == organisation_id}
            for row in written[name]
            if is_seller
            or row["buyer_id"] == organisation_id
            or (name == "after" and row["is_offered"])
        ]
        for name in ("before", "after")
    }
    return {"terms_sha256": written["terms_sha256"], **sides, "deposit": mine}


def written(plan: Plan, slot: Slot) -> dict[str, Any]:
    """Return a plan as JSON, with whose each row is and which ones the proposed slot makes."""
    before = [
        _row(one.buyer_id, one.tenor, one.open_lots, one, total_minor, is_offered=one.id == slot.id)
        for one, total_minor in zip(plan.ended, plan.totals_before, strict=True)
    ]
    after = [
        _row(
            terms.buyer_id,
            terms.tenor,
            terms.lots,
            terms,
            total_minor,
            is_offered=number == 0,
        )
        for number, (terms, total_minor) in enumerate(
            zip(plan.opened, plan.totals_after, strict=True)
        )
    ]
    return {
        "seller_id": slot.seller_id,
        "before": before,
        "after": after,
        "money": {firm: asdict(money) for firm, money in sorted(plan.money.items())},
        "terms_sha256": plan.sha256,
    }


def _row(
    buyer_id: str, tenor: str, lots: int, priced: Any, total_minor: int, *, is_offered: bool
) -> dict[str, Any]:
    return {
        "buyer_id": buyer_id,
        "tenor": tenor,
        "lots": lots,
        "price_minor": priced.price_minor,
        "freight_minor": priced.freight_minor,
        "is_fixed": priced.is_fixed,
        "total_minor": total_minor,
        "is_offered": is_offered,
    }


_SELECT = (
    "select id, contract_id, slot_id, kind, proposed_by, asked, terms, terms_sha256, plan, state,"
    " expires_at, proposed_at from contract_proposal"
)


def _proposal(row: Mapping[str, Any]) -> Proposal:
    known = dict(row)
    change = Change(**decoded(known.pop("terms")))
    return Proposal(
        **{**known, "asked": tuple(row["asked"]), "plan": decoded(row["plan"])}, change=change
    )


def bought(proposal: Proposal, plan: Plan, organisation_id: str) -> Commitment | None:
    """Return what a plan binds a firm to buy beyond what it had in a month; None without that."""
    more = plan.more_lots(organisation_id)
    taken = {tenor: lots for tenor, lots in more.items() if lots > 0}
    if not taken:
        return None
    lots, new_lots = sum(taken.values()), max(sum(more.values()), 0)
    opened = [terms for terms in plan.opened if terms.buyer_id == organisation_id]
    price_minor = max(terms.price_minor for terms in opened if terms.tenor in taken)
    return Commitment(
        act="forwards.order",
        subject=proposal.subject,
        instrument_id=plan.ended[0].instrument_id,
        counterparty_id=plan.ended[0].seller_id,
        region=plan.ended[0].region,
        tenor=next(iter(taken)),
        side=BUY,
        lots=lots,
        price_minor=price_minor,
        amount_minor=price_minor * new_lots,
        moved_minor=price_minor * (lots - new_lots),
        spread=tuple(taken.items()),
        deposit_minor=plan.money[organisation_id].needed_minor,
    )
