"""What the journal keeps of mandates and approvals; amounts stay in their rows."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.facts import fact


@fact
class PolicySet:
    """From now on `act` needs a mandate or an approval. Without a chain it no longer does."""

    organisation_id: str
    act: str
    chain: tuple[str, ...]


@fact
class SubstituteNamed:
    """`substitute_id` decides in the place of `person_id` within the window."""

    organisation_id: str
    person_id: str
    substitute_id: str
    begins_at: datetime | None = None
    ends_at: datetime | None = None


@fact
class SubstituteEnded:
    """`substitute_id` no longer decides in the place of `person_id`; `ended_by` said so."""

    organisation_id: str
    person_id: str
    substitute_id: str
    ended_by: str


@fact
class MandateGranted:
    organisation_id: str
    mandate_id: str
    person_id: str
    acts: tuple[str, ...]


@fact
class MandateFunded:
    """Finance set the funds aside; the mandate is open."""

    organisation_id: str
    mandate_id: str


@fact
class MandateEnded:
    """`revoked` or `expired`."""

    organisation_id: str
    mandate_id: str
    state: str


@fact
class ApprovalAsked:
    organisation_id: str
    approval_id: str
    asked_by: str
    act: str


@fact
class ApprovalStepped:
    """One step of the chain said yes; `is_last` when the act may now be carried out."""

    organisation_id: str
    approval_id: str
    person_id: str
    on_behalf_of: str | None
    is_last: bool


@fact
class ApprovalEnded:
    """`executed`, `failed`, `rejected`, `withdrawn` or `expired`."""

    organisation_id: str
    approval_id: str
    asked_by: str
    state: str
    reason: str
