"""Reading contracts: the list of one's own, and one of them with slots, dates and timeline.

A seller sees the whole schedule and who takes what; a buyer his own slots only, never that
there are others. Deposits are the buyer's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from aggregator.catalogue.calendars import TradingCalendar, calendar_of
from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.deals.lines import total
from aggregator.errors import NotFound
from aggregator.forwards import call_offs, dating, deposits, places, proposals, slots, store
from aggregator.forwards.call_offs import CallOff
from aggregator.forwards.queries import own_wholes
from aggregator.forwards.slots import Slot
from aggregator.journal.reading import Pool, Reader, entries
from aggregator.market import Actor

ACT = "forwards.contracts"
MAX_CONTRACTS = 200
_HIDDEN = frozenset({"contract_id", "party_ids"})


@dataclass(frozen=True, slots=True)
class ContractSummary:
    """A contract in a list; the figures are those of one's own slots, or of all if selling."""

    contract_id: str
    strip_id: str
    title: str
    side: str
    counterparty: str
    counterparty_en: str
    instrument_id: str
    region: str
    tenors: tuple[str, ...]
    lots: int
    open_lots: int
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class ContractView:
    """One contract for one of its parties."""

    summary: ContractSummary
    seller_id: str
    currency: str
    rules: Mapping[str, Any]
    slots: tuple[Mapping[str, Any], ...]
    proposals: tuple[Mapping[str, Any], ...]
    timeline: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """What every slot of a contract is shown with; `lines` numbers those that are seen."""

    actor: Actor
    traded: InstrumentView
    calendar: TradingCalendar
    now: datetime
    call_offs: Sequence[CallOff]
    states: Mapping[str, str]
    names: Mapping[str, Mapping[str, Any]]
    lines: Mapping[int, int]


async def contracts(actor: Actor, reader: Reader | None = None) -> list[ContractSummary]:
    """Return the contracts of the actor's organisation, newest first."""
    actor.require(ACT)
    source = reader or Pool()
    found = await source.rows(
        "select c.id from strip_contract c where c.seller_id = $1 or exists (select 1 from"
        " contract_slot s where s.contract_id = c.id and s.buyer_id = $1)"
        " order by c.at desc, c.id desc limit $2",
        actor.organisation_id,
        MAX_CONTRACTS,
    )
    views = []
    for row in found:
        mine = await _visible(source, actor, row["id"])
        views.append(await _summary(source, actor, row["id"], mine))
    return views


async def contract(
    actor: Actor, contract_id: str, now: datetime, reader: Reader | None = None
) -> ContractView:
    """Return one contract of the actor's, or raise NotFound."""
    actor.require(ACT)
    source = reader or Pool()
    mine = await _visible(source, actor, contract_id)
    strip = await store.load(source, mine[0].strip_id)
    traded = await instrument(strip.instrument_id, source)
    calendar = await calendar_of(source, strip.region)
    called = await call_offs.of_slots(source, [slot.id for slot in mine])
    frame = _Frame(
        actor,
        traded,
        calendar,
        now,
        called,
        await _deal_states(source, [c.deal_id for c in called if c.deal_id]),
        await _names(source, [slot.buyer_id for slot in mine]),
        {line: n for n, line in enumerate(sorted({slot.line for slot in mine}), start=1)},
    )
    shown = [await _slot(source, frame, slot) for slot in mine]
    return ContractView(
        await _summary(source, actor, contract_id, mine),
        mine[0].seller_id,
        traded.currency,
        {
            "tenors": strip.tenors,
            "zone": calendar.zone_of(strip.tenors[0]),
            "signing_bps": deposits.signing_bps(strip, traded),
            "month_bps": strip.month_bps,
            "pricing": strip.awarded_pricing or strip.pricing,
            "make_whole_minor": sum((await own_wholes(source, actor, strip.id)).values()),
            "index_reference_minor": strip.index_reference_minor,
            "index_default_minor": strip.index_default_minor,
        },
        tuple(shown),
        tuple(await _proposals(source, actor, contract_id)),
        tuple(await _timeline(source, actor, strip.id, contract_id)),
    )


