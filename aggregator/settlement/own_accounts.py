"""A firm's own bank accounts: declared, verified by use, and the only ones it is paid out to.

1. Finance or an owner declares an account. The first one stands at once, and so does the next
   where that one ended before it was ever verified: one person can mend his own slip. Of every
   later one a second person is needed, so that finance and owner have both agreed, and nothing is
   paid out to it for three days, of which all are told.
2. It is verified while the bank shows a payment that came from it in the firm's own name and
   became the firm's cash. What the bank has taken back wholly proves nothing any more.
3. For three days after a person of the firm came back by a way back, none is declared or agreed to.
4. Finance or an owner ends an account, alone and at once. Payments that were ordered to it before
   are on their way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aggregator.errors import Conflict, NotFound, WrongState
from aggregator.journal.reading import Reader
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.permissions import FINANCE, OWNER
from aggregator.parties.registering import stream_of
from aggregator.settlement.account_numbers import checked_number
from aggregator.settlement.facts import BankAccountChanged
from aggregator.settlement.matching import is_own_name

ACT = "settlement.declare_account"
COOLING = timedelta(days=3)
MAX_ACCOUNTS = 10
PROPOSED, UNVERIFIED, VERIFIED, ENDED = "proposed", "unverified", "verified", "ended"
_BOTH = frozenset({FINANCE, OWNER})
_ENDING = 4


@dataclass(frozen=True, slots=True)
class SecondPerson:
    """Who can agree to what a colleague declared."""

    person_id: str
    person: str


async def declare(
    market: Market, actor: Actor, command: Command, *, number: str, bank_code: str
) -> Outcome:
    """Declare an account of the actor's firm; all but the first wait for a second person.

    Raises:
        InvalidField: the number or the bank code breaks its rule.
        Conflict: it is declared already, too many are, or the firm's accounts may not change now.

    """
    checked, bank = checked_number(number, bank_code)
    firm = actor.organisation_id

    async def step(unit: Unit) -> Answer:
        await _require_thawed(unit, firm)
        known = await unit.rows(
            "select number, state, confirmed_at, verified_at from bank_account"
            " where organisation_id = $1",
            firm,
        )
        standing = [row for row in known if row["state"] != ENDED]
        if any(row["number"] == checked for row in standing):
            raise Conflict("account_declared")
        if len(standing) >= MAX_ACCOUNTS:
            raise Conflict("too_many_accounts")
        is_first = not any(map(_counts, known))
        account_id = unit.new_id("bac")
        await unit.execute(
            "insert into bank_account (id, organisation_id, number, bank_code, state, declared_by,"
            " declared_as, declared_at, confirmed_at, usable_at)"
            " values ($1, $2, $3, $4, $5, $6, $7::text[], $8, $9, $9)",
            account_id,
            firm,
            checked,
            bank,
            UNVERIFIED if is_first else PROPOSED,
            actor.person_id,
            sorted(actor.roles & _BOTH),
            unit.now,
            unit.now if is_first else None,
        )
        return await _told(unit, account_id, is_judged=is_first)

    return await market.perform(actor, ACT, step, command=command, stream=stream_of(firm))


async def confirm(market: Market, actor: Actor, command: Command, account_id: str) -> Outcome:
    """Agree to a proposed account as the second person; it can be used when it has cooled.

    Raises:
        NotFound: no such account of the firm.
        WrongState: it waits for nobody.
        Conflict: the actor proposed it, finance and owner have not both agreed by him, or the
            firm's accounts may not change now.

    """

    async def step(unit: Unit) -> Answer:
        await _require_thawed(unit, actor.organisation_id)
        row = await _own(unit, actor, account_id)
        if row["state"] != PROPOSED:
            raise WrongState(row["state"], PROPOSED)
        if row["declared_by"] == actor.person_id or not _agree(row["declared_as"], actor.roles):
            raise Conflict("second_person")
        await unit.execute(
            "update bank_account set state = $2, confirmed_by = $3, confirmed_at = $4,"
            " usable_at = $5 where id = $1",
            account_id,
            UNVERIFIED,
            actor.person_id,
            unit.now,
            unit.now + COOLING,
        )
        return await _told(unit, account_id, is_judged=True)

    return await market.perform(
        actor, ACT, step, command=command, stream=stream_of(actor.organisation_id)
    )


async def end(market: Market, actor: Actor, command: Command, account_id: str) -> Outcome:
    """Refuse a proposed account, or use one no longer; payments ordered to it are on their way.

    Raises:
        NotFound: no such account of the firm.
        WrongState: it has ended.

    """

    async def step(unit: Unit) -> Answer:
        row = await _own(unit, actor, account_id)
        if row["state"] == ENDED:
            raise WrongState(ENDED, f"{PROPOSED}, {UNVERIFIED}, {VERIFIED}")
        await unit.execute("update bank_account set state = $2 where id = $1", account_id, ENDED)
        return await _told(unit, account_id, is_judged=False)

    return await market.perform(
        actor, ACT, step, command=command, stream=stream_of(actor.organisation_id)
    )


async def second_persons(
    reader: Reader, organisation_id: str, *, declared_by: str, declared_as: Iterable[str]
) -> Sequence[SecondPerson]:
    """Return who of the firm can agree to an account that this person declares, by name."""
    found = await reader.rows(
        "select m.person_id, p.name, m.roles from membership m join person p on p.id = m.person_id"
        " where m.organisation_id = $1 and m.person_id <> $2 and m.roles && $3::text[]"
        " order by p.name, m.person_id",
        organisation_id,
        declared_by,
        sorted(_BOTH),
    )
    roles = set(declared_as)
    return [
        SecondPerson(row["person_id"], row["name"]) for row in found if _agree(roles, row["roles"])
    ]


def _agree(declared_as: Iterable[str], roles: Iterable[str]) -> bool:
    """Tell whether two persons of these roles are finance and owner together."""
    return {*declared_as, *roles} >= _BOTH


def _counts(account: Mapping[str, Any]) -> bool:
    """Tell whether a further account is not the first: one is agreed to, or was ever verified."""
    if account["state"] == ENDED:
        return account["verified_at"] is not None
    return account["confirmed_at"] is not None


async def usable(unit: Unit, organisation_id: str, number: str) -> Mapping[str, Any]:
    """Return an account of the firm that it may be paid out to, locked.

    Raises:
        Conflict: it is none of the firm's, not verified, or has not cooled.

    """
    row = await unit.row(
        "select id, number, bank_code, state, usable_at from bank_account"
        " where organisation_id = $1 and number = $2 and state <> $3 for share",
        organisation_id,
        number,
        ENDED,
    )
    if row is None:
        raise Conflict("account_not_declared")
    if row["state"] != VERIFIED:
        raise Conflict("account_not_verified")
    if unit.now < row["usable_at"]:
        raise Conflict("account_cooling")
    return row


async def judge(unit: Unit, organisation_id: str) -> None:
    """Have each account of a firm verified or not, as the bank's lines are by now."""
    await unit.lock(stream_of(organisation_id))
    found = await unit.rows(
        "select id, number, bank_code, state from bank_account"
        " where organisation_id = $1 and state = any($2::text[]) order by id",
        organisation_id,
        [UNVERIFIED, VERIFIED],
    )
    for row in found:
        state = VERIFIED if await _has_paid(unit, organisation_id, row) else UNVERIFIED
        if state != row["state"]:
            await unit.execute(
                "update bank_account set state = $2, verified_at = coalesce($3, verified_at)"
                " where id = $1",
                row["id"],
                state,
                unit.now if state == VERIFIED else None,
            )
            await _record(unit, row["id"])


