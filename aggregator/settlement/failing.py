"""Noting that the bank refused a payment, which a person knows from the bank and no file tells.

He may err: where a statement shows the payment later, it was made after all (`chargebacks`).
"""

from __future__ import annotations

from aggregator.errors import WrongState
from aggregator.ledger import holds
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.membership import require_outsider
from aggregator.settlement import chargebacks, payouts
from aggregator.settlement.facts import PaymentFailed


async def fail(market: Market, actor: Actor, command: Command, payment_id: str) -> Outcome:
    """Note that the bank refused a payment; its amount is free again.

    A stray credit that could not be sent back waits on the desk again, but for what the bank has
    taken back of it meanwhile.

    Raises:
        NotFound: no such payment.
        WrongState: it was paid, or has failed already.
        Conflict: it is one of a firm that the actor is in himself.

    """

    async def step(unit: Unit) -> Answer:
        payment = await payouts.locked(unit, payment_id)
        if payment.state != payouts.ORDERED:
            raise WrongState(payment.state, payouts.ORDERED)
        if payment.organisation_id is not None:
            await require_outsider(unit, payment.organisation_id)
        await holds.void(unit, payment.hold_id)
        await payouts.end(unit, payment.id, payouts.FAILED)
        if payment.line_id is not None:
            await chargebacks.wait_again(unit, payment.line_id)
        fact = PaymentFailed(
            payment.id, payment.organisation_id, payment.amount_minor, payment.currency
        )
        await unit.record(f"payment:{payment.id}", fact)
        return {"payment_id": payment.id, "state": payouts.FAILED}

    return await market.perform(
        actor, "settlement.fail_payment", step, command=command, stream=chargebacks.STREAM
    )
