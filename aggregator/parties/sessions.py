"""Sessions: one person, one organisation, an opaque token of which only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aggregator.errors import NotFound, NotSignedIn, WrongPassword
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.parties import passkeys, passwords, securing
from aggregator.parties.errors import WrongPasskey
from aggregator.parties.facts import SessionsEnded
from aggregator.parties.membership import changed
from aggregator.parties.permissions import grants_of
from aggregator.parties.registering import stream_of

IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(hours=12)
SUPPORT = "support:"
"""The grant of a person of the market whom an owner has let in; the rest is its id."""
_SEEN_EVERY = timedelta(minutes=1)
_OF_PERSON = (
    "select p.id, p.name, p.password_hash, p.language, m.organisation_id, m.roles,"
    " o.owner_group, o.name as organisation_name from person p"
    " join membership m on m.person_id = p.id join organisation o on o.id = m.organisation_id"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A fresh session: the token is shown once and never stored."""

    token: str
    actor: Actor
    person_name: str
    organisation_name: str
    expires_at: datetime


async def open_session(
    market: Market,
    login: str,
    password: str,
    *,
    organisation_id: str | None = None,
    code: str | None = None,
    passkey: passkeys.Shown | None = None,
) -> Opened:
    """Check a password and open a session for one of the person's organisations.

    Where a second factor is in force, a passkey counts in place of its code.

    Raises:
        WrongPassword: the log-in is unknown, the password wrong, or the person is not in
            that organisation; which of them is not told.
        CodeNeeded, WrongCode, WrongPasskey: the password is right, the second factor is not.

    """
    found = await Pool().rows(_OF_PERSON + " where p.login = $1 order by m.organisation_id", login)
    right = await passwords.is_right(found[0]["password_hash"] if found else None, password)
    rows = [r for r in found if organisation_id in (None, r["organisation_id"])]
    if not right or not rows:
        raise WrongPassword
    if passkey is None:
        await securing.check_code(market, rows[0]["id"], code)
    elif await passkeys.person_of(market, passkey) != rows[0]["id"]:
        raise WrongPasskey
    return await _open(market, rows[0])


async def open_by_passkey(
    market: Market, passkey: passkeys.Shown, *, organisation_id: str | None = None
) -> Opened:
    """Open a session for the owner of a passkey, who needs no password.

    Raises:
        WrongPasskey: the passkey does not hold, or its owner is not in that organisation.

    """
    person_id = await passkeys.person_of(market, passkey)
    found = await Pool().rows(
        _OF_PERSON + " where p.id = $1 and ($2::text is null or m.organisation_id = $2)"
        " order by m.organisation_id",
        person_id,
        organisation_id,
    )
    if not found:
        raise WrongPasskey
    return await _open(market, found[0])


async def switch(market: Market, actor: Actor, token: str, organisation_id: str) -> Opened:
    """Go on in another of one's firms: this session ends, one there begins.

    Raises:
        NotFound: the person is not in that firm.

    """
    found = await Pool().rows(
        _OF_PERSON + " where p.id = $1 and m.organisation_id = $2",
        actor.person_id,
        organisation_id,
    )
    if not found:
        raise NotFound("organisation")
    opened = await _open(market, found[0])
    await close_session(market, token)
    return opened


