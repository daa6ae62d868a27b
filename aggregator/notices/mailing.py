"""Mail to the persons of a firm: what waits is gathered into one mail, sent, and tried again.

A notice and its mark that it waits are rows of one transaction. A while later whatever waits for a
person goes into one mail, a row again; it comes at least once, always under the same `Message-ID`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aggregator.journal.reading import Pool, decoded
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.notices import letters
from aggregator.notices.addresses import PURPOSE, TIMER
from aggregator.notices.choosing import GATHER
from aggregator.notices.delivering import AGAIN_AFTER
from aggregator.notices.kinds import hidden_from
from aggregator.notices.letters import AddressRefused, Letter, Refused, Unsent
from aggregator.notices.queries import NoticeView
from aggregator.parties import recovering
from aggregator.parties.permissions import grants_of
from aggregator.scheduler.timers import set_timer
from aggregator.vault import vault

ACT = "notices.mail"
MOST, WITHIN = 20, timedelta(hours=1)
"""How many mails one address gets within an hour; what is more waits, and comes together."""
CHOICE = "/account#notices"
BACK = "/recover#"


async def gather(market: Market, key: str) -> None:
    """Put all that waits for a person and his firm into one mail, unless it went along already."""
    person_id, _, notice_id = key.partition("/")

    async def step(unit: Unit) -> Answer:
        # Of two processes that gather for one person, the second finds what the first left.
        await unit.row("select 1 from mail_address where person_id = $1 for update", person_id)
        waiting = await unit.row(_WAITING, person_id, notice_id)
        if waiting is None:
            return {}
        if waiting["address"] is None:
            await unit.execute(
                "delete from mail_notice where person_id = $1 and notice_id = $2",
                person_id,
                notice_id,
            )
            return {}
        if (later := await _full_until(unit, waiting["address"])) is not None:
            await set_timer(unit, GATHER, key, later)
            return {}
        mail_id = unit.new_id("mail")
        await unit.execute(
            "insert into mail (id, person_id, organisation_id, address, is_code, state, made_at)"
            " values ($1, $2, $3, $4, false, 'pending', $5)",
            mail_id,
            person_id,
            waiting["organisation_id"],
            waiting["address"],
            unit.now,
        )
        await unit.execute(_GATHER, mail_id, person_id, waiting["organisation_id"])
        await set_timer(unit, TIMER, mail_id, unit.now)
        return {}

    await market.perform(Actor.SYSTEM, ACT, step)


async def _full_until(unit: Unit, address: str) -> datetime | None:
    """Return when the address may get the next mail, or None when it may now."""
    row = await unit.row(
        "select made_at from mail where lower(address) = lower($1) and not is_code"
        " and made_at > $2 order by made_at desc, id desc offset $3 limit 1",
        address,
        unit.now - WITHIN,
        MOST - 1,
    )
    return None if row is None else row["made_at"] + WITHIN


async def post(market: Market, mail_id: str) -> None:
    """Try to send one mail; what is no longer to be sent is given up."""
    found = await Pool().rows(_PENDING, mail_id, market.clock.now())
    if not found:
        return
    row = found[0]
    is_alone = row["is_code"] or row["recovery_id"] is not None
    notices = [] if is_alone else await _carried(row)
    if not row["is_wanted"] or not (notices or is_alone):
        await _note(market, row, state="failed", outcome="not_wanted")
        return
    try:
        await letters.sender().send(_letter(row, notices))
    except AddressRefused as error:
        await _note(market, row, state="failed", outcome=str(error), is_refused=True)
    except Refused as error:
        await _note(market, row, state="failed", outcome=str(error))
    except Unsent as error:
        await _note(market, row, state="pending", outcome=str(error))
    else:
        await _note(market, row, state="sent", outcome="sent")


def _letter(row: Mapping[str, Any], notices: Sequence[NoticeView]) -> Letter:
    language = row["language"]
    firm = row["firm_en"] if language == "en" and row["firm_en"] else row["firm"]
    reader = letters.Reader(row["person"], firm, language, row["zone"])
    if row["is_code"]:
        code = vault().unwrap(row["code_wrapped"], PURPOSE).decode()
        subject, text = letters.words().code(reader, code, letters.place())
    elif row["recovery_id"] is not None:
        token = vault().unwrap(row["link_wrapped"], recovering.PURPOSE).decode()
        subject, text = letters.words().link(reader, letters.place() + BACK + token)
    else:
        subject, text = letters.words().notices(reader, notices, letters.place())
    return Letter(row["id"], row["address"], subject, text, letters.place() + CHOICE)


async def _carried(mail: Mapping[str, Any]) -> Sequence[NoticeView]:
    """Return what a mail tells: of what waited for it, all that its reader may still read."""
    rows = await Pool().rows(
        "select n.id, n.kind, n.subject, n.figures, n.at from mail_notice m"
        " join notice n on n.id = m.notice_id where m.mail_id = $1 and n.kind <> all ($2::text[])"
        " order by n.at, n.place",
        mail["id"],
        sorted(hidden_from(grants_of(mail["roles"]))),
    )
    return [
        NoticeView(row["id"], row["kind"], row["subject"], decoded(row["figures"]), row["at"], None)
        for row in rows
    ]


async def _note(
    market: Market,
    row: Mapping[str, Any],
    *,
    state: str,
    outcome: str,
    is_refused: bool = False,
) -> None:
    """Note a try, and when the next one is."""

    async def step(unit: Unit) -> Answer:
        noted = await unit.row(_NOTE, row["id"], state, outcome, unit.now, len(AGAIN_AFTER))
        if noted is not None and noted["state"] == "pending":
            await set_timer(unit, TIMER, row["id"], unit.now + AGAIN_AFTER[noted["attempts"] - 1])
        if is_refused:
            await unit.execute(
                "update mail_address set refused_at = $3, code_wrapped = null, verified_at = null"
                " where person_id = $1 and address = $2",
                row["person_id"],
                row["address"],
                unit.now,
            )
        return {}

    await market.perform(Actor.SYSTEM, ACT, step)


_WAITING = """
select n.organisation_id, a.address from mail_notice w join notice n on n.id = w.notice_id
left join mail_address a on a.person_id = w.person_id and a.verified_at is not null
  and exists (select from membership m
              where m.person_id = w.person_id and m.organisation_id = n.organisation_id)
