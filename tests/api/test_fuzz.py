"""A short fuzz of the API by its own document; `scripts/storm api` is the long one."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from tests.api.conftest import Served
from tests.api.fuzzing import Fuzz
from tests.api.probing import probed
from tests.builders import with_cash, with_sugar
from web.auth.rates import Rate
from web.context import EdgeLimits

REQUESTS, PROBES, SEED = 120, 90, 20_270_104
ROLES = ("nobody", "buyer", "seller", "operator")


class TestFuzz:
    """Asked as nobody, a buyer, a seller and the operator."""

    @pytest.fixture
    def edge_limits(self) -> EdgeLimits:
        freely = Rate(per_s=10_000, burst=100_000)
        return EdgeLimits(organisation=freely, address=freely, login=freely)

    @pytest.fixture
    async def tokens(self, served: Served) -> dict[str, str]:
        await with_sugar(served.market)
        buyer = await served.member("A factory", "buyer", "owner")
        seller = await served.member("A mill", "seller", "owner", kind="mill")
        for visitor in (buyer, seller):
            await with_cash(served.market, visitor.organisation_id, 10**9)
        operator = await served.operator()
        return dict(zip(ROLES, ("", buyer.token, seller.token, operator.token), strict=True))

    @pytest.fixture
    async def document(self, served: Served) -> dict[str, Any]:
        found: dict[str, Any] = (await served.client().get("/api/v1/openapi.json")).json()
        return found

    async def test_no_answer_is_a_failure_of_ours_and_each_is_as_described(
        self, served: Served, tokens: dict[str, str], document: dict[str, Any]
    ) -> None:
        client = served.client()
        fuzz = Fuzz(document, random.Random(SEED))

        for _ in range(REQUESTS):
            for token in tokens.values():
                await fuzz.ask(client, token)

        assert fuzz.wrong == []
        assert fuzz.statuses[200] + fuzz.statuses[201] > 0

    async def test_schemathesis_finds_no_failure_either(
        self, served: Served, tokens: dict[str, str], document: dict[str, Any]
    ) -> None:
        wrong: list[str] = []
        for token in tokens.values():
            came, faults = await asyncio.to_thread(
                probed, document, served.url, token, PROBES, SEED
            )
            wrong += faults
            assert came.total() == PROBES

        assert wrong == []