async def memberships(actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Return the firms that the person is in."""
    found = await Pool().rows(
        "select m.organisation_id, o.name, o.name_en, m.roles from membership m"
        " join organisation o on o.id = m.organisation_id where m.person_id = $1"
        " order by m.organisation_id",
        actor.person_id,
    )
    return [dict(row) for row in found]


async def _open(market: Market, row: Mapping[str, Any]) -> Opened:
    now, token = market.clock.now(), secrets.token_urlsafe(32)
    expires_at = now + ABSOLUTE
    # A password that is just being changed, which ends all sessions, opens none behind its back.
    opened = await Pool().rows(
        "insert into session (token_hash, person_id, organisation_id, opened_at, seen_at,"
        " expires_at) select $1, p.id, $3, $4, $4, $5 from person p"
        " where p.id = $2 and p.password_hash = $6 for share returning person_id",
        key_of(token),
        row["id"],
        row["organisation_id"],
        now,
        expires_at,
        row["password_hash"],
    )
    if not opened:
        raise WrongPassword
    return Opened(token, _actor(row["id"], row), row["name"], row["organisation_name"], expires_at)


async def actor_of(market: Market, token: str) -> Actor:
    """Return who a session token acts as, with the roles of this moment.

    Raises:
        NotSignedIn: unknown, expired, idle too long or revoked.

    """
    return await actor_of_session(market, key_of(token))


async def actor_of_session(market: Market, key: bytes) -> Actor:
    """Return what `actor_of` returns, of a session known by its key."""
    return (await read_session(market, key)).actor


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its row has it, and how far its firm's stream has come, in one look."""

    actor: Actor
    seen_at: datetime
    expires_at: datetime
    is_token: bool
    firm_seq: int

    def holds(self, now: datetime) -> bool:
        """Whether it still stands; a program may be silent for long, a page may not."""
        return now < self.expires_at and (self.is_token or now - self.seen_at < IDLE)

    def must_note(self, now: datetime) -> bool:
        """Whether it is time to write down that it is in use."""
        return now - self.seen_at >= _SEEN_EVERY


async def read_session(market: Market, key: bytes) -> Session:
    """Return a session that stands, having noted that it is in use; raises as `actor_of`."""
    found = await Pool().rows(
        "select s.person_id, s.seen_at, s.expires_at, s.organisation_id,"
        " coalesce(m.roles, '{viewer}') as roles, s.scopes, s.support_grant_id,"
        " p.language, o.owner_group, coalesce(h.seq, 0) as firm_seq from session s"
        " left join membership m"
        " on m.person_id = s.person_id and m.organisation_id = s.organisation_id"
        " join person p on p.id = s.person_id join organisation o on o.id = s.organisation_id"
        " left join stream_head h on h.stream = 'organisation:' || s.organisation_id"
        " where s.token_hash = $1 and s.revoked_at is null"
        " and (m.roles is null) = (s.support_grant_id is not null)",
        key,
    )
    if not found:
        raise NotSignedIn
    row, now = found[0], market.clock.now()
    session = Session(
        actor=_actor(row["person_id"], row),
        seen_at=row["seen_at"],
        expires_at=row["expires_at"],
        is_token=row["scopes"] is not None,
        firm_seq=row["firm_seq"],
    )
    if not session.holds(now):
        raise NotSignedIn
    if session.must_note(now):
        await Pool().rows("update session set seen_at = $2 where token_hash = $1", key, now)
        session = replace(session, seen_at=now)
    return session


async def close_session(market: Market, token: str) -> None:
    """Revoke a session; every process hears of it through the bus, or from the firm's stream."""
    key = key_of(token)
    found = await Pool().rows(
        "select organisation_id from session where token_hash = $1 and revoked_at is null", key
    )
    if not found:
        return
    firm = found[0]["organisation_id"]

    async def step(unit: Unit) -> Answer:
        ended = await unit.row(
            "update session set revoked_at = $2 where token_hash = $1 and revoked_at is null"
            " returning person_id",
            key,
            unit.now,
        )
        if ended is not None:
            fact = SessionsEnded(firm, ended["person_id"], "signed_out")
            await unit.record(stream_of(firm), fact)
            changed(unit, firm)
        return {}

    await market.perform(Actor.SYSTEM, "identity.sign_out", step, stream=stream_of(firm))


async def member(person_id: str, organisation_id: str) -> Actor:
    """Return a person as an actor of one of his firms, with the roles of this moment.

    Raises:
        NotFound: the person is not, or no longer, in the firm.

    """
    found = await Pool().rows(
        "select m.organisation_id, m.roles, p.language, o.owner_group from membership m"
        " join person p on p.id = m.person_id join organisation o on o.id = m.organisation_id"
        " where m.person_id = $1 and m.organisation_id = $2",
        person_id,
        organisation_id,
    )
    if not found:
        raise NotFound("person")
    return _actor(person_id, found[0])


async def member_of_login(login: str, organisation_id: str | None = None) -> Actor:
    """Return who has a log-in as an actor of a firm of his, the only one where none is named.

    Raises:
        NotFound: no such person, or not in that firm, or in several.

    """
    found = await Pool().rows(
        "select p.id, m.organisation_id from person p join membership m on m.person_id = p.id"
        " where p.login = $1 and ($2::text is null or m.organisation_id = $2)",
        login,
        organisation_id,
    )
    if len(found) != 1:
        raise NotFound("person")
    return await member(found[0]["id"], found[0]["organisation_id"])


def key_of(token: str) -> bytes:
    """Return the key under which a session is kept; the token cannot be found from it."""
    return hashlib.sha256(token.encode()).digest()


def _actor(person_id: str, row: Mapping[str, Any]) -> Actor:
    roles, scopes = frozenset(row["roles"]), row.get("scopes")
    grants = grants_of(roles)
    if scopes is not None:
        grants &= frozenset(scopes)
    if row.get("support_grant_id"):
        grants |= {f"{SUPPORT}{row['support_grant_id']}"}
    return Actor(
        person_id=person_id,
        organisation_id=row["organisation_id"],
        owner_group=row["owner_group"],
        roles=roles,
        grants=grants,
        language=row["language"],
    )
