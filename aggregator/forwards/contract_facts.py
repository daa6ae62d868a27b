"""What the journal keeps of a contract's life, on the stream `contracts:<strip>`.

Amounts are minor units. `party_ids` are the firms that the fact concerns; nobody else reads it.
"""

from __future__ import annotations

from datetime import date, datetime

from aggregator.journal.facts import fact


@fact
class SlotOpened:
    """A buyer owes and is owed these lots in this month; `replaces` is the slot before it."""

    slot_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    tenor: str
    lots: int
    price_minor: int
    replaces: str


@fact
class SlotEnded:
    """`state`: called when all its lots are deals, replaced, lapsed, cancelled.

    Of a lapsed slot the buyer's deposit went to the seller.
    """

    slot_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    tenor: str
    lots: int
    state: str
    forfeited_minor: int


@fact
class StageCalled:
    """The deposit before the month is due until `due_at`."""

    slot_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    tenor: str
    amount_minor: int
    due_at: datetime


@fact
class StagePaid:
    slot_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    tenor: str


@fact
class PriceFixed:
    """The price follows the index to this value; `is_default` when nothing was published."""

    slot_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    tenor: str
    index_minor: int
    price_minor: int
    is_default: bool


@fact
class CallOffNominated:
    """`by`: the buyer, or his silence until the last day for nominations."""

    call_off_id: str
    slot_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    tenor: str
    lots: int
    delivery_on: date
    by: str
    confirm_by: datetime


@fact
class CallOffWithdrawn:
    call_off_id: str
    slot_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    tenor: str
    lots: int


@fact
class CallOffConfirmed:
    """The lots are a deal now. `by`: the seller, or his silence, which confirms."""

    call_off_id: str
    slot_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    tenor: str
    lots: int
    delivery_on: date
    deal_id: str
    by: str


@fact
class ChangeProposed:
    """One party would change something; `party_ids` are those who must consent, himself first."""

    proposal_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    kind: str
    tenor: str
    expires_at: datetime


@fact
class ChangeConsented:
    proposal_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    kind: str
    by: str


@fact
class ChangeEnded:
    """`state`: executed, withdrawn, refused, expired."""

    proposal_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    kind: str
    state: str


@fact
class DeadlineMoved:
    """Time that the market lost is given back.

    `what`: stage, the deposit before the month; nominate, until when lots are called off;
    confirm, the seller's word; proposal, everybody's consent.
    """

    slot_id: str
    contract_id: str
    party_ids: tuple[str, ...]
    tenor: str
    what: str
    until: datetime
