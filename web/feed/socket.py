"""The shell of one feed socket: it reads, writes and watches, and decides nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from aggregator import logs
from aggregator.errors import MarketError, NotFound, NotSignedIn
from aggregator.journal.facts import stamp
from aggregator.market import Actor, Outcome
from aggregator.parties import sessions, tickets
from matching.errors import RuleViolation
from web.api.amounts import public
from web.api.faults import checked
from web.api.problem import Internal, Refusal, described
from web.api.routing import SIGNED_IN, Call
from web.auth.asking import is_own_origin
from web.context import Context, context_of, monotonic_ms
from web.feed import frames
from web.feed.folds import Track
from web.feed.hub import SocketsTooMany
from web.feed.operations import OPERATIONS
from web.feed.outbox import Outbox
from web.feed.protocol import (
    SUBPROTOCOL,
    Act,
    Close,
    Conversation,
    Ending,
    Hello,
    Subscribe,
    TooManyTopics,
    TopicsTooMany,
    Unsubscribe,
)
from web.language import language_of

_CLOSE_S = 1
_LONGEST_REASON = 120


async def feed(websocket: WebSocket) -> None:
    """Serve `/feed`."""
    context = context_of(websocket)
    origin = websocket.headers.get("origin")
    if origin is not None and not is_own_origin(websocket, origin, context.public_url):
        # Before the handshake a close is an HTTP 403, which a page of another site cannot read.
        await websocket.close()
        return
    offered = websocket.scope.get("subprotocols", [])
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    await FeedSocket(websocket, context).serve()


class _Ended(Exception):
    """Ends the three tasks of a socket; without an ending the client has gone."""

    def __init__(self, ending: Ending | None) -> None:
        super().__init__(ending)
        self.ending = ending


class FeedSocket:
    """One socket. Its reader takes one frame after the other, so acts keep their order."""

    def __init__(self, websocket: WebSocket, context: Context) -> None:
        self._websocket = websocket
        self._context = context
        self._hub = context.hub
        self._limits = context.hub.limits
        self._language = language_of(websocket)
        self._conversation = Conversation(
            self._limits, OPERATIONS.keys(), opened_at_ms=monotonic_ms()
        )
        self._session_key: bytes | None = None
        self._asked: dict[str, Subscribe] = {}
        self._must_look = asyncio.Event()
        self.outbox = Outbox(self._limits)
        self.actor: Actor | None = None
        self.tracks: dict[str, Track] = {}

    async def serve(self) -> None:
        """Run until either side ends the socket."""
        ending: Ending | None = Ending(Close.BROKEN, "we failed; come back")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read())
                group.create_task(self._write())
                group.create_task(self._watch())
                group.create_task(self._cut())
        except* _Ended as ended:
            ending = _first(ended)
        except* WebSocketDisconnect:
            ending = None
        except* Exception as error:  # noqa: BLE001 - one socket's fault is not the process's
            logs.logger().error("feed_socket_failed", exc_info=error.exceptions[0])
        finally:
            self._hub.leave(self)
        if ending is not None:
            await self._close(ending)

    def recheck(self) -> None:
        """Look now whether the session still stands."""
        self._must_look.set()

    async def _read(self) -> None:
        async for text in self._texts():
            asked = self._conversation.receive(text, now_ms=monotonic_ms())
            match asked:
                case Ending():
                    self.outbox.end(asked)
                    return
                case Hello():
                    await self._greet(asked)
                case Subscribe():
                    await self._subscribe(asked)
                case Unsubscribe():
                    self._unsubscribe(asked.topic)
                    self.outbox.send(frames.unsubscribed(asked.topic))
                case TooManyTopics():
                    self._refuse(TopicsTooMany(asked.max_topics), topic=asked.topic)
                case Act():
                    await self._act(asked)

    async def _texts(self) -> AsyncIterator[str | None]:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise _Ended(None)
            yield message.get("text")

    async def _write(self) -> None:
        while True:
            found = await self.outbox.next()
            if isinstance(found, Ending):
                raise _Ended(found)
            try:
                async with asyncio.timeout(self._limits.send_ms * 0.001):
                    await self._websocket.send_text(found)
            except TimeoutError:
                raise _Ended(Ending(Close.SLOW, "the reader stands still")) from None

    async def _cut(self) -> None:
        """End at once what must not wait for a reader that stands still."""
        raise _Ended(await self.outbox.cut())

    async def _watch(self) -> None:
        """Close without a hello; afterwards look at the session now and then, and when woken."""
        wait_ms = self._limits.hello_ms
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_ms * 0.001):
                    await self._must_look.wait()
            self._must_look.clear()
            late = self._conversation.check_hello(monotonic_ms())
            if late is not None:
                self.outbox.end(late)
            wait_ms = self._limits.recheck_ms
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - the database may be away for a while
                logs.logger().warning("feed_recheck_waits", exc_info=error)
                wait_ms = self._limits.poll_ms

    async def _look(self) -> None:
        if self._session_key is None:
            return
        market = self._context.market
        try:
            self.actor = await sessions.actor_of_session(market, self._session_key)
        except NotSignedIn:
            self.outbox.end(Ending(Close.SESSION_OVER, "the session is over"))
            return
        await self._look_at_topics()

    async def _look_at_topics(self) -> None:
        """Show each topic to the audience that the person is now in."""
        for asked in list(self._asked.values()):
            track = self.tracks.get(asked.topic)
            try:
                audience = await self._hub.audience(self.actor, asked)
            except NotFound as error:
                self._unsubscribe(asked.topic)
                self._refuse(error, topic=asked.topic)
                continue
            if track is not None and track.audience != audience:
                await self._hub.subscribe(self, asked, audience)

    async def _greet(self, hello: Hello) -> None:
        market = self._context.market
        try:
            if hello.ticket is not None:
                redeemed = await tickets.redeem(market, hello.ticket)
                self.actor, self._session_key = redeemed.actor, redeemed.session_key
            elif hello.token is not None:
                self.actor = await sessions.actor_of(market, hello.token)
                self._session_key = sessions.key_of(hello.token)
        except NotSignedIn:
            self.outbox.end(Ending(Close.SESSION_OVER, "the ticket or token opens no session"))
            return
        try:
            self._hub.enter(self)
        except SocketsTooMany as error:
            self.outbox.end(Ending(Close.RATE, f"at most {error.max_sockets} sockets"))
            return
        if self.actor is None:
            self._conversation.welcome_anyone()
        else:
            self._conversation.welcome_member()
        self.outbox.send(frames.welcome(self._limits, stamp(market.clock.now())))

    async def _subscribe(self, asked: Subscribe) -> None:
        try:
            audience = await self._hub.audience(self.actor, asked)
            await self._hub.subscribe(self, asked, audience)
        except MarketError as error:
            self._unsubscribe(asked.topic)
            self._refuse(error, topic=asked.topic)
            return
        self._asked[asked.topic] = asked

    def _unsubscribe(self, topic: str) -> None:
        self._asked.pop(topic, None)
        self._conversation.leave(topic)
        self._hub.unsubscribe(self, topic)

    async def _act(self, asked: Act) -> None:
        try:
            outcome = await self._perform(asked)
        except (RuleViolation, MarketError) as error:
            self._refuse(error, command_id=asked.command_id)
        except Exception as error:  # noqa: BLE001 - the client must hear of its command
            logs.logger().error("feed_act_failed", kind=asked.op, exc_info=error)
            self._refuse(Internal(), command_id=asked.command_id)
        else:
            answer = public(outcome.answer)
            assert isinstance(answer, dict)
            self.outbox.send(frames.ack(asked.command_id, answer, is_replayed=outcome.replayed))

    async def _perform(self, asked: Act) -> Outcome:
        assert self.actor is not None
        operation = OPERATIONS[asked.op]
        endpoint = operation.endpoint
        self._context.organisations.take(self.actor.organisation_id, monotonic_ms())
        if endpoint.act != SIGNED_IN:
            self.actor.require(endpoint.act)
        path, content = operation.taken_apart(asked.content)
        assert endpoint.body is not None
        call = Call(
            market=self._context.market,
            viewer=self.actor,
            language=self._language,
            path=path,
            query={},
            body=checked(endpoint.body, content),
            text="",
            if_match=None,
            request=self._websocket,
            given_command=endpoint.command(asked.command_id, path, content),
        )
        found = await endpoint.handler(call)
        assert isinstance(found, Outcome), f"{endpoint.name} returns no Outcome"
        return found

    def _refuse(
        self, error: Refusal, *, command_id: str | None = None, topic: str | None = None
    ) -> None:
        problem = described(error, self._language)
        self.outbox.send(frames.refused(problem, command_id=command_id, topic=topic))

    async def _close(self, ending: Ending) -> None:
        logs.logger().info("feed_socket_closed", close_code=int(ending.code))
        # A reader that stands still would hold the close frame back for ever.
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
            async with asyncio.timeout(_CLOSE_S):
                await self._websocket.close(ending.code, ending.reason[:_LONGEST_REASON])


def _first(ended: BaseExceptionGroup[_Ended]) -> Ending | None:
    """Return the ending of the task that ended first; none if the client is gone."""
    found = [error for error in _leaves(ended) if isinstance(error, _Ended)]
    return found[0].ending


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]
