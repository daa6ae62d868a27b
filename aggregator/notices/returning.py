"""Where a way back is sent: to the mail address its person had proved before, and nowhere else."""

from __future__ import annotations

from aggregator.errors import Conflict, NotFound
from aggregator.market import Actor, Answer, Market, Outcome, Unit
from aggregator.notices import letters
from aggregator.notices.addresses import TIMER
from aggregator.parties import recovering
from aggregator.parties.facts import RecoveryChanged
from aggregator.parties.registering import stream_of
from aggregator.scheduler.timers import set_timer

SETTLES = recovering.DELAY
"""How long an address is proved before an owner alone opens a way back to it."""


async def ask(market: Market, login: str) -> None:
    """Ask for a way back in; nothing that is read, written or answered tells who has a log-in.

    Raises:
        Conflict: this market sends no mail.

    """
    if not letters.is_on():
        raise Conflict("mail_is_off")
    await recovering.ask(market, login)


async def on_asked(market: Market, login: str) -> None:
    """Look up who asked, and begin where he has proved an address."""

    async def step(unit: Unit) -> Answer:
        row = await unit.row(f"select id, address from ({_PROVED}) a where login = $1", login)
        if row is not None:
            await recovering.begin(unit, row["id"], row["address"])
        return {}

    await market.perform(Actor.SYSTEM, "people.recover", step)


async def send_back(market: Market, actor: Actor, person_id: str) -> Outcome:
    """Send a colleague the link by which he comes back, in an owner's name.

    Raises:
        NotFound: no such person in the firm.
        Conflict: this market sends no mail, it is the actor himself, he has proved no address long
            ago, or it takes the market: he is in another firm too.

    """
    firm = actor.organisation_id

    async def step(unit: Unit) -> Answer:
        if not await unit.row(
            "select 1 from membership where person_id = $1 and organisation_id = $2",
            person_id,
            firm,
        ):
            raise NotFound("person")
        if not letters.is_on():
            raise Conflict("mail_is_off")
        row = await unit.row(f"select * from ({_PROVED}) a where id = $1", person_id)
        # Who sat down at the colleague's open screen could name an address of his own there.
        if row is None or unit.now < row["verified_at"] + SETTLES or person_id == actor.person_id:
            raise Conflict("recovery_by_market")
        return await recovering.send_back(unit, person_id, row["address"])

    return await market.perform(actor, "people.manage", step, stream=stream_of(firm))


async def on_recovery_changed(unit: Unit, fact: RecoveryChanged) -> None:
    """Mail the link once it is open, whichever of his firms is told first."""
    if fact.state != recovering.OPEN:
        return
    made = await unit.row(
        _LINK, unit.new_id("mail"), fact.recovery_id, fact.organisation_id, unit.now
    )
    if made is not None:
        await set_timer(unit, TIMER, made["id"], unit.now)


_PROVED = """
select p.id, p.login, a.address, a.verified_at
from person p join mail_address a on a.person_id = p.id where a.verified_at is not null
"""
_LINK = """
insert into mail (id, person_id, organisation_id, address, is_code, state, made_at, recovery_id)
select $1, r.person_id, $3, r.address, false, 'pending', $4, r.id from recovery r where r.id = $2
on conflict (recovery_id) do nothing returning id
"""
