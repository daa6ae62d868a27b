"""A bank that writes statements: what stands in for the real one in demonstrations and tests.

Its entry references count on from 1 within the account, so the same payments always make
the same statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from aggregator.settlement.statements import CREDIT, DEBIT, StatementLine, write_csv


@dataclass
class SimulatedBank:
    """One account of the market at a bank, and the entries booked on it so far."""

    account: str
    currency: str
    entries: list[StatementLine] = field(default_factory=list)

    def receive(
        self, payer: str, amount_minor: int, *, remittance: str, booked_on: date
    ) -> StatementLine:
        """Book a payment that somebody made to the market."""
        return self._book(CREDIT, payer, amount_minor, remittance, booked_on)

    def pay(
        self, payee: str, amount_minor: int, *, reference: str, booked_on: date
    ) -> StatementLine:
        """Book a payment that the market ordered."""
        return self._book(DEBIT, payee, amount_minor, reference, booked_on)

    def statement(self, *, after: int = 0) -> str:
        """Return the CSV statement of the entries behind the first `after` ones."""
        return write_csv(self.entries[after:])

    def _book(
        self, direction: str, payer: str, amount_minor: int, remittance: str, booked_on: date
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
        )
        self.entries.append(line)
        return line
