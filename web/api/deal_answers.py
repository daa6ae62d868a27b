"""What the answers about deals look like."""

from __future__ import annotations

from web.api.fields import Answers, Money
from web.api.service_answers import LaneRunAnswer, PhotographAnswer, TicketAnswer


class TaskAnswer(Answers):
    act: str
    side: str
    due_at: str | None
    is_mine: bool


class DealSummary(Answers):
    """A deal in a list; `goods` is the goods price per lot."""

    deal_id: str
    side: str
    counterparty_id: str
    counterparty: str
    counterparty_en: str
    source: str
    source_id: str
    instrument_id: str
    region: str
    tenor: str
    cell: str
    lots: int
    accepted_lots: int
    returned_lots: int
    currency: str
    goods: Money
    total: Money
    state: str
    note: str
    due_at: str | None
    formed_at: str
    settled_at: str | None
    tasks: list[TaskAnswer]


class Deals(Answers):
    deals: list[DealSummary]


class LineAnswer(Answers):
    """One flow; `counterparty` is an organisation's id, or `platform`."""

    kind: str
    counterparty: str
    lots: int
    rate_bps: int | None
    amount: Money


class TermAnswer(Answers):
    dimension: str
    promised: str
    tolerance: str
    measured: str | None


class FeeAnswer(Answers):
    """The market's fee for one flow; all of them are the information line."""

    flow: str
    amount: Money


class EvidenceAnswer(Answers):
    kind: str
    reference: str
    lots: int | None
    amount: Money | None
    at: str


class TimelineAnswer(Answers):
    seq: int
    at: str
    fact: str
    figures: dict[str, object]


class ShipmentAnswer(Answers):
    lots: int
    carrier: str
    vehicle: str
    document: str
    weight_kg: int | None
    shipped_at: str


class ReceiptAnswer(Answers):
    lots: int
    place: str
    document: str
    weight_kg: int | None
    delivered_at: str


class AcceptanceAnswer(Answers):
    lots: int
    is_within_tolerance: bool
    by: str
    accepted_at: str


class ReturnAnswer(Answers):
    return_id: str
    lots: int
    reason: str
    disposition: str
    freight_by: str
    evidence: str
    returned_at: str


class DocumentLineAnswer(Answers):
    kind: str
    lots: int
    net: Money


class DocumentAnswer(Answers):
    """An invoice or credit note; `refund` of a credit note is `owed` or `paid`."""

    id: str
    kind: str
    issuer: str
    number: int
    recipient_id: str
    credits: str | None
    currency: str
    net: Money
    tax_bps: int
    tax: Money
    total: Money
    issued_at: str
    lines: list[DocumentLineAnswer]
    refund: str | None
    tax_number: str | None
    tax_code: str | None


class MatchAnswer(Answers):
    """One evidence against what it must show; all five agree where a deal settles."""

    kind: str
    wanted_lots: int | None
    found_lots: int | None
    wanted: Money | None
    found: Money | None
    agrees: bool


class ClaimAnswer(Answers):
    """Lots that did not come as promised; `deposit` of the seller's is at stake."""

    claim_id: str
    cause: str
    lots: int
    deposit: Money
    state: str
    fault_lots: int
    compensation: Money
    reason: str
    due_at: str | None
    opened_at: str
    discount_bps: int


class DealAnswer(DealSummary):
    """One deal with all there is to know; `evidences` names all five, null where missing.

    `performance` is the seller's deposit, lost lot by lot in `claims`; what is `missing` of it
    he alone sees, and it is in what the buyer sees.
    The seller sees no `deposit`, `call` and `call_reference`, and `escrow` once it is funded.
    """

    buyer_id: str
    seller_id: str
    freight: Money
    deposit: Money | None
    call_reference: str | None
    call: Money | None
    left: Money | None
    funding_due_at: str
    ship_due_at: str
    escrow: Money | None
    delivered_lots: int
    dispute_reason: str
    cancel_wanted_by: str | None
    cancel_until: str | None
    return_days: int
    return_until: str | None
    lines: list[LineAnswer]
    accepted_lines: list[LineAnswer]
    fees: list[FeeAnswer]
    terms: list[TermAnswer]
    evidences: dict[str, EvidenceAnswer | None]
    performance: Money
    missing: Money | None
    claims: list[ClaimAnswer]
    match: list[MatchAnswer]
    timeline: list[TimelineAnswer]
    shipment: ShipmentAnswer | None
    receipt: ReceiptAnswer | None
    acceptance: AcceptanceAnswer | None
    returns: list[ReturnAnswer]
    lane: LaneRunAnswer | None
    is_reviewed: bool
    photographs: list[PhotographAnswer]
    tickets: list[TicketAnswer]
    documents: list[DocumentAnswer]


class Funded(Answers):
    """`amount` was paid, `left` is still due."""

    deal_id: str
    state: str
    amount: Money
    left: Money
    currency: str


class Moved(Answers):
    deal_id: str
    state: str
    lots: int


class Delivered(Moved):
    accept_by: str


class Accepted(Moved):
    is_within_tolerance: bool
    note: str
    refunded: Money
    currency: str
    discount_bps: int


class AdjustmentAnswer(Answers):
    """From `at_least` of a measure on, `discount_bps` off the goods price."""

    measure: str
    at_least: int
    discount_bps: int


class Adjustments(Answers):
    adjustments: list[AdjustmentAnswer]


class AdjustmentsPublished(Answers):
    instrument_id: str
    rows: int


class Refused(Answers):
    deal_id: str
    state: str


class Resolved(Answers):
    deal_id: str
    lots: int


class Invoiced(Answers):
    """`state` is `settled` when all evidences agree; else `missing` names those that do not."""

    deal_id: str
    state: str
    invoice_id: str
    number: int
    total: Money
    currency: str
    missing: list[str]


class TaxNumberKept(Answers):
    """`state` is `settled` when the number was what the deal waited for."""

    deal_id: str
    document_id: str
    state: str
    missing: list[str]


class TaxNumbersRequired(Answers):
    instrument_id: str
    since: str


class Returned(Answers):
    deal_id: str
    state: str
    note: str
    return_id: str
    lots: int
    returned_lots: int
    freight_by: str


class Cancelling(Answers):
    deal_id: str
    state: str
    cancel_wanted_by: str | None
    cancel_until: str | None


class ClaimAnswered(Answers):
    claim_id: str
    deal_id: str
    state: str
    lots: int
    fault_lots: int
    compensation: Money
    currency: str
    due_at: str | None


class ClaimDecided(Answers):
    claim_id: str
    deal_id: str
    lots: int


class ContestedClaim(Answers):
    """A contested claim as the operator sees it: no amounts."""

    claim_id: str
    deal_id: str
    instrument_id: str
    buyer: str
    buyer_en: str
    seller: str
    seller_en: str
    ordered_lots: int
    lots: int
    reason: str
    due_at: str | None


class ContestedClaims(Answers):
    claims: list[ContestedClaim]


class DisputeAnswer(Answers):
    """A dispute as the operator sees it: no amounts."""

    deal_id: str
    instrument_id: str
    region: str
    tenor: str
    buyer: str
    buyer_en: str
    seller: str
    seller_en: str
    lots: int
    delivered_lots: int
    reason: str
    due_at: str | None


class Disputes(Answers):
    disputes: list[DisputeAnswer]
