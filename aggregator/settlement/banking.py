"""Bank statements in: each line once, to the organisation its reference names.

A credit that names exactly one organisation, by its deposit reference or by a call for money, and
comes from a payer that is known as its own, becomes that organisation's cash. A debit that names
an ordered payment of the same amount makes it final, and so does one that names a payment which
was noted as failed; one that names an earlier credit takes it, or a part of it, back. Everything
else waits on a desk for a person, a credit as money in suspense, so that every fen the bank has is
somebody's here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.errors import Conflict, InvalidField
from aggregator.ledger import accounts, transfers
from aggregator.ledger.accounts import BANK, CASH, SUSPENSE
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.membership import require_outsider
from aggregator.parties.queries import organisation
from aggregator.settlement import batches, chargebacks, desk, escrow, own_accounts, payouts
from aggregator.settlement.facts import (
    BankCharged,
    BankLineParked,
    DebitUncovered,
    MoneyReceived,
)
from aggregator.settlement.matching import Found, accept_payer, match
from aggregator.settlement.statements import CREDIT, DEBIT, MAX_LINES, StatementLine

STREAM = "bank"
MATCHED, ASSIGNED, DUPLICATE = "matched", "assigned", "duplicate"
REVERSED, CHARGED = "reversed", "charged"
IN_DOUBT = "batch_unclear"


async def import_lines(
    market: Market, actor: Actor, command: Command, lines: Sequence[StatementLine]
) -> Outcome:
    """Take in a statement, all of it or nothing; lines seen before change nothing.

    Raises:
        InvalidField: too many lines, none, or an entry reference came again with other
            content.

    """
    if not lines:
        raise InvalidField("/lines", "min_items", 1)
    if len(lines) > MAX_LINES:
        raise InvalidField("/lines", "max_items", MAX_LINES)

    async def step(unit: Unit) -> Answer:
        told = batches.sums_of(lines)
        taken = [await _take(unit, line, f"/lines/{at}", told) for at, line in enumerate(lines)]
        states = [item["state"] for item in taken]
        names = (MATCHED, desk.UNMATCHED, REVERSED, DUPLICATE)
        counts = {name: states.count(name) for name in names}
        return {**counts, "lines": taken}

    return await market.perform(actor, "settlement.import", step, command=command, stream=STREAM)


async def assign(
    market: Market, actor: Actor, command: Command, line_id: str, organisation_id: str
) -> Outcome:
    """Give an unmatched credit to the organisation that a person found for it.

    Its payer is known as the organisation's from then on.

    Raises:
        NotFound: no such line, or no such organisation.
        WrongState: the line has an organisation already.
        Conflict: the line is a debit, or the actor is in that organisation himself.

    """

    async def step(unit: Unit) -> Answer:
        row = await desk.waiting(unit, line_id, CREDIT)
        payee = await organisation(organisation_id, unit)
        await require_outsider(unit, payee.id)
        await unit.execute(
            "update bank_line set state = $2, organisation_id = $3, assigned_at = $4 where id = $1",
            line_id,
            ASSIGNED,
            payee.id,
            unit.now,
        )
        suspense = await accounts.ensure(unit, None, SUSPENSE, row["currency"])
        await _credit(unit, suspense, payee.id, line_id, desk.left(row), row["currency"])
        await accept_payer(unit, payee.id, row["payer"])
        await own_accounts.judge(unit, payee.id)
        return {"line_id": line_id, "state": ASSIGNED, "organisation_id": payee.id}

    return await market.perform(actor, "settlement.assign", step, command=command, stream=STREAM)


async def book_charge(market: Market, actor: Actor, command: Command, line_id: str) -> Outcome:
    """Book a debit that nobody ordered as the bank's charge: the market's own fees pay it.

    Raises:
        NotFound: no such line.
        WrongState: it has been booked already.
        Conflict: the line is a credit, or a firm is to cover it.
        InsufficientFunds: the market has earned less than that.

    """

    async def step(unit: Unit) -> Answer:
        row = await desk.waiting(unit, line_id, DEBIT)
        if row["reverses"] is not None:
            raise Conflict("chargeback_line")
        if row["payment_id"] is not None:
            raise Conflict("payment_line")
        await unit.execute("update bank_line set state = $2 where id = $1", line_id, CHARGED)
        fees = await escrow.fees_account(unit, row["currency"])
        bank = await accounts.ensure(unit, None, BANK, row["currency"])
        await transfers.post(
            unit,
            "bank.charge",
            line_id,
            [(fees, -row["amount_minor"]), (bank, row["amount_minor"])],
            key=f"bank.charge:{line_id}",
        )
        fact = BankCharged(line_id, row["amount_minor"], row["currency"])
        await unit.record(STREAM, fact)
        return {"line_id": line_id, "state": CHARGED}

    return await market.perform(actor, "settlement.assign", step, command=command, stream=STREAM)


async def same_money(market: Market, actor: Actor, command: Command, line_id: str) -> Outcome:
    """Drop a line of which a person found that it tells of money that is known already.

    Raises:
        NotFound: no such line.
        WrongState: a person has decided about it already.
        Conflict: it is in no doubt whether its money is known.

    """

    async def step(unit: Unit) -> Answer:
        row = await desk.on_desk(unit, line_id)
        if row["reason"] != IN_DOUBT:
            raise Conflict("no_doubt")
        await unit.execute("update bank_line set state = $2 where id = $1", line_id, DUPLICATE)
        if row["direction"] == CREDIT:
            suspense = await accounts.ensure(unit, None, SUSPENSE, row["currency"])
            bank = await accounts.ensure(unit, None, BANK, row["currency"])
            kind = "bank.same"
            lines = [(suspense, -desk.left(row)), (bank, desk.left(row))]
            await transfers.post(unit, kind, line_id, lines, key=f"{kind}:{line_id}")
        return {"line_id": line_id, "state": DUPLICATE}

    return await market.perform(actor, "settlement.assign", step, command=command, stream=STREAM)


async def _take(
    unit: Unit, line: StatementLine, pointer: str, told: batches.Sums
) -> dict[str, str]:
    """Record one line and move its money; return what became of it."""
    known = await unit.row(
        "select id, direction, currency, amount_minor, booked_on, payer, remittance,"
        " organisation_id, payer_account from bank_line where account = $1"
        " and entry_reference = $2",
        line.account,
        line.entry_reference,
    )
    if known is not None:
        names = ("direction", "currency", "amount_minor", "booked_on", "payer", "remittance")
        if any(known[name] != getattr(line, name) for name in names):
            raise InvalidField(
                f"{pointer}/entry_reference",
                "same_entry",
                line.entry_reference,
            )
        await _note_account(unit, known, line)
        return _item(known["id"], line, DUPLICATE)
    verdict = await batches.judged(unit, line, told)
    if verdict == batches.SAME:
        return _item(await _told_as(unit, line), line, DUPLICATE)
    line_id = unit.new_id("bkl")
    is_new = verdict == batches.NEW
    if line.direction == CREDIT:
        found = await match(unit, line) if is_new else Found(None, IN_DOUBT)
        state = await _take_credit(unit, line_id, line, found)
        await chargebacks.take_back_early(unit, line)
    elif is_new:
        state = await _take_debit(unit, line_id, line)
    else:
        state = await _park_debit(unit, line_id, line, IN_DOUBT)
    return _item(line_id, line, state)


async def _note_account(unit: Unit, known: Mapping[str, Any], line: StatementLine) -> None:
    """Keep which account a known payment came from, where only a later file tells it."""
    if known["payer_account"] or not line.payer_account:
        return
    await unit.execute(
        "update bank_line set payer_account = $2, payer_bank = $3, is_account_late = true"
        " where id = $1",
        known["id"],
        line.payer_account,
        line.payer_bank,
    )
    await desk.ask_no_longer(unit, known["id"])
    if known["organisation_id"] is not None:
        await own_accounts.judge(unit, known["organisation_id"])


async def _told_as(unit: Unit, line: StatementLine) -> str:
    """Return the id of the line, or of the first of those, that told the same money."""
    row = await unit.row(
        "select id from bank_line where account = $1 and (batch = $2 or entry_reference = $3)"
        " order by entry_reference, id limit 1",
        line.account,
        line.entry_reference,
        batches.batch_of(line.entry_reference),
    )
    assert row is not None
    return str(row["id"])


async def _take_credit(unit: Unit, line_id: str, line: StatementLine, found: Found) -> str:
    payee_id = found.organisation_id
    state = desk.UNMATCHED if payee_id is None else MATCHED
    await _insert(unit, line_id, line, state, payee_id, reason=found.reason)
    bank = await accounts.ensure(unit, None, BANK, line.currency)
    if payee_id is not None:
        await _credit(unit, bank, payee_id, line_id, line.amount_minor, line.currency)
        if line.payer_account:
            await own_accounts.judge(unit, payee_id)
        return state
    suspense = await accounts.ensure(unit, None, SUSPENSE, line.currency)
    await transfers.post(
        unit,
        "bank.parked",
        line_id,
        [(bank, -line.amount_minor), (suspense, line.amount_minor)],
        key=f"bank:{line_id}",
    )
    await _park(unit, line_id, line, found.reason)
    return state


async def _take_debit(unit: Unit, line_id: str, line: StatementLine) -> str:
    payment = await payouts.ordered_in(
        unit, line.remittance, amount_minor=line.amount_minor, currency=line.currency
    )
    if payment is not None:
        await _insert(unit, line_id, line, MATCHED, payment.organisation_id)
        await payouts.make_final(unit, payment, stream=STREAM)
        return MATCHED
    failed = await payouts.failed_in(
        unit, line.remittance, amount_minor=line.amount_minor, currency=line.currency
    )
    if failed is not None:
        return await _take_belated(unit, line_id, line, failed)
    credit = await chargebacks.original(unit, line)
    if credit is None:
        return await _park_debit(unit, line_id, line, "not_ordered")
    if await chargebacks.take_back(unit, line_id, credit, line.amount_minor):
        owner = credit["organisation_id"]
        await _insert(unit, line_id, line, REVERSED, owner, reverses=credit["id"])
        return REVERSED
    return await _park_debit(unit, line_id, line, "chargeback_uncovered", reverses=credit["id"])


async def _take_belated(
    unit: Unit, line_id: str, line: StatementLine, payment: payouts.Payment
) -> str:
    if await chargebacks.pay_belated(unit, line_id, payment):
        owner = payment.organisation_id
        await _insert(unit, line_id, line, MATCHED, owner, payment_id=payment.id)
        return MATCHED
    assert payment.organisation_id is not None, payment.id
    fact = DebitUncovered(line_id, payment.organisation_id, line.amount_minor, line.currency)
    await unit.record(STREAM, fact)
    return await _park_debit(unit, line_id, line, "payment_uncovered", payment_id=payment.id)


async def _park_debit(
    unit: Unit, line_id: str, line: StatementLine, reason: str, **of: str | None
) -> str:
    await _insert(unit, line_id, line, desk.UNMATCHED, None, reason=reason, **of)
    await _park(unit, line_id, line, reason)
    return desk.UNMATCHED


async def _park(unit: Unit, line_id: str, line: StatementLine, reason: str) -> None:
    fact = BankLineParked(line_id, line.direction, line.amount_minor, line.currency, reason)
    await unit.record(STREAM, fact)


async def _credit(
    unit: Unit, source: str, payee_id: str, line_id: str, amount_minor: int, currency: str
) -> None:
    cash = await accounts.ensure(unit, payee_id, CASH, currency)
    kind = "bank.received"
    await transfers.post(
        unit,
        kind,
        line_id,
        [(source, -amount_minor), (cash, amount_minor)],
        key=f"{kind}:{line_id}",
    )
    await unit.record(STREAM, MoneyReceived(line_id, payee_id, amount_minor, currency))
    await chargebacks.cover(unit, payee_id)


async def _insert(
    unit: Unit,
    line_id: str,
    line: StatementLine,
    state: str,
    organisation_id: str | None,
    *,
    reason: str = "",
    reverses: str | None = None,
    payment_id: str | None = None,
) -> None:
    await unit.execute(
        "insert into bank_line (id, account, entry_reference, direction, currency, amount_minor,"
        " booked_on, payer, remittance, state, organisation_id, imported_at, reason, reverses,"
        " batch, payer_account, payer_bank, payment_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
        " $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        line_id,
        line.account,
        line.entry_reference,
        line.direction,
        line.currency,
        line.amount_minor,
        line.booked_on,
        line.payer,
        line.remittance,
        state,
        organisation_id,
        unit.now,
        reason,
        reverses,
        batches.batch_of(line.entry_reference),
        line.payer_account,
        line.payer_bank,
        payment_id,
    )


def _item(line_id: str, line: StatementLine, state: str) -> dict[str, str]:
    return {"line_id": line_id, "entry_reference": line.entry_reference, "state": state}
