"""Service tickets: one matter, all desks concerned at once, each with its own clock.

A party opens a ticket on a deal that is paid, until its return time is over. The desks are the
other side's trade, logistics and finance, and the market's. What happens by itself:

- the disputed part is held (`disputed`), and the deal feeds no price until the ticket has ended;
- a desk of a side whose time runs out is marked as silent and both sides are told;
- the market decides in lots; if its own time runs out too, the ticket ends undecided and the
  money is the seller's again; the buyer may still return the lots, or claim in court;
- a deal that ends without goods ends its tickets.

What an upheld ticket costs the seller is compensation, no change of the invoice: who wants the
price itself back returns the lots, which ends in a credit note.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aggregator.deals import access, stages, store
from aggregator.deals.facts import DealCancelled, DealDefaulted
from aggregator.deals.quantities import check_lots, check_text
from aggregator.deals.store import Deal
from aggregator.errors import Conflict, InvalidField, NotAllowed, NotFound, WrongState
from aggregator.fulfilment import desks, disputed, ticket_rows
from aggregator.fulfilment.facts import DeskAnswered, DeskSilent, TicketEnded, TicketOpened
from aggregator.fulfilment.ticket_rows import (
    ANSWERED,
    DESKS,
    MARKET,
    OPEN,
    OVER,
    REJECTED,
    SILENT,
    UNDECIDED,
    UPHELD,
    WITHDRAWN,
    Ticket,
)
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.scheduler.terms import check_running, is_over

RAISE, ANSWER = "fulfilment.raise_ticket", "fulfilment.answer_ticket"
CONCEDE, DECIDE = "fulfilment.concede_ticket", "fulfilment.decide_ticket"
MAX_TEXT = 500
_LIVE = (
    stages.FUNDED,
    stages.SHIPPING,
    stages.DELIVERED,
    stages.DISPUTED,
    stages.ACCEPTED,
    stages.INVOICED,
    stages.SETTLED,
)

_BARREN = (stages.FUNDED, stages.SHIPPING, stages.DISPUTED)
"""The states whose end is that of the deal: without goods."""


async def raise_ticket(
    market: Market,
    actor: Actor,
    command: Command,
    deal_id: str,
    *,
    matter: str,
    lots: int,
    reason: str,
) -> Outcome:
    """Open a ticket; only the buyer disputes lots, others ask with 0.

    Raises:
        NotFound: no such deal of the actor's.
        WrongState: the deal is not paid, or ended without goods.
        TermOver: it is about to end so.
        Conflict: the return time is over, or the side has an open ticket of this matter.
        InvalidField: an unknown matter, more lots than are not in dispute, or no reason.

    """
    if matter not in DESKS:
        raise InvalidField("/matter", "one_of", ", ".join(DESKS))
    said = check_text(reason, "/reason", max_length=MAX_TEXT)

    async def step(unit: Unit) -> Answer:
        deal = await access.as_party(unit, deal_id)
        _check_time(unit, deal)
        known = await ticket_rows.open_tickets(unit, deal.id)
        by = actor.organisation_id
        if any((one.opened_by, one.matter) == (by, matter) for one in known):
            raise Conflict("ticket_open")
        most = 0
        if by == deal.buyer_id:
            gone = sum(one.lots for one in known) + await disputed.compensated_lots(unit, deal)
            most = max(_lots(deal) - gone, 0)
        check_lots(lots, at_most=most, at_least=0)
        ticket_id = await _open(unit, deal, by, matter=matter, lots=lots, reason=said)
        return await _answer(unit, ticket_id)

    stream = await access.stream_for(actor, RAISE, deal_id)
    return await market.perform(actor, RAISE, step, command=command, stream=stream)


async def answer(
    market: Market,
    actor: Actor,
    command: Command,
    deal_id: str,
    ticket_id: str,
    *,
    desk: str,
    text: str,
) -> Outcome:
    """Answer for one desk; trade may answer for every desk of its side.

    Raises:
        NotFound: no such ticket on a deal of the actor's, or it has no such desk.
        NotAllowed: the desk is the market's, of the side that opened the ticket, or another's.
        WrongState: the ticket has ended, or the desk has answered.
        TermOver: the market's time to decide it has passed, here and below.
        InvalidField: there is no text.

    """
    said = check_text(text, "/text", max_length=MAX_TEXT)

    async def end_desk(unit: Unit, deal: Deal, ticket: Ticket) -> None:
        if not desks.is_at(unit.actor, deal, ticket, desk):
            raise NotAllowed(ANSWER)
        if await desks.is_due(unit, ticket.id, desk):
            await _fall_silent(unit, deal, ticket, desk)
        await desks.end(unit, ticket.id, desk, ANSWERED, said)
        fact = DeskAnswered(ticket.id, deal.id, deal.buyer_id, deal.seller_id, desk)
        await unit.record(store.stream_of(deal.id), fact)

    return await _by_party(market, actor, command, ANSWER, (deal_id, ticket_id), end_desk)


async def withdraw(
    market: Market, actor: Actor, command: Command, deal_id: str, ticket_id: str
) -> Outcome:
    """Close one's own ticket: the matter is settled, the money is the seller's again.

    Raises:
        NotFound: no such ticket on a deal of the actor's.
        NotAllowed: the other side opened it.
        WrongState: it has ended.

    """

    async def end(unit: Unit, deal: Deal, ticket: Ticket) -> None:
        if ticket.opened_by != unit.actor.organisation_id:
            raise NotAllowed(RAISE)
        await _end(unit, deal, ticket, WITHDRAWN)

    return await _by_party(market, actor, command, RAISE, (deal_id, ticket_id), end)


async def concede(
    market: Market, actor: Actor, command: Command, deal_id: str, ticket_id: str
) -> Outcome:
    """Admit the buyer's ticket: what is held for its lots is his.

    Raises:
        NotFound: no such ticket on a deal of the actor's.
        NotAllowed: the actor is of the buyer, or the ticket is the seller's own.
        WrongState: it has ended, or the deal has not settled.

    """

    async def end(unit: Unit, deal: Deal, ticket: Ticket) -> None:
        if unit.actor.organisation_id != deal.seller_id or ticket.opened_by == deal.seller_id:
            raise NotAllowed(CONCEDE)
        _require_settled(deal, ticket.lots)
        await _end(unit, deal, ticket, UPHELD, fault_lots=ticket.lots)

    return await _by_party(market, actor, command, CONCEDE, (deal_id, ticket_id), end)


async def decide(
    market: Market, actor: Actor, command: Command, ticket_id: str, *, lots: int
) -> Outcome:
    """Decide a ticket for the market: `lots` of those in dispute were the seller's failure.

    Raises:
        NotFound: no such ticket.
        WrongState: it has ended, or the deal has not settled.
        InvalidField: more lots than are in dispute, or fewer than 0.

    """
    actor.require(DECIDE)
    deal_id = await ticket_rows.deal_of(Pool(), ticket_id)
    if deal_id is None:
        raise NotFound("ticket")

    async def end(unit: Unit, deal: Deal) -> None:
        ticket = await _running_one(unit, deal, ticket_id)
        check_lots(lots, at_most=ticket.lots, at_least=0)
        _require_settled(deal, lots)
        await _end(unit, deal, ticket, UPHELD if lots else REJECTED, fault_lots=lots)

    about = {"ticket_id": ticket_id}
    return await access.decide_for_market(
        market, actor, command, DECIDE, deal_id, about=about, lots=lots, decide=end
    )


async def open_by_rule(unit: Unit, deal: Deal, *, matter: str, reason: str) -> None:
    """Open a ticket in the buyer's name, unless he has one of this matter open."""
    known = await ticket_rows.open_tickets(unit, deal.id)
    if not any((one.opened_by, one.matter) == (deal.buyer_id, matter) for one in known):
        await _open(unit, deal, deal.buyer_id, matter=matter, lots=0, reason=reason)


