"""What others may learn about organisations."""

from __future__ import annotations

from datetime import datetime

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


@fact
class PersonInvited:
    """A link was made that lets one person join; the link itself is told once."""

    organisation_id: str
    invitation_id: str
    roles: tuple[str, ...]


@fact
class InvitationEnded:
    """Taken back, or used by `accepted_by`."""

    organisation_id: str
    invitation_id: str
    accepted_by: str | None


@fact
class RolesChanged:
    organisation_id: str
    person_id: str
    roles: tuple[str, ...]


@fact
class PersonLeft:
    """A person's access to the firm is over; relations and history stay with the firm."""

    organisation_id: str
    person_id: str


@fact
class SessionsEnded:
    """Sessions or tokens of a person were revoked.

    `left` the market, `password`, `second_factor`, `signed_out`, `token`.
    """

    organisation_id: str
    person_id: str
    why: str


@fact
class TokenIssued:
    """A program may act for a person within `scopes`."""

    organisation_id: str
    person_id: str
    token_id: str
    scopes: tuple[str, ...]


@fact
class SupportGranted:
    """The owner lets the market's people read the firm until `ends_at`."""

    organisation_id: str
    grant_id: str
    ends_at: datetime


@fact
class SupportUsed:
    organisation_id: str
    grant_id: str
    person_id: str


@fact
class SupportEnded:
    organisation_id: str
    grant_id: str


@fact
class PasskeyAdded:
    """A device of the person's may sign him in."""

    organisation_id: str
    person_id: str
    passkey_id: str


@fact
class PasskeyRemoved:
    organisation_id: str
    person_id: str
    passkey_id: str


@fact
class PasskeyDoubted:
    """A key signed rightly with a count that does not rise: there may be a copy of it."""

    organisation_id: str
    person_id: str
    passkey_id: str


@fact
class IdentityDeclared:
    """The owner declared the firm's `uscc` or `vat` number, whose check holds."""

    organisation_id: str
    number: str


@fact
class ConsentAsked:
    """Two persons of the operator are to agree; `asked_by` is empty for who cannot sign in."""

    organisation_id: str
    consent_id: str
    kind: str
    asked_by: str


@fact
class ConsentGiven:
    """One person of the operator agreed; with the second one it happens."""

    organisation_id: str
    consent_id: str
    person_id: str
    is_last: bool


@fact
class ConsentEnded:
    """`agreed`, `refused` by the operator, or `withdrawn`."""

    organisation_id: str
    consent_id: str
    kind: str
    state: str


@fact
class RecoveryChanged:
    """A person's way back in: `waiting`, `approved`, `open`, `executed` or `revoked`.

    `until` is when its link goes out (`approved`), when that ends (`open`), or when the firm's bank
    accounts may change again (`executed`).
    """

    organisation_id: str
    recovery_id: str
    person_id: str
    state: str
    until: datetime | None
