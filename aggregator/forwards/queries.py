"""Reading strips: the public list, and one's own orders, offers, awards and gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.errors import NotFound
from aggregator.forwards import clocking, countering, offering, store, talks
from aggregator.forwards.instance import offer_of
from aggregator.forwards.topic import ENOUGH_GROUPS
from aggregator.journal.reading import Mechanism, Pool, Reader, decoded
from aggregator.market import Actor
from matching.forwards.orders import Offer, Step
from matching.forwards.singles import single_cost


@dataclass(frozen=True, slots=True)
class StripView:
    """What everybody may know of a strip."""

    strip_id: str
    title: str
    instrument_id: str
    region: str
    tenors: tuple[str, ...]
    pricing: str
    awarded_pricing: str | None
    signing_bps: int | None
    month_bps: int
    index_reference_minor: int | None
    index_default_minor: int | None
    opens_at: datetime
    closes_at: datetime
    phase: str
    enough_firms: bool
    rounds: str
    talks_until: datetime | None


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """One's own order; `awards` is tenor → lots and price once the strip is cleared.

    `single_minor` is what the awarded lots would have cost alone with the best offer, at
    that offer's prices without anybody else's volume; None where no offer would have
    served them alone. `make_whole_minor` was paid to the firm for it, or by it if negative.
    """

    order_id: str
    form: str
    terms: Mapping[str, Any]
    lots: int
    limit_minor: int
    state: str
    awards: tuple[Mapping[str, Any], ...]
    paid_minor: int
    single_minor: int | None
    make_whole_minor: int


@dataclass(frozen=True, slots=True)
class OwnOffer:
    """One's own offer. `kept` are the lots in each storage; `bought` what of them is of others.

    `make_whole_minor` was paid to the firm for offer and storage, or by it if negative.
    """

    offer_id: str
    steps: Mapping[str, Sequence[Sequence[int]]]
    capacity: int
    min_total: int
    breaks: Sequence[Sequence[int]]
    storage: Sequence[Sequence[Any]]
    kept: Sequence[int]
    bought: tuple[Mapping[str, Any], ...]
    make_whole_minor: int
    state: str


async def strips(now: datetime, *, limit: int = 200) -> list[StripView]:
    """Return the newest strips, those that close next first among the open ones."""
    found = await Pool().rows(
        "select id from strip order by (state in ('gathering', 'talking', 'asking')) desc,"
        " case when state = 'gathering' then closes_at"
        "   when state in ('talking', 'asking') then talks_until end,"
        " closes_at desc, id limit $1",
        limit,
    )
    return [await strip(row["id"], now) for row in found]


async def strip(strip_id: str, now: datetime) -> StripView:
    """Return one strip, or raise NotFound."""
    found = await store.load(Pool(), strip_id)
    counted = await Mechanism().rows(
        "select count(distinct o.owner_group) as n from strip_order s"
        " join organisation o on o.id = s.organisation_id"
        " where s.strip_id = $1 and s.state <> 'cancelled'",
        strip_id,
    )
    return StripView(
        found.id,
        found.title,
        found.instrument_id,
        found.region,
        found.tenors,
        found.pricing,
        found.awarded_pricing,
        found.signing_bps,
        found.month_bps,
        found.index_reference_minor,
        found.index_default_minor,
        found.opens_at,
        found.closes_at,
        found.phase(now),
        counted[0]["n"] >= ENOUGH_GROUPS,
        found.rounds,
        found.talks_until if found.state in (talks.TALKING, talks.ASKING) else None,
    )


async def rounds(actor: Actor | None, strip_id: str) -> Mapping[str, Any] | None:
    """Return what the actor may know of a window's rounds; nothing where offers are sealed.

    A clock's prices are everybody's. What is said in talks with one mill is for the two sides
    and the buyers in the bundle; of the bundle's lots a buyer sees none but his own.
    """
    found = await store.load(Pool(), strip_id)
    if found.rounds == talks.SEALED:
        return None
    said = await talks.load(Pool(), strip_id)
    if found.rounds == talks.CLOCK:
        rules = talks.clock_terms(found)
        mine = await clocking.own_lots(Pool(), strip_id, actor.organisation_id) if actor else {}
        return {
            "direction": rules.direction,
            "step_minor": rules.step_minor,
            "rounds": [
                {"number": one.number, "ends_at": one.ends_at, "prices_minor": one.terms["prices"]}
                for one in said
            ],
            "own_lots": mine,
        }
    side = await _side(actor, found)
    if actor is None or side is None:
        return {"rounds": []}
    return {
        "side": side,
        "seller_id": talks.counter_terms(found).seller_id,
        "rounds": [_round(one, side) for one in said],
        "asks": await _asks(actor, strip_id),
    }


def _round(said: talks.Round, side: str) -> Mapping[str, Any]:
    terms = offering.terms_of(said.terms)
    hides = side == "buyer" and said.by == talks.BUNDLE
    return {
        "number": said.number,
        "by": said.by,
        "state": said.state,
        "ends_at": said.ends_at,
        "terms_sha256": said.terms_sha256,
        "steps": {
            tenor: [{"lots": None if hides else n, "price_minor": price} for n, price in steps]
            for tenor, steps in terms.steps.items()
        },
        "capacity": None if hides else terms.capacity,
        "min_total": terms.min_total,
        "breaks": [{"lots": n, "rebate_minor": rebate} for n, rebate in terms.breaks],
        "storage": [storage_view(*route) for route in terms.storage],
    }


def storage_view(source: str, target: str, lots: int, carry_minor: int) -> dict[str, Any]:
    """Return a declared storage as it is shown."""
    return {"from": source, "to": target, "lots": lots, "carry_minor": carry_minor}


async def _side(actor: Actor | None, strip: store.Strip) -> str | None:
    """Return on which side of talks an actor is: seller, bundle, a buyer in it, or none."""
    if actor is None:
        return None
    if actor.organisation_id == talks.counter_terms(strip).seller_id:
        return talks.SELLER
    if countering.PROPOSE_ACT in actor.grants:
        return talks.BUNDLE
    mine = await Pool().rows(
        "select 1 from strip_order where strip_id = $1 and organisation_id = $2"
        " and state <> 'cancelled' limit 1",
        strip.id,
        actor.organisation_id,
    )
    return "buyer" if mine else None


async def _asks(actor: Actor, strip_id: str) -> list[Mapping[str, Any]]:
    """Return which of one's orders agreed terms would serve above their limit."""
    return list(
        await Pool().rows(
            "select a.order_id, a.limit_minor, a.terms_sha256, a.state from strip_ask a"
            " join strip_order o on o.id = a.order_id"
            " where a.strip_id = $1 and o.organisation_id = $2 order by o.seq",
            strip_id,
            actor.organisation_id,
        )
    )


