"""A firm's own offers out of the market, and back while others buy from them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from aggregator.errors import Conflict
from aggregator.importing import bringing, previewing, templates
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Unit
from aggregator.spreadsheets.reading import read_table
from aggregator.spreadsheets.sheets import Sheet, write_workbook
from aggregator.supply import capacity
from tests.integration.deals.conftest import bank, trading
from tests.integration.deals.playing import RICH, act

if TYPE_CHECKING:
    from tests.integration.deals.conftest import Trading

__all__ = ["bank", "trading"]

OFFERS = previewing.KINDS["offers"]
HEADER = "Offer,Product,Region,Month,From lots,Price,Capacity\n"
ROW = "{n},SUGAR-W1,GX,2027-04,1,5000.00,10\n"


@pytest.fixture(autouse=True)
async def seller(trading: Trading) -> None:
    await trading.give("mill", RICH)
    await Pool().rows(
        "insert into person (id, login, name, password_hash, created_at)"
        " values ($1, $1, $1, 'none', now()) returning id",
        trading.actor("mill", "seller").person_id,
    )


async def brought(trading: Trading, *, offers: int) -> str:
    content = (HEADER + "".join(ROW.format(n=n) for n in range(offers))).encode()
    actor = trading.actor("mill", "seller")
    shown = await previewing.preview(trading.market, actor, OFFERS, content)
    assert shown.reading.faults == []
    known = {"digest": shown.digest, "ends_at": shown.ends_at}
    made = await act(bringing.bring_in, trading, "mill", "seller", OFFERS, content, **known)
    return str(made.answer["import_id"])


async def test_no_standing_offer_is_left_out_for_others(
    trading: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.importing.offers.MAX_OFFERS", 3)
    await brought(trading, offers=2)
    undone = await brought(trading, offers=3)
    await act(bringing.withdraw, trading, "mill", "seller", OFFERS, undone)

    actor = trading.actor("mill", "seller")
    content = await templates.own_file(trading.market, actor, OFFERS, "en", "csv")

    assert len(read_table(content).lines) == 2


async def test_an_import_that_is_being_bought_from_is_not_taken_back(trading: Trading) -> None:
    import_id = await brought(trading, offers=1)
    (offer,) = await Pool().rows("select id from offer where state = 'standing'")
    taken, going = asyncio.Event(), asyncio.Event()

    async def buy(unit: Unit) -> Answer:
        await capacity.take(unit, offer["id"], 1)
        taken.set()
        await going.wait()
        return {}

    async def somebody_waits() -> None:
        while not await Pool().rows("select 1 from pg_locks where not granted"):
            await asyncio.sleep(0.01)

    async with asyncio.timeout(60):
        buying = asyncio.ensure_future(trading.market.perform(Actor.SYSTEM, "test", buy))
        await taken.wait()
        withdrawing = asyncio.ensure_future(
            act(bringing.withdraw, trading, "mill", "seller", OFFERS, import_id)
        )
        await somebody_waits()
        going.set()
        await buying
        with pytest.raises(Conflict):
            await withdrawing


async def test_a_long_file_is_written_beside_the_loop(
    trading: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = list[int]()

    def written(sheets: Sequence[Sheet]) -> bytes:
        threads.append(threading.get_ident())
        return write_workbook(sheets)

    monkeypatch.setattr(templates, "write_workbook", written)
    await brought(trading, offers=1)

    actor = trading.actor("mill", "seller")
    content = await templates.own_file(trading.market, actor, OFFERS, "en", "xlsx")

    assert len(read_table(content).lines) == 1
    assert threads
    assert threading.get_ident() not in threads
