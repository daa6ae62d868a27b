"""What the journal keeps of a request, on the stream `request:<id>`."""

from __future__ import annotations

from aggregator.demand.terms import RequestTerms
from aggregator.journal.facts import fact


@fact
class RequestDrafted:
    """A need was written down; a template is for copies only."""

    request_id: str
    organisation_id: str
    is_template: bool
    copied_from: str | None
    terms: RequestTerms


@fact
class RequestChanged:
    """The request as it stands from now on."""

    request_id: str
    organisation_id: str
    terms: RequestTerms


@fact
class RepeatSet:
    """The template comes again every so many months; never again without `every_months`."""

    request_id: str
    organisation_id: str
    every_months: int | None
    lead_days: int | None
    next_tenor: str | None
    until_tenor: str | None


@fact
class RequestRepeated:
    """A repeat made its next draft."""

    template_id: str
    request_id: str
    organisation_id: str
    tenor: str
    lots: int


@fact
class RequestSent:
    """The request became a pledge."""

    request_id: str
    organisation_id: str
    pool_id: str
    pledge_id: str


@fact
class RequestReopened:
    """Its pledge came to nothing: it is a draft again."""

    request_id: str
    organisation_id: str
    pool_id: str
    pledge_id: str


@fact
class RequestBought:
    """Its pledge became a deal."""

    request_id: str
    organisation_id: str
    pool_id: str
    pledge_id: str
    deal_id: str


@fact
class RequestWithdrawn:
    request_id: str
    organisation_id: str
