"""The scan for other firms' secrets finds what is planted, however it is packed."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from aggregator import logs
from aggregator.market import Audience
from aggregator.pools import views
from aggregator.pools.state import State
from tests.api.conftest import serving
from tests.builders import a_market, with_cash, with_sugar
from tests.e2e.canaries import scan
from tests.e2e.conftest import CELL
from tests.e2e.disclosures import DISCLOSURES
from tests.e2e.tap import Line, Tap

NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)
LIMIT, LOTS, NOTE = "5173.00", 137, "Kingfisher"
PLEDGE = {"lots": LOTS, "limit": LIMIT, "note": NOTE}


def a_request(path: str, token: str = "", body: object = None) -> bytes:
    method, content = ("POST", json.dumps(body).encode()) if body is not None else ("GET", b"")
    head = f"{method} /api/v1{path} HTTP/1.1\r\nHost: market\r\nCookie: a=b; agg={token}\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def an_answer(content: bytes, *headers: str) -> bytes:
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(content)}", *headers])
    return f"{head}\r\n\r\n".encode() + content


def a_line(asked: bytes, told: bytes, *, at: datetime = NOON) -> Line:
    # In pieces, as bytes come.
    return Line([(at, asked[:9]), (at, asked[9:])], [(at, told[:9]), (at, told[9:])])


def signed_in(firm: str) -> Line:
    answer = json.dumps({"organisation": firm, "roles": []}).encode()
    cookie = f"Set-Cookie: agg=token-{firm}; Path=/; HttpOnly"
    return a_line(a_request("/sessions", body={"login": firm}), an_answer(answer, cookie))


def tapped(*lines: Line, logged: str = "") -> Tap:
    """Return a tap that heard one firm pledge, and then what else there is."""
    answer = an_answer(b'{"pledge_id":"plg_01"}')
    pledged = a_line(a_request("/pools/pool_1/pledges", "token-first", PLEDGE), answer)
    later = [signed_in("first"), signed_in("rival"), pledged, *lines]
    return Tap(later, io.StringIO(logged))


def seen(tap: Tap) -> list[str]:
    return [leak.partition(" at ")[0] for leak in scan(tap, DISCLOSURES)]


def an_archive(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", text)
    return packed.getvalue()


LEAKS = {
    "a figure": an_answer(b'{"best":"5173.00"}'),
    "a figure on a page": an_answer(b"<b>5,173.00</b>"),
    "a figure in minor units": an_answer(b'{"limit_minor":517300}'),
    "a quantity": an_answer(b'{"pool":[{"lots":137}]}'),
    "a word": an_answer(f"note,{NOTE}".encode(), "Content-Type: text/csv"),
    "a name": an_answer(b'["plg_01"]'),
    "packed": an_answer(gzip.compress(b'{"a":"5173.00"}'), "Content-Encoding: gzip"),
    "an archive": an_answer(an_archive("<v>5173</v>")),
    "a header": an_answer(b"{}", "ETag: 5173.00"),
    "a broken answer": an_answer(b'{"a":"5173.00" and no more', "X-Left: out")[:-4],
}


@pytest.mark.parametrize("told", LEAKS.values(), ids=LEAKS)
@pytest.mark.parametrize("token", ["token-rival", "", "token-unheard-of"])
def test_a_secret_in_an_answer_is_found(told: bytes, token: str) -> None:
    [leak] = seen(tapped(a_line(a_request("/pools", token), told)))

    who = "rival" if token == "token-rival" else "nobody"
    assert leak.startswith(f"{who} was told ")
    assert leak.endswith("by GET /api/v1/pools")


def test_a_firm_may_be_told_what_it_said_and_others_what_is_alike() -> None:
    own = [a_line(a_request("/pools", "token-first"), told) for told in LEAKS.values()]
    alike = an_answer(b'{"lots":1370,"price":"51730.00","at":"12:00:00.517300Z","seq":137}')

    assert seen(tapped(*own, a_line(a_request("/pools", "token-rival"), alike))) == []


def test_a_secret_in_a_frame_is_found() -> None:
    hello = json.dumps({"op": "hello", "token": "token-rival"}).encode()
    upgrade = b"GET /feed HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    joined = b"HTTP/1.1 101 On\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    delta = json.dumps({"op": "delta", "data": {"best": LIMIT}}).encode()
    asked = upgrade + Frame(Opcode.TEXT, hello).serialize(mask=True)
    told = joined + Frame(Opcode.TEXT, delta).serialize(mask=False)

    assert seen(tapped(a_line(asked, told))) == [
        f"rival was told {LIMIT} (limit of POST /pools/{{pool_id}}/pledges) by the feed"
    ]


@pytest.mark.parametrize(("token", "found"), [("token-first", 0), ("token-rival", 1), ("", 1)])
def test_a_secret_posted_to_an_address_is_found(token: str, found: int) -> None:
    address = "http://127.0.0.1:80/hook"
    named = a_line(a_request("/webhooks", token, {"address": address}), an_answer(b"{}"))
    content = json.dumps({"figures": {"limit": LIMIT}}).encode()
    head = "POST /hook HTTP/1.1\r\nHost: 127.0.0.1:80\r\nWebhook-Id: ntc_1\r\n"
    post = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content

    leaks = seen(tapped(named, a_line(post, an_answer(b""))))

    who = "rival" if token else "nobody"
    limit = f"{who} was told {LIMIT} (limit of POST /pools/{{pool_id}}/pledges) by a webhook"
    assert leaks == [limit] * found


def test_a_secret_in_a_log_is_found_and_the_name_of_a_thing_is_none() -> None:
    said = f'{{"event":"pledged","kind":"{LIMIT}","count":5173,"pool":"plg_01"}}'

    assert seen(tapped(logged=said)) == [
        f"nobody was told {LIMIT} (limit of POST /pools/{{pool_id}}/pledges) by a log"
    ]


@pytest.mark.parametrize(("minutes", "found"), [(59, 1), (60, 0)])
def test_a_sealed_bid_is_its_bidders_until_the_close(minutes: int, found: int) -> None:
    rules = {"format": "sealed_first", "closes_at": "2027-01-04T13:00:00Z", "disclosure": "blind"}
    opened = a_line(
        a_request("/auctions", "token-rival", rules), an_answer(b'{"auction_id":"auc_1"}')
    )
    shown = an_answer(json.dumps({"auction_id": "auc_1", **rules}).encode())
    bid = a_line(
        a_request("/auctions/auc_1/bids", "token-first", {"price": "5219.00"}), an_answer(b"{}")
    )
    at = NOON + timedelta(minutes=minutes)
    looked = a_line(a_request("/auctions/auc_1", "token-rival"), an_answer(b'["5219.00"]'), at=at)

    room = a_line(a_request("/auctions/auc_1", "token-first"), shown)
    assert len(seen(tapped(opened, room, bid, looked))) == found


def test_an_amount_in_a_file_is_found() -> None:
    file = b"limit\n5219.00\n"
    head = f"Cookie: agg=token-first\r\nContent-Length: {len(file)}\r\n\r\n".encode()
    brought = b"POST /api/v1/imports/requests HTTP/1.1\r\nHost: market\r\n" + head + file
    looked = a_line(a_request("/requests", "token-rival"), an_answer(b'["5219.00"]'))

    assert len(seen(tapped(a_line(brought, an_answer(b"{}")), looked))) == 1


async def test_a_view_of_a_running_market_that_tells_too_much_is_caught(
    orm: str, monkeypatch: pytest.MonkeyPatch, tap: Tap
) -> None:
    honest = views.view

    def careless(state: State, audience: Audience) -> views.View:
        limits = [str(pledge.limit_minor) for pledge in state.pledges.values()]
        logs.logger().info("shown", kind=" ".join(limits))
        return {**honest(state, audience), "phase": " ".join(["gathering", *limits])}

    # The test's own tap keeps the log, and hears none of this.
    heard = Tap(log=tap.log)
    async with serving(a_market()) as served:
        served.url = heard.through(served.url)
        await with_sugar(served.market)
        buyer = await served.member("Buyer", "buyer", kind="factory")
        await with_cash(served.market, buyer.organisation_id, 500_000_000)
        rival = await served.member("Rival", "buyer", kind="factory")
        rules = {"cell": CELL, "firming_at": "2027-01-05T00:00:00Z"}
        rules["closes_at"] = "2027-01-06T00:00:00Z"
        pool = (await (await served.operator()).post("/pools", rules)).json()["pool_id"]
        pledge = {"lots": LOTS, "limit": LIMIT}
        assert (await buyer.post(f"/pools/{pool}/pledges", pledge)).status_code == 201
        monkeypatch.setattr(views, "view", careless)
        await rival.get(f"/pools/{pool}")
        async with connect(served.feed_url, compression=None, proxy=None) as socket:
            await socket.send(json.dumps({"op": "hello", "token": rival.token, "client": "t/1"}))
            await socket.send(json.dumps({"op": "subscribe", "topic": f"pool:{pool}"}))
            while json.loads(await socket.recv())["op"] != "snapshot":
                pass
        for client in served.clients:
            await client.aclose()
    heard.close()

    told = {leak.partition(" by ")[::2] for leak in seen(heard)}
    limit = f"was told {LIMIT} (limit of POST /pools/{{pool_id}}/pledges)"
    assert told == {
        (f"{rival.organisation_id} {limit}", f"GET /api/v1/pools/{pool}"),
        (f"{rival.organisation_id} {limit}", "the feed"),
        (f"nobody {limit}", "a log"),
    }
