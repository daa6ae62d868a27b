"""Making the files that the bank pays by: an ordered payment stands in one of them, for good.

Whoever carries out each file once pays each payment once. What was made is kept as it was, so
that a file which got lost is read again and never made anew.
"""

from __future__ import annotations

import hashlib

from aggregator.errors import Conflict
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.settlement import chargebacks, payouts
from aggregator.settlement.facts import PaymentFileMade
from aggregator.settlement.pain import PaymentOrder, write_pain

ACT = "settlement.file_payments"
MAX_PAYMENTS = 2_000


async def make(
    market: Market, actor: Actor, command: Command, *, account: str, currency: str
) -> Outcome:
    """Put the oldest ordered payments of a currency that stand in no file yet into one.

    Raises:
        Conflict: there are none.

    """

    async def step(unit: Unit) -> Answer:
        found = await unit.rows(
            "select id, reference, payee, payee_account, amount_minor, currency, payee_bank"
            " from payment_out where state = $1 and currency = $2 and message_id is null"
            " order by ordered_at, id limit $3 for update",
            payouts.ORDERED,
            currency,
            MAX_PAYMENTS,
        )
        if not found:
            raise Conflict("nothing_to_order")
        message_id = "PAIN-" + unit.new_id("pain").partition("_")[2]
        orders = [
            PaymentOrder(**{name: row[name] for name in PaymentOrder.__dataclass_fields__})
            for row in found
        ]
        text = write_pain(orders, message_id=message_id, account=account, made_at=unit.now)
        total_minor = sum(order.amount_minor for order in orders)
        await unit.execute(
            "insert into payment_file (message_id, account, currency, payments, amount_minor,"
            " content, made_by, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            message_id,
            account,
            currency,
            len(orders),
            total_minor,
            text,
            unit.actor.person_id,
            unit.now,
        )
        await unit.execute(
            "update payment_out set message_id = $2 where id = any($1::text[])",
            [row["id"] for row in found],
            message_id,
        )
        written = hashlib.sha256(text.encode()).hexdigest()
        fact = PaymentFileMade(message_id, account, len(orders), total_minor, currency, written)
        await unit.record(chargebacks.STREAM, fact)
        return {
            "message_id": message_id,
            "account": account,
            "currency": currency,
            "payments": len(orders),
            "amount_minor": total_minor,
            "made_at": unit.stamp(unit.now),
        }

    return await market.perform(actor, ACT, step, command=command, stream=chargebacks.STREAM)
