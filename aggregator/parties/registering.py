"""Registering organisations and the people in them: the operator's act."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.errors import Conflict, InvalidField, NotFound
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.facts import OrganisationRegistered, PersonAdded
from aggregator.parties.names import checked_name, look_of
from aggregator.parties.passwords import hash_password
from aggregator.parties.permissions import MARKET_ROLES, ROLES
from aggregator.parties.uscc import checked_uscc
from aggregator.parties.vat import checked_vat

FIRMS = ("factory", "mill", "trader", "refiner")
KINDS = (*FIRMS, "operator", "auditor")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{2,119}")
_REFERENCE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_MAX_MONTHLY_LOTS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """What the operator declares of a firm; `monthly_lots` is its usual month."""

    name: str
    kind: str
    owner_group: str
    region: str
    name_en: str = ""
    monthly_lots: int = 0
    uscc: str | None = None
    vat: str | None = None


@dataclass(frozen=True, slots=True)
class NewPerson:
    login: str
    name: str
    password: str
    roles: tuple[str, ...]
    language: str = "zh"


def stream_of(organisation_id: str) -> str:
    return f"organisation:{organisation_id}"


async def register_organisation(
    market: Market, actor: Actor, command: Command, new: NewOrganisation
) -> Outcome:
    """Register a firm.

    Raises:
        InvalidField: a name, kind, region or quantity breaks its rule.
        Conflict: the name is taken.

    """
    _check_organisation(new)

    async def step(unit: Unit) -> Answer:
        return await _register(unit, new)

    return await market.perform(actor, "parties.register", step, command=command)


async def found_operator(market: Market, login: str, password: str, *, name: str) -> None:
    """Make the market's operator and its first person, where there is none yet."""
    password_hash = await hash_password(password)
    person = NewPerson(login, name, password, ("operator",))
    check_person(person)

    async def step(unit: Unit) -> Answer:
        if await unit.row("select id from organisation where kind = 'operator' limit 1"):
            return {}
        organisation = NewOrganisation(name, "operator", "operator", "CN", "Market operator")
        made = await _register(unit, organisation)
        return await add_within(unit, made["organisation_id"], person, password_hash)

    await market.perform(Actor.SYSTEM, "parties.register", step)


async def _register(unit: Unit, new: NewOrganisation) -> Answer:
    name = checked_name(new.name, "/name")
    if await unit.row("select id from organisation where name = $1", name):
        raise Conflict("name_taken")
    look, uscc = look_of(name), checked_uscc(new.uscc) if new.uscc else None
    vat = checked_vat(new.vat) if new.vat else None
    if await unit.row("select id from organisation where look = $1", look):
        raise Conflict("name_looks_like_another")
    if uscc and await unit.row("select id from organisation where uscc = $1", uscc):
        raise Conflict("uscc_taken")
    if vat and await unit.row("select id from organisation where vat = $1", vat):
        raise Conflict("vat_taken")
    organisation_id = unit.new_id("org")
    reference = "D" + "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(9))
    await unit.execute(
        "insert into organisation (id, name, name_en, kind, owner_group, region, monthly_lots,"
        " deposit_reference, created_at, look, uscc, vat) values ($1, $2, $3, $4, $5, $6, $7, $8,"
        " $9, $10, $11, $12)",
        organisation_id,
        name,
        checked_name(new.name_en, "/name_en", at_least=0),
        new.kind,
        checked_name(new.owner_group, "/owner_group"),
        new.region,
        new.monthly_lots,
        reference,
        unit.now,
        look,
        uscc,
        vat,
    )
    await unit.record(
        stream_of(organisation_id),
        OrganisationRegistered(organisation_id, new.kind, new.region),
    )
    return {"organisation_id": organisation_id, "deposit_reference": reference}


async def add_within(
    unit: Unit, organisation_id: str, new: NewPerson, password_hash: str
) -> Answer:
    person_id = await known_within(unit, organisation_id, new, password_hash)
    await enter_within(unit, organisation_id, person_id, sorted(set(new.roles)))
    return {"person_id": person_id, "organisation_id": organisation_id}


async def known_within(unit: Unit, organisation_id: str, new: NewPerson, password_hash: str) -> str:
    """Note a person who may be in the organisation; he is in none yet, and cannot sign in."""
    row = await unit.row("select kind from organisation where id = $1", organisation_id)
    if row is None:
        raise NotFound("organisation")
    if bool(MARKET_ROLES & set(new.roles)) != (row["kind"] in MARKET_ROLES):
        raise InvalidField("/roles", "market roles belong to the operator and auditor only")
    if await unit.row("select id from person where login = $1", new.login):
        raise Conflict("login_taken")
    person_id = unit.new_id("per")
    await unit.execute(
        "insert into person (id, login, name, password_hash, language, created_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        person_id,
        new.login,
        checked_name(new.name, "/name"),
        password_hash,
        new.language,
        unit.now,
    )
    return person_id


async def enter_within(
    unit: Unit, organisation_id: str, person_id: str, roles: Sequence[str]
) -> None:
    """Let a person who is known into the organisation, in these roles."""
    await unit.execute(
        "insert into membership (person_id, organisation_id, roles) values ($1, $2, $3::text[])",
        person_id,
        organisation_id,
        list(roles),
    )
    await unit.record(
        stream_of(organisation_id), PersonAdded(person_id, organisation_id, tuple(roles))
    )


def _check_organisation(new: NewOrganisation) -> None:
    checked_name(new.name, "/name")
    checked_name(new.name_en, "/name_en", at_least=0)
    checked_name(new.owner_group, "/owner_group")
    if new.kind not in KINDS:
        raise InvalidField("/kind", f"one of {', '.join(KINDS)}", new.kind[:40])
    if not 0 <= new.monthly_lots <= _MAX_MONTHLY_LOTS:
        raise InvalidField("/monthly_lots", f"0 to {_MAX_MONTHLY_LOTS}", new.monthly_lots)


def check_person(new: NewPerson) -> None:
    checked_name(new.name, "/name")
    if not _LOGIN.fullmatch(new.login):
        raise InvalidField("/login", "3 to 120 of a-z 0-9 . _ @ -", new.login[:40])
    if new.language not in ("zh", "en"):
        raise InvalidField("/language", "one of zh, en", new.language[:10])
    check_roles(new.roles)


def check_roles(roles: Sequence[str]) -> None:
    if not roles:
        raise InvalidField("/roles", "at least one role", 0)
    for role in roles:
        if role not in ROLES:
            raise InvalidField("/roles", f"one of {', '.join(sorted(ROLES))}", role[:40])
    if "finance" in roles and {"buyer", "seller"} & set(roles):
        raise InvalidField("/roles", "who commits the firm does not release its money")