async def waiting(actor: Actor, reader: Reader | None = None) -> list[Mapping[str, Any]]:
    """Return the proposals that wait for the actor's firm, of its contracts or offered to it."""
    actor.require(ACT)
    source = reader or Pool()
    found = await proposals.waiting_for(source, actor.organisation_id)
    return [await _proposal(source, actor, proposal) for proposal in found]


async def _visible(source: Reader, actor: Actor, contract_id: str) -> Sequence[Slot]:
    found = await slots.of_contract(source, contract_id)
    mine = [slot for slot in found if actor.organisation_id in slot.party_ids]
    if not mine:
        raise NotFound("contract")
    return mine


async def _summary(
    source: Reader, actor: Actor, contract_id: str, mine: Sequence[Slot]
) -> ContractSummary:
    [row] = await source.rows(
        "select c.strip_id, c.seller_id, c.at, t.title, t.instrument_id, t.region, o.name,"
        " o.name_en from strip_contract c join strip t on t.id = c.strip_id"
        " join organisation o on o.id = c.seller_id where c.id = $1",
        contract_id,
    )
    is_seller = row["seller_id"] == actor.organisation_id
    living = [slot for slot in mine if slot.state in (slots.OPEN, slots.CALLED)]
    names = await _names(source, [slot.buyer_id for slot in living])
    return ContractSummary(
        contract_id,
        row["strip_id"],
        row["title"],
        "seller" if is_seller else "buyer",
        _joined(names, "name") if is_seller else row["name"],
        _joined(names, "name_en") if is_seller else row["name_en"],
        row["instrument_id"],
        row["region"],
        tuple(sorted({slot.tenor for slot in living})),
        sum(slot.called_lots for slot in mine) + sum(_open(slot) for slot in mine),
        sum(_open(slot) for slot in mine),
        row["at"],
    )


def _open(slot: Slot) -> int:
    return slot.open_lots if slot.state == slots.OPEN else 0


async def _slot(source: Reader, frame: _Frame, slot: Slot) -> Mapping[str, Any]:
    is_mine = slot.buyer_id == frame.actor.organisation_id
    place = await places.named(source, slot.place_id)
    mine = [one for one in frame.call_offs if one.slot_id == slot.id]
    days = _deliveries(frame, slot)
    waits = sum(one.lots for one in mine if one.state == "nominated")
    return {
        "slot_id": slot.id,
        "replaces": slot.replaces,
        "line": frame.lines[slot.line],
        "buyer_id": slot.buyer_id,
        "buyer": frame.names[slot.buyer_id]["name"],
        "buyer_en": frame.names[slot.buyer_id]["name_en"],
        "is_mine": is_mine,
        "tenor": slot.tenor,
        "lots": slot.lots,
        "called_lots": slot.called_lots,
        "nominated_lots": waits,
        "left_lots": max(0, _open(slot) - waits),
        "price_minor": slot.price_minor,
        "freight_minor": slot.freight_minor,
        "is_fixed": slot.is_fixed,
        "index_minor": slot.index_minor,
        **_priced(frame, slot),
        "place": place.name if place else None,
        "deposit_minor": slot.deposit_minor if is_mine else None,
        "stage": slot.stage,
        "stage_call_minor": slot.stage_minor if is_mine and slot.stage != slots.NONE else None,
        "ahead_at": slot.ahead_at,
        "stage_due_at": slot.stage_due_at,
        "nominate_by": slot.nominate_by,
        "delivery_from": days[0] if days else None,
        "delivery_to": days[-1] if days else None,
        "delivery_days": days,
        "state": slot.state,
        "opened_at": slot.opened_at,
        "ended_at": slot.ended_at,
        "call_offs": [
            {**call_offs.view(one), "deal_state": frame.states.get(one.deal_id or "")}
            for one in mine
        ],
    }


