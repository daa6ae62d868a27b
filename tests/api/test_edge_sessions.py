"""Signing in and out, origins, cookies and tickets, over real HTTP."""

from __future__ import annotations

from tests.api.conftest import PASSWORD, Served


async def test_a_page_signs_in_with_a_strict_cookie_and_out_again(served: Served) -> None:
    visitor = await served.member("South mill", "seller", kind="mill")
    client = served.client()
    here = {"Origin": served.url}

    signed_in = await client.post(
        "/api/v1/sessions",
        json={"login": visitor.login, "password": PASSWORD},
        headers=here,
    )
    cookie = signed_in.headers["set-cookie"]
    me = await client.get("/api/v1/me")
    out = await client.delete("/api/v1/sessions/current", headers=here)
    after = await client.get("/api/v1/me")

    assert signed_in.status_code == 201
    assert "token" not in signed_in.json()
    assert cookie.startswith("agg=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert me.json()["organisation"] == visitor.organisation_id
    assert me.json()["roles"] == ["seller"]
    assert out.status_code == 204
    assert (after.status_code, after.json()["code"]) == (401, "not_signed_in")


async def test_a_wrong_password_and_an_unknown_log_in_look_the_same(served: Served) -> None:
    visitor = await served.member("South mill", "seller")
    nobody = served.nobody()

    wrong = await nobody.post("/sessions", {"login": visitor.login, "password": "wrong wrong"})
    unknown = await nobody.post("/sessions", {"login": "nobody", "password": "wrong wrong"})

    assert wrong.status_code == unknown.status_code == 401
    assert {**wrong.json(), "request": ""} == {**unknown.json(), "request": ""}


async def test_guessing_at_a_log_in_is_slowed(served: Served) -> None:
    nobody = served.nobody()
    body = {"login": "somebody", "password": "a guess at it"}

    answers = [await nobody.post("/sessions", body) for _ in range(13)]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_a_change_from_another_site_is_refused(served: Served) -> None:
    visitor = await served.member("South mill", "seller")
    client = served.client()
    await client.post(
        "/api/v1/sessions",
        json={"login": visitor.login, "password": PASSWORD},
        headers={"Origin": served.url},
    )

    elsewhere = await client.post(
        "/api/v1/feed-tickets", headers={"Origin": "https://evil.example"}
    )
    unsaid = await client.post("/api/v1/feed-tickets")
    null = await client.post("/api/v1/feed-tickets", headers={"Origin": "null"})
    here = await client.post("/api/v1/feed-tickets", headers={"Origin": served.url})

    assert [a.status_code for a in (elsewhere, unsaid, null, here)] == [403, 403, 403, 201]
    assert elsewhere.json()["code"] == "origin_refused"


async def test_a_bearer_token_needs_no_origin_but_refuses_a_foreign_one(served: Served) -> None:
    visitor = await served.member("South mill", "seller")

    plain = await visitor.post("/feed-tickets")
    foreign = await visitor.post("/feed-tickets", headers={"Origin": "https://evil.example"})

    assert plain.status_code == 201
    assert foreign.status_code == 403


async def test_an_ended_session_still_reads_what_everybody_may(served: Served) -> None:
    client = served.client()
    client.cookies.set("agg", "no-such-session")

    assert (await client.get("/api/v1/time")).status_code == 200
    assert (await client.get("/api/v1/me")).status_code == 401
    token = {"Authorization": "Bearer no-such-token"}
    assert (await client.get("/api/v1/time", headers=token)).status_code == 401


async def test_every_answer_carries_the_headers_that_guard_a_browser(served: Served) -> None:
    answer = await served.client().get("/api/docs")

    policy = answer.headers["content-security-policy"]
    host = served.url.removeprefix("http://")
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert f"connect-src 'self' ws://{host};" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-request-id"]
    assert "server" not in answer.headers