async def on_silence(market: Market, key: str) -> None:
    """Ring when a desk's time is over; the market's own silence ends the ticket."""
    ticket_id, _, desk = key.partition(":")
    deal_id = await ticket_rows.deal_of(Pool(), ticket_id)
    assert deal_id is not None, key

    async def step(unit: Unit) -> Answer:
        deal = await store.locked(unit, deal_id)
        if not await desks.is_due(unit, ticket_id, desk):
            return {}
        ticket = await _open_one(unit, deal, ticket_id)
        if desk == MARKET and _is_undecidable(deal, ticket):
            until = unit.now + DESKS[ticket.matter][desk]
            await desks.wait_until(unit, ticket.id, desk, until)
            return {}
        await _fall_silent(unit, deal, ticket, desk)
        if desk == MARKET:
            await _end(unit, deal, ticket, UNDECIDED)
        return {"ticket_id": ticket_id}

    await market.perform(Actor.SYSTEM, desks.TIMER, step, stream=store.stream_of(deal_id))


async def on_deal_over(unit: Unit, ended: DealCancelled | DealDefaulted) -> None:
    """End the tickets of a deal that ended without goods: nothing is in dispute."""
    deal = await store.load(unit, ended.deal_id)
    for ticket in await ticket_rows.open_tickets(unit, deal.id):
        await _end(unit, deal, ticket, OVER)


def _check_time(unit: Unit, deal: Deal) -> None:
    stages.require_state(deal, *_LIVE)
    if deal.state in _BARREN:
        stages.require_running(unit, deal, *_BARREN)
    if is_over(unit, deal.return_until):
        raise Conflict("return_time_over")


