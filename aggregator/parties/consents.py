"""What two persons of the operator agree to: nothing happens before the second one has said yes.

It is asked for by an owner, by a person of the operator, who is then the first of the two, or by
somebody who cannot sign in. Whom it concerns, and who asked for it from a firm, agrees to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from aggregator.errors import NotFound, SamePerson, WrongState
from aggregator.journal.reading import Pool, Reader, decoded
from aggregator.market import Market, Unit
from aggregator.parties.facts import ConsentAsked, ConsentEnded, ConsentGiven
from aggregator.parties.registering import stream_of

ACT = "parties.agree"
DESK_PERSON, RECOVERY, TAX_NUMBER = "desk_person", "recovery", "tax_number"
SEND_BACK = "send_back"
WAITING, AGREED, REFUSED, WITHDRAWN = "waiting", "agreed", "refused", "withdrawn"
STANDS_FOR = timedelta(days=14)
PERSONS = 2


async def ask(
    unit: Unit,
    kind: str,
    organisation_id: str,
    subject: str,
    figures: Mapping[str, Any],
    *,
    concerns: str = "",
    asked_by: str | None = None,
    is_first: bool = False,
) -> str:
    """Ask the operator; what was asked before of the same subject is withdrawn.

    With `is_first` whoever asks is one of the operator's two persons.
    """
    await withdraw(unit, kind, subject)
    consent_id = unit.new_id("con")
    await unit.execute(
        "insert into consent (id, kind, organisation_id, subject, concerns, figures, state,"
        " asked_by, asked_at, expires_at, agreed_by)"
        " values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10, $11::text[])",
        consent_id,
        kind,
        organisation_id,
        subject,
        concerns,
        json.dumps(figures, ensure_ascii=False),
        WAITING,
        asked_by,
        unit.now,
        unit.now + STANDS_FOR,
        [asked_by] if is_first else [],
    )
    await unit.record(
        stream_of(organisation_id), ConsentAsked(organisation_id, consent_id, kind, asked_by or "")
    )
    return consent_id


async def withdraw(unit: Unit, kind: str, subject: str) -> bool:
    """Ask the operator no longer; return whether he was still asked."""
    row = await unit.row(
        "update consent set state = $3 where kind = $1 and subject = $2 and state = $4"
        " returning id, organisation_id, kind",
        kind,
        subject,
        WITHDRAWN,
        WAITING,
    )
    if row is not None:
        await _end(unit, row, WITHDRAWN)
    return row is not None


async def give(unit: Unit, consent_id: str) -> Mapping[str, Any]:
    """Let the actor agree; return the row, whose `state` is `agreed` once two persons have.

    Raises:
        NotFound: nothing is asked under this id.
        SamePerson: he asked for it, it concerns him, or he has agreed already.
        WrongState: it waits no longer, or has expired.

    """
    row, person = await _waiting(unit, consent_id), unit.actor.person_id
    if person in (row["asked_by"], row["concerns"], *row["agreed_by"]):
        raise SamePerson(consent_id)
    agreed = [*row["agreed_by"], person]
    is_last = len(agreed) == PERSONS
    state = AGREED if is_last else WAITING
    await unit.execute(
        "update consent set agreed_by = $2::text[], state = $3 where id = $1",
        consent_id,
        agreed,
        state,
    )
    firm = row["organisation_id"]
    await unit.record(stream_of(firm), ConsentGiven(firm, consent_id, person, is_last))
    if is_last:
        await _end(unit, row, AGREED)
    return {**row, "state": state, "figures": decoded(row["figures"])}


async def deny(unit: Unit, consent_id: str) -> Mapping[str, Any]:
    """Refuse in the operator's name, which takes one person; raises as `give` for the rest."""
    row = await _waiting(unit, consent_id)
    await unit.execute("update consent set state = $2 where id = $1", consent_id, REFUSED)
    await _end(unit, row, REFUSED)
    return {**row, "state": REFUSED, "figures": decoded(row["figures"])}


async def ended(unit: Unit, consent_id: str) -> Mapping[str, Any]:
    """Return what was asked and who agreed, for whoever carries it out above."""
    row = await unit.row("select * from consent where id = $1", consent_id)
    assert row is not None, consent_id
    return {**row, "figures": decoded(row["figures"])}


async def firm_of(consent_id: str) -> str:
    """Return whose stream a consent stands in, or raise NotFound."""
    found = await Pool().rows("select organisation_id from consent where id = $1", consent_id)
    if not found:
        raise NotFound("consent")
    return str(found[0]["organisation_id"])


async def waiting(market: Market, reader: Reader | None = None) -> Sequence[Mapping[str, Any]]:
    """Return what waits for the operator, the oldest first."""
    found = await (reader or Pool()).rows(
        "select c.id as consent_id, c.kind, c.organisation_id, o.name as organisation,"
        " o.name_en as organisation_en, c.figures, c.asked_by, c.concerns, c.asked_at,"
        " c.expires_at, c.agreed_by from consent c join organisation o on o.id = c.organisation_id"
        " where c.state = $1 and c.expires_at > $2 order by c.asked_at, c.id",
        WAITING,
        market.clock.now(),
    )
    return [{**row, "figures": decoded(row["figures"])} for row in found]


async def _waiting(unit: Unit, consent_id: str) -> Mapping[str, Any]:
    row = await unit.row("select * from consent where id = $1 for update", consent_id)
    if row is None:
        raise NotFound("consent")
    if row["state"] != WAITING:
        raise WrongState(row["state"], WAITING)
    if unit.now >= row["expires_at"]:
        raise WrongState("expired", WAITING)
    return row


async def _end(unit: Unit, row: Mapping[str, Any], state: str) -> None:
    firm = row["organisation_id"]
    await unit.record(stream_of(firm), ConsentEnded(firm, row["id"], row["kind"], state))
