"""What others may learn about deals. Amounts are minor units of the deal's currency."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.facts import fact

DEPOSIT = "deposit"
"""What `DealExtended` tells of, where that is the time for the seller's deposit."""


@fact
class DealFormed:
    """A binding award. `call_minor` is called from the buyer until `funding_due_at`."""

    deal_id: str
    source: str
    source_id: str
    cell: str
    buyer_id: str
    seller_id: str
    buyer_group: str
    seller_group: str
    lots: int
    goods_minor: int
    total_minor: int
    deposit_minor: int
    call_reference: str
    call_minor: int
    funding_due_at: datetime


@fact
class DepositAsked:
    """The seller's deposit is not complete; it must be by `due_at`, or he defaults."""

    deal_id: str
    buyer_id: str
    seller_id: str
    missing_minor: int
    due_at: datetime


@fact
class DealFunded:
    """The escrow holds the whole total."""

    deal_id: str
    buyer_id: str
    seller_id: str
    amount_minor: int
    ship_due_at: datetime


@fact
class DealPartlyFunded:
    """The buyer paid a part of the call; `left_minor` is still due."""

    deal_id: str
    buyer_id: str
    seller_id: str
    amount_minor: int
    left_minor: int


@fact
class DealPaymentTakenBack:
    """The bank took back what a part payment was made of; `left_minor` is due again."""

    deal_id: str
    buyer_id: str
    seller_id: str
    amount_minor: int
    left_minor: int


@fact
class DealReduced:
    """The seller will deliver fewer lots; what they cost less is the buyer's again."""

    deal_id: str
    buyer_id: str
    seller_id: str
    lots: int
    ordered_lots: int
    refunded_minor: int


@fact
class DealLapsed:
    """The call was not paid in time; the deposit went to the seller, the rest back."""

    deal_id: str
    buyer_id: str
    seller_id: str
    forfeited_minor: int
    refunded_minor: int = 0


@fact
class DealDefaulted:
    """Nothing was delivered in time: the buyer is refunded and gets the seller's deposit."""

    deal_id: str
    buyer_id: str
    seller_id: str
    refunded_minor: int
    compensation_minor: int


@fact
class CancellationProposed:
    """One party would rather not; it takes both."""

    deal_id: str
    buyer_id: str
    seller_id: str
    by: str
    until: datetime | None = None


@fact
class CancellationWithdrawn:
    """The proposal is off: taken back, or nobody agreed in time. The deal goes on."""

    deal_id: str
    buyer_id: str
    seller_id: str
    by: str


@fact
class ClaimOpened:
    """Lots did not come as promised; `deposit_minor` of the seller's deposit is at stake."""

    claim_id: str
    deal_id: str
    buyer_id: str
    seller_id: str
    cause: str
    lots: int
    deposit_minor: int
    due_at: datetime


@fact
class ClaimContested:
    """The seller says that the lots were good; the operator decides until `due_at`."""

    claim_id: str
    deal_id: str
    buyer_id: str
    seller_id: str
    lots: int
    due_at: datetime


@fact
class ClaimEnded:
    """`fault_lots` were the seller's failure; `compensation_minor` went to the buyer."""

    claim_id: str
    deal_id: str
    buyer_id: str
    seller_id: str
    cause: str
    lots: int
    fault_lots: int
    compensation_minor: int
    by: str


@fact
class DealCancelled:
    """Both consented, or a dispute ended so; the buyer has his money back."""

    deal_id: str
    buyer_id: str
    seller_id: str
    refunded_minor: int


@fact
class DealDisputed:
    """The buyer took nothing; the operator decides, or the buyer is refunded in time."""

    deal_id: str
    buyer_id: str
    seller_id: str
    lots: int


@fact
class DealExtended:
    """Time that the market lost is given back.

    `what` is the state that waits, or: proposal, to cancel; claim, its answer; deposit, the
    seller's; return, of lots; ticket, its desks; lane, the way.
    """

    deal_id: str
    buyer_id: str
    seller_id: str
    what: str
    until: datetime


@fact
class DealSettled:
    """All five evidences agree. `price_minor` is the goods price per lot on the basis terms."""

    deal_id: str
    cell: str
    buyer_id: str
    seller_id: str
    buyer_group: str
    seller_group: str
    price_minor: int
    lots: int
    settled_at: datetime


@fact
class LotsReturned:
    """Settled lots went back. `price_minor` is the goods price per lot that they had."""

    return_id: str
    deal_id: str
    cell: str
    buyer_id: str
    seller_id: str
    buyer_group: str
    seller_group: str
    price_minor: int
    lots: int
    reason: str
    is_freight_credited: bool
    is_fee_credited: bool
    returned_at: datetime
