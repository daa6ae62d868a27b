"""What everybody reads of a price: in every form the same, with what it takes to judge it."""

from __future__ import annotations

import csv

from aggregator.journal.reading import entries
from aggregator.market import PUBLIC
from aggregator.prices.publication import STREAM
from aggregator.prices.topic import PriceTopic
from tests.api.conftest import Served
from tests.builders import with_sugar
from tests.integration.prices.test_publication import CELL, a_wide_market

TOLD = ("number", "at", "volume_band", "size_band", "method")


async def test_page_file_board_and_feed_tell_the_same_of_a_price(served: Served) -> None:
    await with_sugar(served.market)
    visitor = await served.member("Reader", "viewer")
    await a_wide_market(served.market)
    topic = PriceTopic()
    state = topic.initial(CELL)
    for entry in await entries(None, STREAM):
        state = topic.evolve(state, entry)

    prices = (await visitor.get(f"/prices/{CELL}")).json()["prices"]
    exported = (await visitor.get(f"/prices/{CELL}/history.csv")).content.decode("utf-8-sig")
    lines = list(csv.DictReader(exported.splitlines()))
    (board,) = (await visitor.get("/prices")).json()["cells"]
    fed = topic.view(state, PUBLIC)["prices"][CELL]

    last, line = prices[-1], lines[-1]
    assert len(lines) == len(prices)
    # A spreadsheet takes 3-9 for a day: a band has the dash of a range in a file.
    written = {name: str(last[name]) for name in TOLD}
    written |= {name: written[name].replace("-", "–") for name in ("volume_band", "size_band")}
    assert {name: line[name] for name in TOLD} == written
    assert (line["price"], line["inputs_sha256"]) == (last["value"], last["inputs_sha256"])
    assert {name: fed[name] for name in TOLD} == {name: last[name] for name in TOLD}
    assert fed["price"] == last["value"]
    assert board["price"] == last
