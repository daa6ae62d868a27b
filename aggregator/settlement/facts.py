"""What others may learn about money coming in, going out and being owed."""

from __future__ import annotations

from datetime import datetime

from aggregator.journal.facts import fact


@fact
class MoneyReceived:
    """A bank line, imported or assigned by a person, became an organisation's cash."""

    line_id: str
    organisation_id: str
    amount_minor: int
    currency: str


@fact
class BankCharged:
    """A debit that nobody ordered was booked as the bank's charge to the market itself."""

    line_id: str
    amount_minor: int
    currency: str


@fact
class BankLineParked:
    """A bank line waits for a person; `reason` says why it was not matched."""

    line_id: str
    direction: str
    amount_minor: int
    currency: str
    reason: str = ""


@fact
class MoneyTakenBack:
    """The bank took a credit back from an organisation's cash."""

    line_id: str
    organisation_id: str
    amount_minor: int
    currency: str


@fact
class DebitUncovered:
    """The bank has what an organisation cannot cover; until it does nothing is paid out to it."""

    line_id: str
    organisation_id: str
    amount_minor: int
    currency: str


@fact
class DebitCovered:
    """What an organisation could not cover before was taken from its cash."""

    line_id: str
    organisation_id: str
    amount_minor: int
    currency: str


@fact
class CallReopened:
    """A part payment paid for what the bank took back; `left_minor` of the call is due again."""

    reference: str
    escrow: str
    organisation_id: str
    amount_minor: int
    left_minor: int
    currency: str


@fact
class BankAccountChanged:
    """What became of a firm's own account: its state, the last signs of its number.

    Money is paid out to it once it is verified, from `usable_at` on.
    """

    organisation_id: str
    account_id: str
    state: str
    ending: str
    usable_at: datetime | None


@fact
class PaymentOrdered:
    """Cash is to be paid out, or a stray credit sent back; the amount is held."""

    payment_id: str
    organisation_id: str | None
    amount_minor: int
    currency: str


@fact
class MoneySentBack:
    """A stray credit goes back to an account that the bank told, or that two persons agreed to."""

    line_id: str
    payment_id: str
    payee: str
    payee_account: str
    amount_minor: int
    currency: str
    person_ids: tuple[str, ...]


@fact
class PaymentFileMade:
    """Ordered payments were put into a file for the bank; `sha256` is of the file's bytes."""

    message_id: str
    account: str
    payments: int
    amount_minor: int
    currency: str
    sha256: str


@fact
class PaymentMade:
    """The bank's statement shows the payment; it is final."""

    payment_id: str
    organisation_id: str | None
    amount_minor: int
    currency: str


@fact
class PaymentFailed:
    """The bank did not pay; the amount is free again."""

    payment_id: str
    organisation_id: str | None
    amount_minor: int
    currency: str


@fact
class RefundOwed:
    refund_id: str
    reference: str
    payer_id: str | None
    payee_id: str
    amount_minor: int
    currency: str


@fact
class RefundPaid:
    refund_id: str
    reference: str
    payer_id: str | None
    payee_id: str
    amount_minor: int
    currency: str
