"""Sending a stray credit back: to the account that the bank told it came from, and to no other.

Where the bank told none with the credit itself, one person of the operator would choose where the
money goes. There he proposes an account, and another person of the operator agrees or refuses. A
proposal ends when anything about the line changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.errors import InvalidField
from aggregator.ledger import accounts
from aggregator.ledger.accounts import SUSPENSE
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties import consents
from aggregator.parties.facts import ConsentEnded
from aggregator.settlement import chargebacks, desk, payouts
from aggregator.settlement.account_numbers import plain_number
from aggregator.settlement.facts import MoneySentBack
from aggregator.settlement.statements import CREDIT

RETURNED = "returned"


async def send_back(
    market: Market, actor: Actor, command: Command, line_id: str, payee_account: str
) -> Outcome:
    """Order an unmatched credit to be paid back to who sent it, or propose to.

    Raises:
        NotFound: no such line.
        WrongState: the line has an organisation already, or is on its way back.
        Conflict: the line is a debit.
        InvalidField: the account breaks its rule, or the money came from another one.

    """
    payouts.check_account(payee_account)

    async def step(unit: Unit) -> Answer:
        row = await desk.waiting(unit, line_id, CREDIT)
        if row["payer_account"] not in ("", plain_number(payee_account)):
            raise InvalidField("/payee_account", "the account that the money came from")
        if row["payer_account"] and not row["is_account_late"]:
            persons = [unit.actor.person_id]
            return {"consent_id": None, **await _order(unit, row, payee_account, persons)}
        figures = {
            "amount_minor": desk.left(row),
            "currency": row["currency"],
            "payer": row["payer"],
            "remittance": row["remittance"],
            "payee_account": payee_account,
        }
        consent_id = await consents.ask(
            unit,
            consents.SEND_BACK,
            unit.actor.organisation_id,
            line_id,
            figures,
            asked_by=unit.actor.person_id,
            is_first=True,
        )
        return {
            "line_id": line_id,
            "line_state": desk.UNMATCHED,
            "consent_id": consent_id,
            "payment_id": None,
            "reference": None,
            "state": consents.WAITING,
            "amount_minor": desk.left(row),
            "currency": row["currency"],
        }

    return await market.perform(
        actor, "settlement.assign", step, command=command, stream=chargebacks.STREAM
    )


async def on_consent_ended(unit: Unit, fact: ConsentEnded) -> None:
    """Order what two persons of the operator have agreed to."""
    if fact.kind != consents.SEND_BACK or fact.state != consents.AGREED:
        return
    agreed = await consents.ended(unit, fact.consent_id)
    row = await desk.waiting(unit, agreed["subject"], CREDIT)
    await _order(unit, row, agreed["figures"]["payee_account"], agreed["agreed_by"])


async def _order(
    unit: Unit, row: Mapping[str, Any], payee_account: str, persons: Sequence[str]
) -> Answer:
    line_id, currency = row["id"], row["currency"]
    await unit.execute("update bank_line set state = $2 where id = $1", line_id, RETURNED)
    suspense = await accounts.ensure(unit, None, SUSPENSE, currency)
    wanted = payouts.Wanted(
        organisation_id=None,
        line_id=line_id,
        payee=row["payer"],
        payee_account=payee_account,
        payee_bank=row["payer_bank"],
        amount_minor=desk.left(row),
        currency=currency,
    )
    made = await payouts.order_within(unit, suspense, wanted)
    fact = MoneySentBack(
        line_id,
        made["payment_id"],
        wanted.payee,
        payee_account,
        wanted.amount_minor,
        currency,
        tuple(persons),
    )
    await unit.record(f"payment:{made['payment_id']}", fact)
    return {"line_id": line_id, "line_state": RETURNED, **made}
