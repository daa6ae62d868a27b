"""A bank that writes statements: what stands in for the real one in demonstrations and tests.

Its entry references count on from 1 within the account, so the same payments always make
the same statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from aggregator.settlement.camt import write_camt
from aggregator.settlement.pain import read_pain
from aggregator.settlement.statements import CREDIT, DEBIT, StatementLine, write_csv


@dataclass
class SimulatedBank:
    """One account of the market at a bank, and the entries booked on it so far."""

    account: str
    currency: str
    entries: list[StatementLine] = field(default_factory=list)

    def receive(
        self,
        payer: str,
        amount_minor: int,
        *,
        remittance: str,
        booked_on: date,
        payer_account: str = "",
    ) -> StatementLine:
        """Book a payment that somebody made to the market."""
        return self._book(CREDIT, payer, amount_minor, remittance, booked_on, payer_account)

    def pay(
        self, payee: str, amount_minor: int, *, reference: str, booked_on: date
    ) -> StatementLine:
        """Book a payment that the market ordered."""
        return self._book(DEBIT, payee, amount_minor, reference, booked_on)

    def statement(self, *, after: int = 0) -> str:
        """Return the CSV statement of the entries behind the first `after` ones."""
        return write_csv(self.entries[after:])

    def take_back(
        self, credit: StatementLine, *, booked_on: date, amount_minor: int | None = None
    ) -> StatementLine:
        """Book a chargeback of an earlier credit, or of a part of it."""
        taken_minor = credit.amount_minor if amount_minor is None else amount_minor
        return self._book(
            DEBIT, credit.payer, taken_minor, f"RETURN {credit.entry_reference}", booked_on
        )

    def carry_out(self, payment_file: str, *, booked_on: date) -> list[StatementLine]:
        """Make the payments of a pain.001 file, whatever was made before."""
        return [
            self.pay(
                order.payee,
                order.amount_minor,
                reference=order.reference,
                booked_on=booked_on,
            )
            for order in read_pain(payment_file)
        ]

    def camt(self, made_at: datetime, *, after: int = 0) -> str:
        """Return the camt.053 statement of the entries behind the first `after` ones."""
        before = self.entries[:after]
        opening_minor = sum(
            entry.amount_minor if entry.direction == CREDIT else -entry.amount_minor
            for entry in before
        )
        return write_camt(
            self.entries[after:],
            account=self.account,
            currency=self.currency,
            opening_minor=opening_minor,
            number=after + 1,
            made_at=made_at,
        )

    def _book(
        self,
        direction: str,
        payer: str,
        amount_minor: int,
        remittance: str,
        booked_on: date,
        payer_account: str = "",
    ) -> StatementLine:
        line = StatementLine(
            account=self.account,
            entry_reference=f"E{len(self.entries) + 1:08d}",
            direction=direction,
            amount_minor=amount_minor,
            currency=self.currency,
            booked_on=booked_on,
            payer=payer,
            remittance=remittance,
            payer_account=payer_account,
        )
        self.entries.append(line)
        return line
