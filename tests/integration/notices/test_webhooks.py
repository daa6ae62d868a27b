"""Webhooks against a real server on this machine: signed, tried again, given up, replayed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from aggregator.clock import SimulatedClock
from aggregator.errors import Conflict, InvalidField, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Market, Unit
from aggregator.market.eyes import reading_for
from aggregator.notices import delivering, posting, webhooks
from aggregator.notices.telling import tell
from aggregator.parties import membership
from aggregator.settlement.facts import MoneyReceived
from aggregator.workers.ringing import ring_due
from tests.builders import START, a_command, a_market, a_person, an_actor, an_organisation

ON_TIMER = {webhooks.TIMER: delivering.deliver, webhooks.FORGET: webhooks.forget}


@dataclass
class Receiver:
    """A server that keeps what it is sent and answers as it is told to."""

    status: str = "204 No Content"
    more: str = ""
    took: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def __aenter__(self) -> Receiver:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}/hook?from=market"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs} | {":first": head[0]}
        body = await reader.readexactly(int(headers["content-length"]))
        self.took.append((headers, body))
        said = f"HTTP/1.1 {self.status}\r\ncontent-length: 0\r\n{self.more}\r\n"
        writer.write(said.encode("ascii"))
        await writer.drain()
        writer.close()


@dataclass
class Firm:
    market: Market
    clock: SimulatedClock
    owner: Actor
    receiver: Receiver

    async def register(self, *kinds: str) -> tuple[str, bytes]:
        made = await webhooks.register(
            self.market, self.owner, address=self.receiver.address, kinds=kinds
        )
        secret = str(made.answer["secret"]).removeprefix("whsec_")
        return str(made.answer["webhook_id"]), base64.b64decode(secret)

    async def rotate(self, webhook_id: str, *, hours: int) -> bytes:
        made = await webhooks.rotate(self.market, self.owner, webhook_id, overlap_h=hours)
        return base64.b64decode(str(made.answer["secret"]).removeprefix("whsec_"))

    async def notice(self, organisation_id: str = "") -> None:
        fact = MoneyReceived("line", organisation_id or self.owner.organisation_id, 12_345, "CNY")

        async def step(unit: Unit) -> Answer:
            await tell(unit, fact)
            return {}

        await self.market.perform(Actor.SYSTEM, "test.tell", step)

    async def ring(self, later: timedelta = timedelta()) -> None:
        self.clock.advance(later)
        await ring_due(self.market, ON_TIMER)


@pytest.fixture(autouse=True)
def localhost() -> Iterator[None]:
    posting.install(lets_localhost=True)
    yield
    posting.install(lets_localhost=False)


@pytest.fixture
async def firm(orm: str) -> AsyncIterator[Firm]:
    clock = SimulatedClock(START)
    market = a_market(clock)
    organisation_id = await an_organisation(market, "First firm")
    person_id = await a_person(market, organisation_id, "boss", "owner")
    owner = an_actor(organisation_id, "owner", person=person_id)
    async with Receiver() as receiver:
        yield Firm(market, clock, owner, receiver)


def proof(secret: bytes, headers: dict[str, str], body: bytes) -> str:
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mark = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mark).decode('ascii')}"


async def test_a_notice_is_posted_once_and_its_signature_proves_it(firm: Firm) -> None:
    _, secret = await firm.register()

    await firm.notice()
    await firm.ring()
    await firm.ring(timedelta(days=2))

    [(headers, body)] = firm.receiver.took
    assert headers[":first"] == "POST /hook?from=market HTTP/1.1"
    assert headers["host"] == f"localhost:{firm.receiver.port}"
    told = json.loads(body)
    assert (told["kind"], told["figures"]) == (
        "money_received",
        {"amount": "123.45", "currency": "CNY"},
    )
    assert told["notice_id"] == headers["webhook-id"]
    assert headers["webhook-signature"] == proof(secret, headers, body)
    assert headers["webhook-secrets"] == "1"
    assert int(headers["webhook-timestamp"]) == int(START.timestamp())


async def test_only_chosen_kinds_of_the_own_firm_are_sent(firm: Firm) -> None:
    await firm.register("deal_formed")
    rival = await an_organisation(firm.market, "Second firm")

    await firm.notice()
    await firm.notice(rival)
    await firm.ring()

    assert firm.receiver.took == []
    assert await Pool().rows("select 1 from webhook_delivery") == []


async def test_what_is_not_taken_is_tried_again_and_comes_as_the_same_notice(firm: Firm) -> None:
    webhook_id, _ = await firm.register()
    firm.receiver.status = "503 Busy"
    await firm.notice()
    await firm.ring()
    await firm.ring(timedelta(seconds=9))
    assert len(firm.receiver.took) == 1

    firm.receiver.status = "200 OK"
    await firm.ring(timedelta(seconds=1))

    first, second = firm.receiver.took
    assert first[1] == second[1]
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    [sent] = await webhooks.deliveries(firm.owner, webhook_id)
    assert (sent["state"], sent["attempts"], sent["outcome"]) == ("delivered", 2, "delivered")
    [own] = await webhooks.webhooks(firm.owner)
    assert own["failing_since"] is None


async def test_no_redirect_is_followed(firm: Firm) -> None:
    webhook_id, _ = await firm.register()
    firm.receiver.status = "307 Temporary Redirect"
    firm.receiver.more = f"location: {firm.receiver.address}\r\n"

    await firm.notice()
    await firm.ring()

    assert len(firm.receiver.took) == 1
    [sent] = await webhooks.deliveries(firm.owner, webhook_id)
    assert (sent["state"], sent["outcome"]) == ("pending", "http_307")


async def test_an_address_that_fails_for_a_day_is_switched_off_with_a_notice(firm: Firm) -> None:
    webhook_id, _ = await firm.register()
    firm.receiver.status = "500 Broken"
    await firm.notice()
    await firm.ring()
    for later in delivering.AGAIN_AFTER:
        await firm.ring(later)

    [own] = await webhooks.webhooks(firm.owner)
    assert own["disabled_at"] is not None
    [sent] = await webhooks.deliveries(firm.owner, webhook_id)
    assert (sent["state"], sent["attempts"]) == ("failed", len(delivering.AGAIN_AFTER) + 1)
    rows = await Pool().rows("select kind from notice order by at, id")
    assert [row["kind"] for row in rows] == ["money_received", "webhook_disabled"]
    with pytest.raises(WrongState):
        await webhooks.replay(
            firm.market, firm.owner, a_command(), webhook_id, notice_id=None, since=START
        )

    firm.receiver.status = "200 OK"
    await webhooks.resume(firm.market, firm.owner, a_command(), webhook_id)
    replayed = await webhooks.replay(
        firm.market, firm.owner, a_command(), webhook_id, notice_id=None, since=START
    )
    await firm.ring()

    assert replayed.answer["notices"] == 2
    assert {sent["state"] for sent in await webhooks.deliveries(firm.owner, webhook_id)} == {
        "delivered"
    }


async def test_a_notice_that_arrived_is_sent_again_by_its_id_to_its_own_firm_only(
    firm: Firm,
) -> None:
    webhook_id, _ = await firm.register()
    rival = await an_organisation(firm.market, "Second firm")
    await firm.notice()
    await firm.notice(rival)
    await firm.ring()
    rows = await Pool().rows("select id, organisation_id from notice")
    ids = {row["organisation_id"]: row["id"] for row in rows}

    async def replay(actor: Actor, notice_id: str) -> None:
        await webhooks.replay(
            firm.market, actor, a_command(), webhook_id, notice_id=notice_id, since=None
        )

    await replay(firm.owner, ids[firm.owner.organisation_id])
    await firm.ring()

    assert len(firm.receiver.took) == 2
    assert firm.receiver.took[0][1] == firm.receiver.took[1][1]
    with pytest.raises(NotFound):
        await replay(firm.owner, ids[rival])
    with pytest.raises(NotFound):
        await replay(an_actor(rival, "owner"), ids[rival])


async def test_nothing_is_sent_to_an_address_that_was_removed(firm: Firm) -> None:
    webhook_id, _ = await firm.register()
    await firm.notice()
    await webhooks.remove(firm.market, firm.owner, a_command(), webhook_id)
    await firm.ring()

    assert firm.receiver.took == []
    assert await webhooks.webhooks(firm.owner) == []
    with pytest.raises(NotFound):
        await webhooks.deliveries(firm.owner, webhook_id)


async def test_an_address_of_a_leaver_is_switched_off_until_the_boss_resumes_it(
    firm: Firm,
) -> None:
    firm_id = firm.owner.organisation_id
    heir_id = await a_person(firm.market, firm_id, "heir", "owner")
    heir = an_actor(firm_id, "owner", person=heir_id)
    webhook_id, _ = await firm.register()
    await firm.notice()

    await membership.leave(firm.market, heir, a_command(), firm.owner.person_id)
    await firm.ring()

    assert firm.receiver.took == []
    rows = await Pool().rows("select kind from notice order by kind")
    assert [row["kind"] for row in rows] == ["money_received", "webhook_disabled"]
    await webhooks.resume(firm.market, heir, a_command(), webhook_id)
    await firm.notice()
    await firm.ring()
    assert len(firm.receiver.took) == 1


async def test_an_unknown_kind_and_a_sixth_address_are_refused(firm: Firm) -> None:
    with pytest.raises(InvalidField):
        await firm.register("deal_made_up")
    for _ in range(webhooks.MAX_WEBHOOKS):
        await firm.register()
    with pytest.raises(Conflict):
        await firm.register()


async def test_the_secret_is_kept_wrapped_and_read_by_nobody(firm: Firm) -> None:
    _, secret = await firm.register()
    rows = await Pool().rows("select * from webhook")
    kept = [await Pool().rows("select body::text as text from journal"), rows]

    assert secret.hex() not in str(kept)
    assert base64.b64encode(secret).decode("ascii") not in str(kept)
    rival = an_actor(await an_organisation(firm.market, "Second firm"), "owner")
    with reading_for(rival):
        assert await Pool().rows("select id from webhook") == []
    with reading_for(firm.owner):
        assert len(await Pool().rows("select id from webhook")) == 1
        for hidden in ("secret_wrapped", "former_wrapped"):
            with pytest.raises(Exception, match="permission denied"):
                await Pool().rows(f"select {hidden} from webhook")


async def test_a_fresh_secret_signs_beside_the_one_before_until_that_ends(firm: Firm) -> None:
    webhook_id, first = await firm.register()
    second = await firm.rotate(webhook_id, hours=24)

    await firm.notice()
    await firm.ring()
    [own] = await webhooks.webhooks(firm.owner)
    await firm.notice()
    await firm.ring(timedelta(hours=24))

    (headers, body), (later, late) = firm.receiver.took
    both = f"{proof(second, headers, body)} {proof(first, headers, body)}"
    assert (headers["webhook-signature"], headers["webhook-secrets"]) == (both, "2 1")
    assert (own["secret_number"], own["former_until"]) == (2, START + timedelta(hours=24))
    assert (later["webhook-signature"], later["webhook-secrets"]) == (
        proof(second, later, late),
        "2",
    )


async def test_a_secret_that_has_ended_is_kept_nowhere(firm: Firm) -> None:
    webhook_id, _ = await firm.register()
    await firm.rotate(webhook_id, hours=1)
    await firm.rotate(webhook_id, hours=2)
    kept = []
    for _ in range(2):
        await firm.ring(timedelta(hours=1))
        [row] = await Pool().rows("select former_wrapped, former_number from webhook")
        kept.append(row["former_wrapped"] is not None)

    assert kept == [True, False]
    assert row["former_number"] is None


async def test_a_fresh_secret_whose_answer_was_lost_leaves_the_known_one_signing(
    firm: Firm,
) -> None:
    webhook_id, known = await firm.register()
    await firm.rotate(webhook_id, hours=24)
    third = await firm.rotate(webhook_id, hours=1)

    await firm.notice()
    await firm.ring()

    [(headers, body)] = firm.receiver.took
    both = f"{proof(third, headers, body)} {proof(known, headers, body)}"
    assert (headers["webhook-signature"], headers["webhook-secrets"]) == (both, "3 1")


async def test_a_secret_that_leaked_ends_at_once(firm: Firm) -> None:
    webhook_id, _ = await firm.register()
    await firm.rotate(webhook_id, hours=24)
    third = await firm.rotate(webhook_id, hours=0)

    await firm.notice()
    await firm.ring()

    [(headers, body)] = firm.receiver.took
    assert (headers["webhook-signature"], headers["webhook-secrets"]) == (
        proof(third, headers, body),
        "3",
    )
    rival = an_actor(await an_organisation(firm.market, "Second firm"), "owner")
    with pytest.raises(NotFound):
        await webhooks.rotate(firm.market, rival, webhook_id, overlap_h=0)


async def test_a_name_that_stands_for_this_network_is_not_connected_to(firm: Firm) -> None:
    webhook_id, _ = await firm.register()
    posting.install(lets_localhost=False)

    await firm.notice()
    await firm.ring()

    assert firm.receiver.took == []
    [sent] = await webhooks.deliveries(firm.owner, webhook_id)
    assert sent["outcome"] == "forbidden"
