"""Small worlds for tests: a market on a fresh database, firms with money, actors."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from aggregator.bus.memory import MemoryBus
from aggregator.catalogue import defining
from aggregator.catalogue.terms import InstrumentTerms
from aggregator.clock import SimulatedClock
from aggregator.deals.formation import DealTerms, form_deal
from aggregator.ids import SeededIds
from aggregator.journal.reading import Pool
from aggregator.ledger import accounts, transfers
from aggregator.market import Actor, Answer, Command, Market, Unit
from aggregator.parties import registering
from aggregator.parties.passwords import hash_password
from aggregator.parties.permissions import grants_of
from aggregator.reactions import ON_FACT

START = datetime(2027, 1, 4, 1, 0, tzinfo=UTC)
_COMMANDS = itertools.count(1)
_SEEDS = itertools.count(1)


def a_market(clock: SimulatedClock | None = None, *, seed: int | None = None) -> Market:
    """A market on the connected database; two of them are two processes."""
    clock = clock or SimulatedClock(START)
    ids = SeededIds(next(_SEEDS) if seed is None else seed, clock)
    return Market(clock, MemoryBus(), ids, ON_FACT)


def a_command(content: object = None) -> Command:
    return Command.of(f"test-command-{next(_COMMANDS):06d}", content)


def an_actor(
    organisation_id: str, *roles: str, group: str | None = None, person: str = ""
) -> Actor:
    held = frozenset(roles)
    return Actor(
        person or f"per_{organisation_id}",
        organisation_id,
        group or organisation_id,
        held,
        grants_of(held),
    )


async def an_organisation(
    market: Market,
    name: str,
    *,
    kind: str = "factory",
    group: str | None = None,
    region: str = "GX",
    monthly_lots: int = 100,
) -> str:
    operator = an_actor("operator", "operator")
    new = registering.NewOrganisation(name, kind, group or name, region, "", monthly_lots)
    outcome = await registering.register_organisation(market, operator, a_command(), new)
    return str(outcome.answer["organisation_id"])


async def a_person(
    market: Market,
    organisation_id: str,
    login: str,
    *roles: str,
    name: str = "Li Lei",
    password: str = "correct horse 8",
    language: str = "zh",
) -> str:
    """Put a person into a firm, also into one that has an owner who would invite him."""
    new = registering.NewPerson(login, name, password, roles, language)
    registering.check_person(new)
    password_hash = await hash_password(password)

    async def step(unit: Unit) -> Answer:
        return await registering.add_within(unit, organisation_id, new, password_hash)

    added = await market.perform(Actor.SYSTEM, "parties.register", step)
    return str(added.answer["person_id"])


async def with_tier(organisation_id: str, tier: int) -> None:
    """Let a firm hold the tier of this number."""
    await Pool().rows(
        "insert into standing_tier (organisation_id, tier, since) values ($1, $2, now())"
        " on conflict (organisation_id) do update set tier = excluded.tier returning tier",
        organisation_id,
        tier,
    )


async def with_cash(market: Market, organisation_id: str, amount_minor: int) -> None:
    """Put money from the bank into an organisation's cash account."""

    async def step(unit: Unit) -> Answer:
        cash = await accounts.ensure(unit, organisation_id, accounts.CASH, "CNY")
        bank = await accounts.ensure(unit, None, accounts.BANK, "CNY")
        await transfers.post(
            unit,
            "deposit",
            "test",
            [(cash, amount_minor), (bank, -amount_minor)],
            key=unit.new_id("key"),
        )
        return {}

    await market.perform(Actor.SYSTEM, "settlement.import", step)


async def with_account(organisation_id: str, number: str = "622200001234") -> str:
    """Let a firm have a verified bank account of this number."""
    await Pool().rows(
        "with p as (insert into person (id, login, name, password_hash, created_at)"
        " values ('per_' || $1 || $2, 'per_' || $1 || $2, 'cashier', 'none', now())"
        " on conflict do nothing returning id)"
        " insert into bank_account (id, organisation_id, number, bank_code, state, declared_by,"
        " declared_as, declared_at, confirmed_at, usable_at, verified_at)"
        " select 'bac_' || $1 || $2, $1, $2, '102100099996', 'verified', p.id, '{finance}',"
        " to_timestamp(0), to_timestamp(0), to_timestamp(0), to_timestamp(0) from p returning id",
        organisation_id,
        number,
    )
    return number


async def with_way_back(person_id: str) -> str:
    """Let a person have asked for a way back in; return its id."""
    await Pool().rows(
        "insert into recovery (id, person_id, address, state, asked_at, ends_at) values"
        " ('rcv_' || $1, $1, 'li.lei@example.com', 'waiting', to_timestamp(0), '2099-01-01')"
        " returning id",
        person_id,
    )
    return f"rcv_{person_id}"


async def a_deal(market: Market, *, buyer: str, seller: str, **terms: object) -> str:
    """Form a deal of two organisations and return its id; in white sugar, if not told else."""
    given = {
        "source": "pool",
        "source_id": "pool_1",
        "instrument_id": "SUGAR-W1",
        "region": "GX",
        "tenor": "2027-03",
        "buyer_id": buyer,
        "seller_id": seller,
        "lots": 100,
        "goods_minor": 495_000,
        "freight_minor": 12_345,
        **terms,
    }

    async def step(unit: Unit) -> Answer:
        return {"deal_id": await form_deal(unit, DealTerms(**given))}  # type: ignore[arg-type]

    formed = await market.perform(Actor.SYSTEM, "deals.form", step)
    return str(formed.answer["deal_id"])


async def with_sugar(market: Market, *regions: str, **terms: object) -> str:
    """Define white sugar and its regions; return the instrument's id."""
    operator = an_actor("operator", "operator")
    await defining.define_region(
        market, operator, a_command(), code="CN", name_zh="中国", name_en="China", parent=None
    )
    for code in regions or ("GX",):
        await defining.define_region(
            market,
            operator,
            a_command(),
            code=code,
            name_zh=f"地区{code}",
            name_en=f"Region {code}",
            parent="CN",
        )
    return await an_instrument(market, **terms)


async def an_instrument(market: Market, **terms: object) -> str:
    """Define white sugar, or what the terms make of it; return its id."""
    given = {
        "id": "SUGAR-W1",
        "name_zh": "一级白砂糖",
        "name_en": "White sugar, grade one",
        "standard": "GB/T 317",
        "packaging": "50 kg",
        "currency": "CNY",
        "lot_text": "1 t",
        "tick_minor": 100,
        "step_minor": 2500,
        "max_lots": 1_000_000,
        "tax_bps": 1300,
        "service_tax_bps": 600,
        "fee_bps": 20,
        "deposit_bps": 1000,
        "tolerance_bps": 100,
        "return_policy": "Wet or off-grade lots within 7 days",
        "return_days": 7,
        **terms,
    }
    outcome = await defining.define_instrument(
        market,
        an_actor("operator", "operator"),
        a_command(),
        InstrumentTerms(**given),  # type: ignore[arg-type]
    )
    return str(outcome.answer["instrument_id"])
