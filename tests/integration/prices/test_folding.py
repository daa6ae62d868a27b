"""A batch that waits too long goes up, and what was published can be computed again."""

from datetime import timedelta

import pytest

from aggregator.catalogue.tenors import parse_cell
from aggregator.clock import SimulatedClock
from aggregator.errors import NotFound
from aggregator.journal.reading import Pool, entries
from aggregator.laboratory.clearing import canonical_json, check_documents
from aggregator.prices import evidence, publication, queries, verifying
from aggregator.prices.facts import BatchFolded
from tests.builders import START, a_market, with_sugar
from tests.integration.prices.test_publication import a_wide_market, published, settle

NEXT_TENOR = "SUGAR-W1/GX/2027-04"


async def test_two_regions_batches_become_safe_together_in_the_country(orm: str) -> None:
    market = a_market()
    await with_sugar(market, "GX", "GD")
    for n in range(4):
        region = ("GX", "GD")[n % 2]
        await settle(market, n, buyer=f"B{n}", seller=f"S{n}", cell=f"SUGAR-W1/{region}/2027-03")
    assert await published() == []
    due = await Pool().rows("select key, due_at from timer where kind = 'prices.fold' order by key")

    for row in due:
        await publication.fold(market, row["key"])

    assert [row["key"] for row in due] == ["SUGAR-W1/GD/2027-03", "SUGAR-W1/GX/2027-03"]
    assert {row["due_at"] for row in due} == {START + publication.FOLD_AFTER}
    [price] = await published()
    assert (price.cell, price.number) == ("SUGAR-W1/CN/2027-03", 1)
    [folded] = [entry.fact for entry in await entries(None, "cell:SUGAR-W1/GX/2027-03")]
    assert folded == BatchFolded("SUGAR-W1/CN/2027-03", ("deal_000", "deal_002"))
    assert [row.cell for row in await queries.board()] == ["SUGAR-W1/CN/2027-03"]


async def test_a_batch_of_the_whole_country_waits_on(orm: str) -> None:
    market = a_market()
    await with_sugar(market, "GX", "GD")
    await settle(market, 1, buyer="B", seller="S", cell="SUGAR-W1/CN/2027-03")

    await publication.fold(market, "SUGAR-W1/CN/2027-03")

    [row] = await queries.board()
    assert (row.cell, row.suppressed_by) == ("SUGAR-W1/CN/2027-03", "min_groups")


async def test_a_published_batch_has_no_timer_left(orm: str) -> None:
    market = a_market()
    await with_sugar(market)

    await a_wide_market(market)

    waiting = await Pool().rows("select 1 from price_deal where state = 'waiting'")
    timers = await Pool().rows("select 1 from timer where kind = 'prices.fold'")
    assert bool(timers) == bool(waiting)


async def test_a_published_price_is_cleared_again_from_its_evidence(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    await a_wide_market(market)
    [price, *_] = await published()

    found = await evidence.evidence(parse_cell(price.cell), price.number)

    check_documents(
        canonical_json(found["instance"]).encode(), canonical_json(found["result"]).encode()
    )
    [cleared] = found["result"]["publications"]
    assert cleared["value_minor"] == price.value_minor
    assert (cleared["volume_band"], cleared["size_band"]) == (price.volume_band, price.size_band)
    with pytest.raises(NotFound):
        await evidence.evidence(parse_cell(price.cell), 99)


async def test_the_auditor_finds_a_batch_that_was_not_safe(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    await a_wide_market(market)

    await Pool().rows(
        "update price_deal set buyer_group = 'one' where publication_id is not null"
        " returning deal_id"
    )
    found = {(one.field, one.expected) for one in (await verifying.verify()).differences}

    assert ("safety", "min_groups") in found


async def test_the_index_is_chained_by_month(orm: str) -> None:
    clock = SimulatedClock(START)
    market = a_market(clock)
    await with_sugar(market)
    await a_wide_market(market)
    clock.advance(timedelta(days=31))
    await a_wide_market(market, first=10)
    clock.advance(timedelta(days=31))
    for n in range(20, 26):
        await settle(market, n, buyer=f"B{n}", seller=f"S{n}", price=520_000, cell=NEXT_TENOR)

    links = await queries.index("SUGAR-W1")

    assert [link.period for link in links] == ["2027-01", "2027-02", "2027-03"]
    assert [link.is_linked for link in links] == [False, True, False]
    assert links[0].index == 10_000
    assert links[2].without_comparator == (NEXT_TENOR,)