where w.person_id = $1 and w.notice_id = $2 and w.mail_id is null
"""
_GATHER = """
update mail_notice w set mail_id = $1 from notice n
where w.person_id = $2 and w.mail_id is null and n.id = w.notice_id and n.organisation_id = $3
"""
_PENDING = """
select m.id, m.person_id, m.address, m.is_code, p.name as person, p.language, p.zone,
  coalesce(w.roles, '{}') as roles,
  o.name as firm, o.name_en as firm_en, a.code_wrapped, m.recovery_id, r.link_wrapped,
  case when m.recovery_id is not null then r.state = 'open' and r.ends_at > $2
    else coalesce(a.address = m.address and case when m.is_code
      then a.code_wrapped is not null and a.code_until > $2 else a.verified_at is not null end
    and w.person_id is not null, false) end as is_wanted
from mail m join person p on p.id = m.person_id join organisation o on o.id = m.organisation_id
left join membership w on w.person_id = m.person_id and w.organisation_id = m.organisation_id
left join mail_address a on a.person_id = m.person_id
left join recovery r on r.id = m.recovery_id
where m.id = $1 and m.state = 'pending'
"""
_NOTE = """
update mail set state = case when $2 = 'pending' and attempts >= $5 then 'failed' else $2 end,
  outcome = $3, tried_at = $4, attempts = attempts + 1
where id = $1 and state = 'pending' returning state, attempts
"""
