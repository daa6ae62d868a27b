"""Reading who is who."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.errors import NotFound
from aggregator.journal.reading import Pool, Reader

_COLUMNS = "id, name, name_en, kind, owner_group, region, monthly_lots, deposit_reference"


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """A firm. `monthly_lots` is its declared usual month; `owner_group` its beneficial owner."""

    id: str
    name: str
    name_en: str
    kind: str
    owner_group: str
    region: str
    monthly_lots: int
    deposit_reference: str


async def organisation(organisation_id: str, reader: Reader | None = None) -> OrganisationView:
    """Return one organisation, or raise NotFound."""
    found = await (reader or Pool()).rows(
        f"select {_COLUMNS} from organisation where id = $1", organisation_id
    )
    if not found:
        raise NotFound("organisation")
    return _view(found[0])


async def organisations(reader: Reader | None = None) -> list[OrganisationView]:
    """Return every organisation, in order of registration."""
    found = await (reader or Pool()).rows(
        f"select {_COLUMNS} from organisation order by created_at, id"
    )
    return [_view(row) for row in found]


async def organisations_of(
    organisation_ids: list[str], reader: Reader | None = None
) -> list[OrganisationView]:
    """Return those of the organisations that exist, in order of their ids."""
    found = await (reader or Pool()).rows(
        f"select {_COLUMNS} from organisation where id = any($1::text[]) order by id",
        organisation_ids,
    )
    return [_view(row) for row in found]


async def owner_groups(organisation_ids: list[str], reader: Reader | None = None) -> dict[str, str]:
    """Return the owner group of each organisation."""
    found = await (reader or Pool()).rows(
        "select id, owner_group from organisation where id = any($1::text[])", organisation_ids
    )
    return {row["id"]: row["owner_group"] for row in found}


async def tax_identity(organisation_id: str, at: datetime, reader: Reader | None = None) -> str:
    """Return the credit code or EU VAT number that a firm has, or had at an instant.

    What was issued before the firm declared any bears the one that it declared first.
    """
    found = await (reader or Pool()).rows(
        "select coalesce((select f.number from former_tax_number f where f.organisation_id = o.id"
        " and f.until > $2 order by f.until limit 1), o.uscc, o.vat, '') as number"
        " from organisation o where o.id = $1",
        organisation_id,
        at,
    )
    return str(found[0]["number"]) if found else ""


async def market_identity(reader: Reader | None = None) -> tuple[str, str]:
    """Return the name and the tax number of the operator's organisation, the first that has one.

    The number is empty where none was declared, the name where there is no operator yet.
    """
    found = await (reader or Pool()).rows(
        "select name, coalesce(uscc, vat, '') as number from organisation where kind = 'operator'"
        " order by coalesce(uscc, vat) is null, created_at, id limit 1"
    )
    return (str(found[0]["name"]), str(found[0]["number"])) if found else ("", "")


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person of a firm, as colleagues see him."""

    person_id: str
    person: str
    roles: tuple[str, ...]
    last_seen_at: datetime | None


async def people(organisation_id: str, reader: Reader | None = None) -> list[PersonView]:
    """Return the people of a firm, in the order in which they came."""
    found = await (reader or Pool()).rows(
        "select m.person_id, p.name as person, m.roles, (select max(s.seen_at) from session s"
        " where s.person_id = m.person_id and s.organisation_id = m.organisation_id) as seen_at"
        " from membership m join person p on p.id = m.person_id where m.organisation_id = $1"
        " order by p.created_at, p.id",
        organisation_id,
    )
    return [
        PersonView(row["person_id"], row["person"], tuple(row["roles"]), row["seen_at"])
        for row in found
    ]


async def invitations(organisation_id: str, now: datetime) -> Sequence[Mapping[str, Any]]:
    """Return the open invitations of a firm."""
    found = await Pool().rows(
        "select i.id as invitation_id, i.roles, p.name as invited_by, i.invited_at, i.expires_at"
        " from invitation i join person p on p.id = i.invited_by where i.organisation_id = $1"
        " and i.ended_at is null and i.expires_at > $2 order by i.invited_at desc, i.id",
        organisation_id,
        now,
    )
    return [dict(row) for row in found]


def _view(row: Mapping[str, Any]) -> OrganisationView:
    return OrganisationView(**dict(row))