async def own_orders(actor: Actor, strip_id: str) -> list[OwnOrder]:
    """Return the actor's orders in a strip, with what they won and what they saved."""
    found = await Pool().rows(
        "select id, form, terms, total_lots, limit_minor, state from strip_order"
        " where strip_id = $1 and organisation_id = $2 order by seq",
        strip_id,
        actor.organisation_id,
    )
    schedule = await Pool().rows(
        "select s.order_id, s.tenor, s.lots, s.price_minor, s.contract_id"
        " from strip_schedule s join strip_contract c on c.id = s.contract_id"
        " where c.strip_id = $1 and s.buyer_id = $2 order by s.order_id, s.tenor, s.contract_id",
        strip_id,
        actor.organisation_id,
    )
    offers = await _offers(strip_id)
    wholes = await own_wholes(Pool(), actor, strip_id)
    views = []
    for row in found:
        won = tuple(dict(line) for line in schedule if line["order_id"] == row["id"])
        views.append(
            OwnOrder(
                row["id"],
                row["form"],
                decoded(row["terms"]),
                row["total_lots"],
                row["limit_minor"],
                row["state"],
                won,
                sum(line["lots"] * line["price_minor"] for line in won),
                _alone(won, offers),
                wholes.get(row["id"], 0),
            )
        )
    return views


