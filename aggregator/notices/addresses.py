"""A person's own address for mail: nothing but a code is sent there until the code came back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.notices import letters
from aggregator.notices.choosing import ACT
from aggregator.scheduler.timers import set_timer
from aggregator.vault import vault

TIMER = "notices.post"
PURPOSE = "mail code"
MAX_ADDRESS = 254
CODE_DIGITS, MAX_TRIES = 6, 5
CODE_FOR = timedelta(minutes=30)
MAX_CODES, CODES_WITHIN = 3, timedelta(hours=1)
SHOWN = 20
# Plain addresses only: no quotes, no comments, no signs beyond ASCII that could look like others.
_ADDRESS = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_%+-])?"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


async def ask(market: Market, actor: Actor, command: Command, address: str) -> Outcome:
    """Take note of an address and send it a code; an address that was proved before is forgotten.

    Raises:
        Conflict: this market sends no mail, or three codes went out within the hour.
        InvalidField: it is no address.

    """
    if not letters.is_on():
        raise Conflict("mail_is_off")
    if len(address) > MAX_ADDRESS or ".." in address or not _ADDRESS.fullmatch(address):
        raise InvalidField("/mail", "a mail address", address[:60])
    code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "select count(*) as n from mail where is_code and made_at > $3"
            " and (lower(address) = lower($1) or person_id = $2)",
            address,
            actor.person_id,
            unit.now - CODES_WITHIN,
        )
        if row and row["n"] >= MAX_CODES:
            raise Conflict("too_many_codes")
        until = unit.now + CODE_FOR
        wrapped = vault().wrap(code.encode(), PURPOSE)
        await unit.execute(_ASK, actor.person_id, address, unit.now, wrapped, until)
        mail_id = unit.new_id("mail")
        await unit.execute(
            "insert into mail (id, person_id, organisation_id, address, is_code, state, made_at)"
            " values ($1, $2, $3, $4, true, 'pending', $5)",
            mail_id,
            actor.person_id,
            actor.organisation_id,
            address,
            unit.now,
        )
        await set_timer(unit, TIMER, mail_id, unit.now)
        return {"mail": address, "code_until": unit.stamp(until)}

    return await market.perform(actor, ACT, step, command=command)


async def confirm(market: Market, actor: Actor, command: Command, code: str) -> Outcome:
    """Prove the address by the code that was sent there; five wrong ones end it.

    Raises:
        NotFound: no code is waited for, it is too old, or there were too many tries.

    A wrong code is an answer with `is_verified` false, so that the try counts.

    """

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "update mail_address set tries = tries + 1 where person_id = $1"
            " and code_wrapped is not null and code_until > $2 and tries < $3"
            " returning code_wrapped",
            actor.person_id,
            unit.now,
            MAX_TRIES,
        )
        if row is None:
            raise NotFound("mail_code")
        sent = vault().unwrap(row["code_wrapped"], PURPOSE)
        is_right = secrets.compare_digest(sent, code.encode())
        if is_right:
            await unit.execute(
                "update mail_address set code_wrapped = null, verified_at = $2, refused_at = null"
                " where person_id = $1",
                actor.person_id,
                unit.now,
            )
        return {"is_verified": is_right}

    return await market.perform(actor, ACT, step, command=command)


async def remove(market: Market, actor: Actor, command: Command) -> Outcome:
    """Send no mail any more; what waits is not sent either."""

    async def step(unit: Unit) -> Answer:
        row = await unit.row(
            "delete from mail_address where person_id = $1 returning address", actor.person_id
        )
        if row is None:
            raise NotFound("mail_address")
        await unit.execute(
            "delete from mail_notice where person_id = $1 and mail_id is null", actor.person_id
        )
        return {"mail": row["address"]}

    return await market.perform(actor, ACT, step, command=command)


async def address(actor: Actor) -> Mapping[str, Any] | None:
    """Return the person's address and whether it is proved, or None."""
    found = await Pool().rows(
        "select address as mail, verified_at, refused_at,"
        " case when verified_at is null then code_until end as code_until"
        " from mail_address where person_id = $1",
        actor.person_id,
    )
    return dict(found[0]) if found else None


async def mails(actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return the newest mails to the person, of the firm he is signed in for."""
    found = await Pool().rows(
        "select id as mail_id, address as mail, is_code, made_at, state, attempts, tried_at,"
        " outcome, (select count(*) from mail_notice n where n.mail_id = m.id) as notices"
        " from mail m where person_id = $1 and organisation_id = $2"
        " order by made_at desc, id desc limit $3",
        actor.person_id,
        actor.organisation_id,
        SHOWN,
    )
    return [dict(row) for row in found]


_ASK = """
insert into mail_address (person_id, address, asked_at, code_wrapped, code_until)
values ($1, $2, $3, $4, $5)
on conflict (person_id) do update set address = excluded.address, asked_at = excluded.asked_at,
  code_wrapped = excluded.code_wrapped, code_until = excluded.code_until, tries = 0,
  verified_at = null, refused_at = null
"""
