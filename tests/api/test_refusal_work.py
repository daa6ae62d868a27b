"""What is refused takes the same work, whether a thing is not there or not for one's eyes.

No clock is read: the statements that reach the database are compared, in their order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from asyncpg.connection import LoggedQuery

from aggregator.db import orm as connections
from tests.api.asking import body_of
from tests.api.conftest import Served, Visitor
from tests.api.test_auctions import opened, visitors_of
from tests.architecture.permitting import PLACE
from web.api.routing import ENDPOINTS, Endpoint

_CONNECTIONS = 10
TRIES = 5
NOT_FOUND = 404
ABSENT = "auc_01MBF3BNM00000000000000000"
SEALED = {"format": "sealed_first"}
MONTHS = [{"tenor": "2027-03", "lots": 100, "start": "5000.00"}]
PACKAGES = {"format": "packages", "items": MONTHS, "start": None}


@asynccontextmanager
async def overheard() -> AsyncIterator[list[str]]:
    """Write down every statement that this process sends on any of its connections."""
    told: list[str] = []

    def hear(sent: LoggedQuery) -> None:
        told.append(sent.query)

    async with AsyncExitStack() as lent:
        found = [await lent.enter_async_context(connections.raw()) for _ in range(_CONNECTIONS)]
        for connection in found:
            connection.add_query_logger(hear)
    yield told


async def refused(
    visitor: Visitor, endpoint: Endpoint, auction_id: str, told: list[str]
) -> tuple[int, str, list[str]]:
    """Return the status, the words and the statements that asking for an auction comes to."""
    path = endpoint.path.format(auction_id=auction_id)
    options = {"json": body_of(endpoint)} if endpoint.body else {}
    told.clear()
    answer = await visitor._ask(endpoint.method, path, **options)
    words = answer.json().get("detail", "") if answer.is_client_error else answer.text
    return answer.status_code, words, list(told)


async def test_an_auction_of_others_is_refused_with_the_work_of_an_absent_one(
    served: Served,
) -> None:
    visitors = await visitors_of(served)
    invited = {"invited": [visitors["ann"].organisation_id]}
    hidden = [await opened(visitors, **invited, **how) for how in ({}, SEALED, PACKAGES)]
    bid = await visitors["ann"].post(f"/auctions/{hidden[0]}/bids", {"price": "5000.00"})
    assert bid.status_code == 201, bid.text

    compared: dict[str, set[str]] = {}
    async with overheard() as told:
        for (method, path), endpoint in sorted(ENDPOINTS.items()):
            if PLACE.findall(path) != ["auction_id"]:
                continue
            for who in ("bob", "nobody"):
                # The first of an hour is noted; and what runs beside may be heard among them.
                for _ in range(TRIES):
                    ids = (ABSENT, *hidden)
                    found = [await refused(visitors[who], endpoint, one, told) for one in ids]
                    if all(one == found[0] for one in found):
                        break
                assert found == [found[0]] * len(found), (method, path, who)
                if found[0][0] == NOT_FOUND and found[0][2]:
                    compared.setdefault(who, set()).add(f"{method} {path.rpartition('/')[2]}")

    shown = {"GET {auction_id}", "GET bundle"}
    assert compared["nobody"] == shown
    assert compared["bob"] >= shown | {
        f"POST {act}" for act in ("bids", "demands", "packages", "standing")
    }
