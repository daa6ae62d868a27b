"""Founding the demonstration market: the operator registers regions, sugar, firms and money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.journal.facts import stamp
from aggregator.parties.registering import found_operator
from web.demonstration.stage import Stage
from web.demonstration.world import (
    AUDITOR_LOGIN,
    COLLEAGUE_LOGIN,
    FIRMS,
    OPERATOR_LOGIN,
    PASSWORD,
    REGIONS,
    SUGAR,
    Firm,
)


@dataclass(frozen=True, slots=True)
class Registered:
    """A firm's id and the reference by which the bank's lines find it."""

    id: str
    deposit_reference: str


async def found(stage: Stage) -> Mapping[str, Registered]:
    """Register everyone, and bring their money in through a bank statement."""
    await found_operator(stage.market, OPERATOR_LOGIN, PASSWORD, name="聚糖市场运营")
    operator = await stage.visitor(OPERATOR_LOGIN)
    for region in REGIONS:
        await operator.post("/regions", dict(region))
    await operator.post("/instruments", dict(SUGAR))
    registered = {}
    for firm in FIRMS:
        registered[firm.key] = await _register(operator, firm)
    await _audit(operator)
    # He comes last: from then on each person of a desk takes both of them.
    await _colleague(operator)
    await _statement(stage, operator, registered)
    return registered


async def _colleague(operator: Any) -> None:
    """Give the operator a second person: what stops an auction needs two."""
    firm = (await operator.get("/me"))["organisation"]
    colleague = {"login": COLLEAGUE_LOGIN, "name": "运营二号", "roles": ["operator"]}
    await operator.post(f"/organisations/{firm}/people", {**colleague, "password": PASSWORD})


async def _register(operator: Any, firm: Firm) -> Registered:
    made = await operator.post(
        "/organisations",
        {
            "name": firm.name,
            "name_en": firm.name_en,
            "kind": firm.kind,
            "owner_group": firm.name_en,
            "region": firm.region,
            "monthly_lots": firm.monthly_lots,
        },
    )
    people = f"/organisations/{made['organisation_id']}/people"
    trader = {"login": firm.key, "name": f"{firm.name}业务员", "roles": list(firm.roles)}
    payer = {"login": firm.finance, "name": f"{firm.name}财务", "roles": ["finance", "owner"]}
    for person in (trader, payer):
        await operator.post(people, {**person, "password": PASSWORD})
    return Registered(made["organisation_id"], made["deposit_reference"])


async def _audit(operator: Any) -> None:
    made = await operator.post(
        "/organisations",
        {
            "name": "独立审计",
            "name_en": "Independent Audit",
            "kind": "auditor",
            "owner_group": "Independent Audit",
            "region": "CN",
        },
    )
    await operator.post(
        f"/organisations/{made['organisation_id']}/people",
        {"login": AUDITOR_LOGIN, "name": "审计员", "roles": ["auditor"], "password": PASSWORD},
    )


async def _statement(
    stage: Stage,
    operator: Any,
    registered: Mapping[str, Registered],
) -> None:
    lines = [
        {
            "account": "CNY-1",
            "entry_reference": f"OPEN-{number:04d}",
            "booked_on": stamp(stage.clock.now())[:10],
            "amount": firm.cash,
            "currency": "CNY",
            "direction": "credit",
            "payer": firm.name,
            "remittance": registered[firm.key].deposit_reference,
        }
        for number, firm in enumerate(FIRMS, start=1)
    ]
    await operator.post("/bank/lines", {"lines": lines})