def _priced(frame: _Frame, slot: Slot) -> Mapping[str, Any]:
    """Return what a slot binds to: all its lots, or once it has ended those called off."""
    is_living = slot.state in (slots.OPEN, slots.CALLED)
    bound = slot.lots if is_living else slot.called_lots
    lines = deposits.slot_lines(frame.traded, slot, bound) if bound else ()
    return {
        "bound_lots": bound,
        "total_minor": total(lines),
        "lines": [
            {
                "kind": line.kind,
                "counterparty": line.counterparty,
                "amount_minor": line.amount_minor,
            }
            for line in lines
        ],
    }


def _deliveries(frame: _Frame, slot: Slot) -> tuple[date, ...]:
    """Return the days that can be nominated now."""
    if slot.state != slots.OPEN or frame.now >= slot.nominate_by:
        return ()
    first = dating.first_delivery(frame.calendar, frame.now)
    return tuple(day for day in frame.calendar.days_of(slot.tenor) if day >= first)


async def _deal_states(source: Reader, deal_ids: Sequence[str]) -> dict[str, str]:
    found = await source.rows(
        "select id, state from deal where id = any($1::text[])", list(deal_ids)
    )
    return {row["id"]: row["state"] for row in found}


async def _names(source: Reader, organisation_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return `name` and `name_en` of firms, by their ids."""
    found = await source.rows(
        "select id, name, name_en from organisation where id = any($1::text[])",
        list(organisation_ids),
    )
    return {row["id"]: row for row in found}


def _joined(names: Mapping[str, Mapping[str, Any]], field: str) -> str:
    """Return the names of several firms in one language, in the other where one has none."""
    return ", ".join(sorted({row[field] or row["name"] for row in names.values()}))


async def _proposals(source: Reader, actor: Actor, contract_id: str) -> list[Mapping[str, Any]]:
    found = await proposals.of_firm(source, actor.organisation_id, contract_id)
    return [await _proposal(source, actor, proposal) for proposal in found]


async def _proposal(
    source: Reader, actor: Actor, proposal: proposals.Proposal
) -> Mapping[str, Any]:
    names = await _names(source, proposal.asked)
    given = await source.rows(
        "select organisation_id from proposal_consent where proposal_id = $1", proposal.id
    )
    consented = {row["organisation_id"] for row in given}
    slot = await slots.load(source, proposal.slot_id)
    mine = actor.organisation_id
    return {
        "proposal_id": proposal.id,
        "contract_id": proposal.contract_id,
        "slot_id": proposal.slot_id if mine in slot.party_ids else None,
        "kind": proposal.kind,
        "tenor": slot.tenor,
        "wanted_tenor": proposal.change.tenor,
        "lots": proposal.change.lots,
        "instrument": slot.instrument_id,
        "region": slot.region,
        "proposed_by": names[proposal.proposed_by]["name"],
        "proposed_by_en": names[proposal.proposed_by]["name_en"],
        "is_mine": proposal.proposed_by == mine,
        "asked": [
            {
                "name": names[one]["name"],
                "name_en": names[one]["name_en"],
                "has_consented": one in consented,
            }
            for one in proposal.asked
        ],
        "waits_for_me": proposal.state == "open" and mine not in consented,
        "state": proposal.state,
        "expires_at": proposal.expires_at,
        "plan": proposals.plan_view(proposal.plan, mine),
    }


async def _timeline(
    source: Reader, actor: Actor, strip_id: str, contract_id: str
) -> list[Mapping[str, Any]]:
    found = await entries(source, slots.stream_of(strip_id))
    seen = [
        entry
        for entry in found
        if entry.fact.contract_id == contract_id and actor.organisation_id in entry.fact.party_ids
    ]
    return [
        {
            "at": entry.at,
            "fact": type(entry.fact).__name__,
            "figures": {
                one.name: getattr(entry.fact, one.name)
                for one in fields(entry.fact)
                if one.name not in _HIDDEN
            },
        }
        for entry in seen
    ]
