"""What others may learn about organisations."""

from __future__ import annotations

from aggregator.journal.facts import fact


@fact
class OrganisationRegistered:
    organisation_id: str
    kind: str
    region: str


@fact
class PersonAdded:
    """A person joined an organisation; names stay out of the journal."""

    person_id: str
    organisation_id: str
    roles: tuple[str, ...]