async def _has_paid(unit: Unit, organisation_id: str, account: Mapping[str, Any]) -> bool:
    """Tell whether a payment from the account, in the firm's own name, became its cash."""
    lines = await unit.rows(
        "select distinct payer from bank_line where organisation_id = $1 and payer_account = $2"
        " and direction = 'credit' and state in ('matched', 'assigned')"
        " and taken_back_minor < amount_minor and ($3 = '' or payer_bank in ('', $3))",
        organisation_id,
        account["number"],
        account["bank_code"],
    )
    for line in lines:
        if await is_own_name(unit, organisation_id, line["payer"]):
            return True
    return False


async def _require_thawed(unit: Unit, organisation_id: str) -> None:
    row = await unit.row(
        "select 1 from organisation where id = $1 and accounts_frozen_until > $2",
        organisation_id,
        unit.now,
    )
    if row is not None:
        raise Conflict("accounts_frozen")


async def _own(unit: Unit, actor: Actor, account_id: str) -> Mapping[str, Any]:
    row = await unit.row(
        "select * from bank_account where id = $1 and organisation_id = $2 for update",
        account_id,
        actor.organisation_id,
    )
    if row is None:
        raise NotFound("bank_account")
    return row


async def _told(unit: Unit, account_id: str, *, is_judged: bool) -> Answer:
    """Tell what became of an account, and whether the bank's lines verify it at once."""
    row = await _record(unit, account_id)
    if is_judged:
        await judge(unit, row["organisation_id"])
        row = await _read(unit, account_id)
    return {
        "account_id": account_id,
        "state": row["state"],
        "usable_at": unit.stamp(row["usable_at"]) if row["usable_at"] else None,
    }


async def _record(unit: Unit, account_id: str) -> Mapping[str, Any]:
    row = await _read(unit, account_id)
    firm, ending = row["organisation_id"], row["number"][-_ENDING:]
    fact = BankAccountChanged(firm, account_id, row["state"], ending, row["usable_at"])
    await unit.record(stream_of(firm), fact)
    return row


async def _read(unit: Unit, account_id: str) -> Mapping[str, Any]:
    row = await unit.row("select * from bank_account where id = $1", account_id)
    assert row is not None, account_id
    return row
