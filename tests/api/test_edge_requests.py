"""Requests at the edge: what is read, what is refused and how it is said."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.api.conftest import Served, Visitor
from web.auth.rates import Rate
from web.context import EdgeLimits

REGION = {"code": "GX", "name_zh": "广西", "name_en": "Guangxi"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def operator(served: Served) -> Visitor:
    return await served.operator()


async def send(visitor: Visitor, raw: bytes, **headers: str) -> Any:
    return await visitor.client.post(
        "/api/v1/regions",
        content=raw,
        headers={
            "Authorization": f"Bearer {visitor.token}",
            "Idempotency-Key": "k",
            **JSON,
            **headers,
        },
    )


async def test_the_same_key_and_content_get_the_same_answer(operator: Visitor) -> None:
    first = await operator.post("/regions", REGION, key="region-1")
    shuffled = dict(reversed(REGION.items()))
    again = await operator.post("/regions", shuffled, key="region-1")
    quoted = await operator.post("/regions", REGION, key='"region-1"')
    other = await operator.post("/regions", {**REGION, "code": "GD"}, key="region-1")
    elsewhere = await operator.post("/instruments", REGION, key="region-1")

    assert first.status_code == again.status_code == quoted.status_code == 201
    assert first.json() == again.json() == quoted.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == quoted.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "command_reused")
    assert elsewhere.status_code == 422


async def test_a_refused_command_is_refused_again_in_the_same_words(operator: Visitor) -> None:
    await operator.post("/regions", REGION)

    first = await operator.post("/regions", REGION, key="twice")
    again = await operator.post("/regions", REGION, key="twice")

    assert first.status_code == again.status_code == 409
    assert {**first.json(), "request": ""} == {**again.json(), "request": ""}
    assert again.headers["idempotent-replayed"] == "true"


async def test_one_key_sent_many_times_at_once_acts_once(operator: Visitor) -> None:
    answers = await asyncio.gather(
        *(operator.post("/regions", REGION, key="at-once") for _ in range(8))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


async def test_the_outcome_of_a_command_can_be_asked_for(served: Served, operator: Visitor) -> None:
    await operator.post("/regions", REGION, key="known")
    stranger = await served.member("A stranger", "buyer")

    known = await operator.get("/commands/known")
    unknown = await operator.get("/commands/unknown")
    not_mine = await stranger.get("/commands/known")

    assert (known.status_code, known.json()["outcome"]) == (200, "done")
    assert unknown.status_code == 404
    assert {**unknown.json(), "request": ""} == {**not_mine.json(), "request": ""}


async def test_a_change_without_a_key_is_refused(operator: Visitor) -> None:
    bearer = {"Authorization": f"Bearer {operator.token}"}

    without = await operator.client.post("/api/v1/regions", json=REGION, headers=bearer)
    broken = await operator.post("/regions", REGION, key="a b")
    long = await operator.post("/regions", REGION, key="k" * 201)

    assert (without.status_code, without.json()["code"]) == (400, "header_missing")
    assert without.json()["figures"] == {"header": "Idempotency-Key"}
    assert [broken.json()["code"], long.json()["code"]] == ["header_invalid"] * 2


@pytest.mark.parametrize(
    ("raw", "status", "code", "pointer", "rule"),
    [
        (b"", 400, "malformed", None, None),
        (b"{", 400, "malformed", None, None),
        (b"\xff", 400, "malformed", None, None),
        (b"[" * 40 + b"]" * 40, 400, "malformed", None, None),
        (b'{"code":"GX","code":"GD"}', 422, "invalid_field", "/code", "duplicate_key"),
        (b'{"code":1.5}', 422, "invalid_field", "/code", "no_fractions"),
        (b'{"code":NaN}', 422, "invalid_field", "/code", "no_fractions"),
        (rb'{"code":"\u0000"}', 422, "invalid_field", "/code", "plain_text"),
        (b'{"code":"gx","name_zh":"a","name_en":"a"}', 422, "invalid_field", "/code", "pattern"),
        (b'{"code":7,"name_zh":"a","name_en":"a"}', 422, "invalid_field", "/code", "text"),
        (b'{"code":"GX","name_zh":"a"}', 422, "invalid_field", "/name_en", "required"),
        (b"[]", 422, "invalid_field", "", "object"),
        (
            b'{"code":"GX","name_zh":"a","name_en":"a","x":1}',
            422,
            "invalid_field",
            "/x",
            "unknown_field",
        ),
    ],
)
async def test_a_bad_body_is_told_by_pointer_and_rule(
    operator: Visitor, raw: bytes, status: int, code: str, pointer: str | None, rule: str | None
) -> None:
    answer = await send(operator, raw)
    problem = answer.json()

    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["code"]) == (status, code)
    if pointer is not None:
        assert (problem["pointer"], problem["rule"]) == (pointer, rule)
    assert problem["status"] == status
    assert problem["request"] == answer.headers["x-request-id"]


async def test_every_bad_field_is_named_at_once(operator: Visitor) -> None:
    body = {"code": "gx", "name_zh": "", "more": 1}
    problem = (await operator.post("/regions", body)).json()

    assert {error["pointer"] for error in problem["errors"]} == {
        "/code",
        "/name_zh",
        "/name_en",
        "/more",
    }


@pytest.mark.parametrize(
    "at",
    [
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59Z",
        "9000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
async def test_an_instant_beyond_every_calendar_is_refused(operator: Visitor, at: str) -> None:
    auction = {"side": "sell", "cell": "SUGAR-W1/GX/2027-03", "lots": 10, "closes_at": at}

    answer = await operator.post("/auctions", {**auction, "start": "5000.00", "step": "10.00"})

    told = answer.json()
    assert (answer.status_code, told.get("pointer")) == (422, "/closes_at"), answer.text
    assert (told["rule"], told["figure"]) == ("instant", at)


async def test_too_large_a_body_is_refused_declared_or_not(operator: Visitor) -> None:
    async def chunks():
        for _ in range(70):
            yield b" " * 1024

    declared = await send(operator, b" " * (64 * 1024 + 1))
    chunked = await operator.client.post(
        "/api/v1/regions",
        content=chunks(),
        headers={"Authorization": f"Bearer {operator.token}", "Idempotency-Key": "k", **JSON},
    )
    fits = await send(operator, b" " * (64 * 1024 - 2) + b"{}")

    assert declared.status_code == chunked.status_code == 413
    assert declared.json()["figures"] == {"max_bytes": 65536}
    assert fits.status_code == 422


async def test_another_content_type_is_refused(operator: Visitor) -> None:
    answer = await send(operator, b"{}", **{"Content-Type": "text/plain"})

    assert (answer.status_code, answer.json()["code"]) == (415, "media_type")
    utf8 = await send(operator, b"{}", **{"Content-Type": "application/json; charset=utf-8"})
    assert utf8.status_code == 422


async def test_an_unknown_path_and_method_are_problems_too(operator: Visitor) -> None:
    unknown = await operator.get("/no/such/path")
    method = await operator.delete("/regions")
    outside = await operator.client.get("/nowhere")

    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (method.status_code, method.headers["allow"]) == (405, "GET, HEAD, POST")
    assert (outside.status_code, outside.json()["code"]) == (404, "not_found")


async def test_an_act_needs_its_role_and_a_session(served: Served) -> None:
    buyer = await served.member("A factory", "buyer")

    without = await served.nobody().post("/regions", REGION)
    forbidden = await buyer.post("/regions", REGION)

    assert (without.status_code, without.headers["www-authenticate"]) == (401, "Bearer")
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "not_allowed")


async def test_chinese_comes_first_and_english_when_asked(served: Served) -> None:
    nobody = served.nobody()

    plain = await nobody.get("/me")
    header = await nobody.get("/me", headers={"Accept-Language": "en-GB, zh;q=0.5"})
    query = await nobody.get("/me?lang=en")
    cookie = await nobody.get("/me?lang=xx", headers={"Cookie": "lang=en"})

    assert plain.json()["detail"] == "请先登录。"
    assert plain.headers["content-language"] == "zh"
    for answer in (header, query, cookie):
        assert answer.json()["detail"] == "Please sign in first."
        assert answer.headers["content-language"] == "en"


async def test_a_read_has_an_etag_that_spares_the_second_reading(operator: Visitor) -> None:
    await operator.post("/regions", REGION)
    first = await operator.get("/regions")
    etag = {"If-None-Match": first.headers["etag"]}

    same = await operator.get("/regions", headers=etag)
    await operator.post("/regions", {**REGION, "code": "GD"})
    changed = await operator.get("/regions", headers=etag)

    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200
    assert first.headers["cache-control"] == "no-store"


async def test_head_answers_like_get_without_the_body(operator: Visitor) -> None:
    answer = await operator.client.head("/api/v1/regions")

    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_path_with_a_null_character_finds_nothing(operator: Visitor) -> None:
    assert (await operator.get("/auctions/%00")).status_code == 404
    assert (await operator.get("/commands/" + "x" * 300)).status_code == 404


async def test_our_own_failure_tells_nothing(served: Served, operator: Visitor) -> None:
    # A database without its tables is our failure, whatever was asked.
    async with served.market.reading() as unit:
        assert unit.now
    from aggregator.db import orm

    async with orm.raw() as connection:
        await connection.execute("alter table region rename to elsewhere")
    answer = await operator.get("/regions")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "region" not in json.dumps({**answer.json(), "request": ""})


class TestRates:
    """One organisation counts as one, whoever of it asks."""

    @pytest.fixture
    def edge_limits(self) -> EdgeLimits:
        return EdgeLimits(organisation=Rate(1, 5), address=Rate(1, 14))

    async def test_an_organisation_that_asks_too_often_is_told_when_to_come_back(
        self, served: Served
    ) -> None:
        visitor = await served.member("A factory", "buyer")

        answers = [await visitor.get("/me") for _ in range(7)]

        refused = answers[-1]
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert int(refused.headers["retry-after"]) >= 1

    async def test_nobody_in_particular_counts_by_address(self, served: Served) -> None:
        nobody = served.nobody()

        answers = [await nobody.get("/time") for _ in range(16)]

        assert [answer.status_code for answer in answers[:14]] == [200] * 14
        assert answers[-1].status_code == 429
