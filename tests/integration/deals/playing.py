"""Playing a deal's parts: each step by the role that holds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aggregator.deals import funding
from aggregator.fulfilment import accepting, delivering, returning, shipping
from aggregator.fulfilment.delivering import Receipt
from aggregator.fulfilment.returning import GoodsReturn
from aggregator.invoices import issuing
from aggregator.journal.reading import Pool
from aggregator.ledger.queries import balances
from aggregator.ledger.verifying import verify
from aggregator.market import Actor, Outcome
from aggregator.settlement import banking, payment_files, queries
from aggregator.settlement.statements import StatementLine

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

# 100 t at 4950.00, freight 123.45, 13 % tax, fee 0.3 % with 6 % tax on it.
GOODS, FREIGHT, TAX, FEE, SERVICE_TAX = 49_500_000, 1_234_500, 6_595_485, 148_500, 8_910
TOTAL = GOODS + FREIGHT + TAX + FEE + SERVICE_TAX
SELLER_PART = GOODS + FREIGHT + TAX
RICH = 100_000_000


async def funded(trading: Trading) -> str:
    """Return a paid deal of 100 t between a factory and a mill with money."""
    await trading.give("factory", RICH)
    await trading.give("mill", RICH)
    deal_id = await trading.form()
    await act(funding.fund, trading, "factory", "finance", deal_id)
    return deal_id


async def settled(trading: Trading) -> str:
    deal_id = await funded(trading)
    await to_accepted(trading, deal_id)
    await invoice(trading, deal_id)
    return deal_id


async def to_accepted(trading: Trading, deal_id: str) -> None:
    await act(shipping.ship, trading, "mill", "seller", deal_id, lots=100, carrier="Rail")
    await deliver(trading, deal_id, 100)
    await accept(trading, deal_id, 100)


async def deliver(trading: Trading, deal_id: str, lots: int) -> Outcome:
    receipt = Receipt(lots, "Nanning warehouse 3", "WB-0001", lots * 1000)
    return await act(delivering.deliver, trading, "mill", "logistics", deal_id, receipt)


async def accept(trading: Trading, deal_id: str, lots: int, **more: Any) -> Outcome:
    return await act(accepting.accept, trading, "factory", "logistics", deal_id, lots=lots, **more)


async def invoice(trading: Trading, deal_id: str) -> Outcome:
    return await act(issuing.issue, trading, "mill", "seller", deal_id)


async def give_back(trading: Trading, deal_id: str, lots: int, reason: str = "wet") -> Outcome:
    wanted = GoodsReturn(lots, reason, "photo 7: wet bags")
    return await act(returning.return_lots, trading, "factory", "logistics", deal_id, wanted)


async def act(
    use_case: Callable[..., Awaitable[Outcome]],
    trading: Trading,
    name: str,
    role: str,
    *args: Any,
    **more: Any,
) -> Outcome:
    actor: Actor = trading.actor(name, role)
    return await use_case(trading.market, actor, trading.command(), *args, **more)


async def take(trading: Trading, *lines: StatementLine) -> Outcome:
    """Import lines of a bank statement."""
    operator = trading.actor("operator", "operator")
    return await banking.import_lines(trading.market, operator, trading.command(), lines)


async def payment_file(trading: Trading) -> str:
    """Put the ordered payments into a file for the bank."""
    operator = trading.actor("operator", "operator")
    await Pool().rows(
        "insert into person (id, login, name, password_hash, created_at)"
        " values ($1, $1, $1, 'none', $2) on conflict do nothing returning id",
        operator.person_id,
        trading.clock.now(),
    )
    made = await payment_files.make(
        trading.market, operator, trading.command(), account="CN-6222-01", currency="CNY"
    )
    return await queries.payment_file(str(made.answer["message_id"]))


async def cash(trading: Trading, name: str) -> int:
    return sum(view.balance_minor for view in await balances(trading.id_of(name)))


async def accounts() -> dict[str, int]:
    """Return every balance by purpose, cash by its owner's name as well; escrows summed."""
    found: dict[str, int] = {}
    for row in await Pool().rows(
        "select a.purpose, o.name, a.balance_minor from account a"
        " left join organisation o on o.id = a.organisation_id order by a.id"
    ):
        name = row["purpose"] + (f" {row['name'].split()[0]}" if row["name"] else "")
        found[name] = found.get(name, 0) + row["balance_minor"]
    return found


async def held() -> int:
    (row,) = await Pool().rows("select coalesce(sum(held_minor), 0)::bigint as n from account")
    return int(row["n"])


async def is_sound() -> None:
    assert (await verify()).differences == ()