async def own_offers(actor: Actor, strip_id: str) -> list[OwnOffer]:
    found = await Pool().rows(
        "select id, steps, capacity, min_total, breaks, storage, kept, state from strip_offer"
        " where strip_id = $1 and organisation_id = $2 order by seq",
        strip_id,
        actor.organisation_id,
    )
    bought = await Pool().rows(
        "select s.offer_id, s.tenor, s.lots, s.price_minor, s.contract_id"
        " from strip_schedule s join strip_contract c on c.id = s.contract_id"
        " where c.strip_id = $1 and s.buyer_id = $2 and s.offer_id is not null"
        " order by s.tenor, s.contract_id",
        strip_id,
        actor.organisation_id,
    )
    wholes = await own_wholes(Pool(), actor, strip_id)
    return [
        OwnOffer(
            row["id"],
            decoded(row["steps"]),
            row["capacity"],
            row["min_total"],
            decoded(row["breaks"]),
            decoded(row["storage"]),
            decoded(row["kept"]),
            tuple(dict(line) for line in bought if line["offer_id"] == row["id"]),
            wholes.get(row["id"], 0),
            row["state"],
        )
        for row in found
    ]


async def own_wholes(reader: Reader, actor: Actor, strip_id: str) -> dict[str, int]:
    """Return the make-whole lines of the actor's firm: order or offer → amount."""
    found = await reader.rows(
        "select subject_id, amount_minor from strip_make_whole"
        " where strip_id = $1 and organisation_id = $2 order by kind, subject_id",
        strip_id,
        actor.organisation_id,
    )
    wholes: dict[str, int] = {}
    for row in found:
        subject = offer_of(row["subject_id"])
        wholes[subject] = wholes.get(subject, 0) + row["amount_minor"]
    return wholes


async def own_contracts(actor: Actor, strip_id: str) -> list[Mapping[str, Any]]:
    """Return the schedules of a supplier's own contracts: who takes what in which month."""
    return list(
        await Pool().rows(
            "select c.id as contract_id, c.total_lots, s.line, s.buyer_id, o.name as buyer,"
            " o.name_en as buyer_en, s.tenor, s.lots, s.price_minor from strip_contract c"
            " join strip_schedule s on s.contract_id = c.id"
            " join organisation o on o.id = s.buyer_id"
            " where c.strip_id = $1 and c.seller_id = $2 order by c.id, s.line",
            strip_id,
            actor.organisation_id,
        )
    )


async def evidence(strip_id: str) -> Mapping[str, Any]:
    """Return the cleared instance and its result, for an auditor; or raise NotFound."""
    found = await Pool().rows(
        "select instance, result from strip_result where strip_id = $1", strip_id
    )
    if not found:
        raise NotFound("evidence")
    return {"instance": decoded(found[0]["instance"]), "result": decoded(found[0]["result"])}


async def _offers(strip_id: str) -> list[Offer]:
    """Return the offers that were cleared, from the result's own instance."""
    found = await Mechanism().rows(
        "select instance from strip_result where strip_id = $1", strip_id
    )
    if not found:
        return []
    return [
        Offer(
            id=row["id"],
            owner=row["owner"],
            steps=tuple(
                Step(tenor, lots, price_minor)
                for tenor, steps in row["steps"].items()
                for lots, price_minor in steps
            ),
            capacity=row["capacity"],
            seq=row["seq"],
            min_total=row["min_total"],
            breaks=tuple((lots, rebate_minor) for lots, rebate_minor in row["breaks"]),
        )
        for row in decoded(found[0]["instance"])["offers"]
    ]


def _alone(won: Sequence[Mapping[str, Any]], offers: Sequence[Offer]) -> int | None:
    lots: dict[str, int] = {}
    for line in won:
        lots[line["tenor"]] = lots.get(line["tenor"], 0) + line["lots"]
    return single_cost(lots, offers) if lots else None