def _require_settled(deal: Deal, lots: int) -> None:
    """Refuse to find lots at fault before there is money to pay for them.

    Until then the buyer's way is the acceptance: of fewer lots, or of none.
    """
    if lots:
        stages.require_state(deal, stages.SETTLED, stages.RETURNED)


def _lots(deal: Deal) -> int:
    """Return how many lots of a deal there can be a dispute about."""
    return (deal.accepted_lots or deal.lots) - deal.returned_lots


async def _open(unit: Unit, deal: Deal, by: str, *, matter: str, lots: int, reason: str) -> str:
    ticket_id = unit.new_id("tkt")
    await unit.execute(
        "insert into ticket (id, deal_id, matter, opened_by, lots, reason, state, opened_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        ticket_id,
        deal.id,
        matter,
        by,
        lots,
        reason,
        OPEN,
        unit.now,
    )
    await desks.open_all(unit, ticket_id, matter)
    ticket = await _open_one(unit, deal, ticket_id)
    await disputed.hold(unit, deal, ticket, lots)
    fact = TicketOpened(
        ticket_id=ticket_id,
        deal_id=deal.id,
        buyer_id=deal.buyer_id,
        seller_id=deal.seller_id,
        opened_by=by,
        matter=matter,
        lots=lots,
        desks=tuple(DESKS[matter]),
    )
    await unit.record(store.stream_of(deal.id), fact)
    return ticket_id


async def _end(unit: Unit, deal: Deal, ticket: Ticket, state: str, *, fault_lots: int = 0) -> None:
    paid_minor = await disputed.release(unit, deal, ticket, fault_lots)
    await unit.execute(
        "update ticket set state = $2, fault_lots = $3, compensation_minor = $4, ended_at = $5"
        " where id = $1",
        ticket.id,
        state,
        fault_lots,
        paid_minor,
        unit.now,
    )
    await desks.close_all(unit, ticket.id)
    fact = TicketEnded(
        ticket_id=ticket.id,
        deal_id=deal.id,
        buyer_id=deal.buyer_id,
        seller_id=deal.seller_id,
        matter=ticket.matter,
        state=state,
        lots=ticket.lots,
        fault_lots=fault_lots,
        compensation_minor=paid_minor,
    )
    await unit.record(store.stream_of(deal.id), fact)


async def _by_party(
    market: Market,
    actor: Actor,
    command: Command,
    act: str,
    named: tuple[str, str],
    carry_out: Callable[[Unit, Deal, Ticket], Awaitable[None]],
) -> Outcome:
    """Do what a party does to an open ticket, `named` by its deal's id and its own."""
    deal_id, ticket_id = named

    async def step(unit: Unit) -> Answer:
        deal = await access.as_party(unit, deal_id)
        await carry_out(unit, deal, await _running_one(unit, deal, ticket_id))
        return await _answer(unit, ticket_id)

    stream = await access.stream_for(actor, act, deal_id)
    return await market.perform(actor, act, step, command=command, stream=stream)


async def _running_one(unit: Unit, deal: Deal, ticket_id: str) -> Ticket:
    """Return an open ticket for an act; one that the market's silence has ended is over."""
    ticket = await _open_one(unit, deal, ticket_id)
    if not _is_undecidable(deal, ticket):
        check_running(unit, await desks.due_at(unit, ticket_id, MARKET))
    return ticket


def _is_undecidable(deal: Deal, ticket: Ticket) -> bool:
    """Tell whether the market's time begins anew when it is over.

    Nothing can be decided before the money has moved; until then it is safe in escrow.
    """
    return bool(ticket.lots) and deal.settled_at is None


async def _fall_silent(unit: Unit, deal: Deal, ticket: Ticket, desk: str) -> None:
    await desks.end(unit, ticket.id, desk, SILENT, "")
    fact = DeskSilent(ticket.id, deal.id, deal.buyer_id, deal.seller_id, desk)
    await unit.record(store.stream_of(deal.id), fact)


async def _open_one(unit: Unit, deal: Deal, ticket_id: str) -> Ticket:
    for ticket in await ticket_rows.tickets_of(unit, deal.id):
        if ticket.id == ticket_id:
            if ticket.state != OPEN:
                raise WrongState(ticket.state, OPEN)
            return ticket
    raise NotFound("ticket")


async def _answer(unit: Unit, ticket_id: str) -> Answer:
    row = await unit.row(f"select {ticket_rows.COLUMNS} from ticket where id = $1", ticket_id)
    assert row is not None
    return {
        "ticket_id": ticket_id,
        "deal_id": row["deal_id"],
        "matter": row["matter"],
        "state": row["state"],
        "lots": row["lots"],
        "fault_lots": row["fault_lots"],
        "desks": {
            desk.desk: unit.stamp(desk.due_at)
            for desk in await ticket_rows.desks_of(unit, ticket_id)
        },
    }
