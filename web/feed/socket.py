"""The shell of one feed socket: it reads, writes and watches, and decides nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from aggregator import logs
from aggregator.errors import InvalidField, MarketError, NotAllowed, NotFound, NotSignedIn
from aggregator.journal.facts import stamp
from aggregator.market import Actor, Outcome
from aggregator.parties import attempts, sessions, tickets
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
    Unreadable,
    Unsubscribe,
)
from web.feed.pulling import pulled
from web.feed.wire import wire_of
from web.language import language_of

Receiving = Callable[[], Awaitable[Mapping[str, Any]]]


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


class FeedSocket:
    """One socket. Its reader takes one frame after the other, so acts keep their order."""

    def __init__(self, websocket: WebSocket, context: Context) -> None:
        self._websocket = websocket
        self._context = context
        self._hub = context.hub
        self._limits = context.hub.limits
        self._language = language_of(websocket)
        self._opened_at_ms = monotonic_ms()
        self._conversation = Conversation(
            self._limits, OPERATIONS.keys(), opened_at_ms=self._opened_at_ms
        )
        self._session_key: bytes | None = None
        self._asked: dict[str, Subscribe] = {}
        self._wire = wire_of(websocket)
        self._stands_still: asyncio.TimerHandle | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self._is_looking = self._must_look = self._is_over = False
        self.outbox = Outbox(self._limits)
        self.actor: Actor | None = None

    @property
    def tracks(self) -> dict[str, Track]:
        return self.outbox.tracks

    async def serve(self) -> None:
        """Run until either side ends the socket."""
        if self._wire is None:
            await self._serve(self._websocket.receive)
        else:
            # In a task of its own: each time one wakes it goes through all it was called by.
            await self._hub.tasks.start(self._serve(self._wire.receive), name="feed socket")

    async def _serve(self, receive: Receiving) -> None:
        self._next_look = self._after(self._limits.hello_ms, self._check_hello)
        try:
            if self._wire is None:
                await pulled(self._websocket, self.outbox, self._limits, self._read(receive))
            else:
                self.outbox.attach(self._wire)
                self._wire.attach(self)
                await self._read(receive)
        except WebSocketDisconnect:
            pass
        except Exception as error:  # noqa: BLE001 - one socket's fault is not the process's
            logs.logger().error("feed_socket_failed", exc_info=error)
            self.outbox.end(Ending(Close.BROKEN, "we failed; come back"))
        finally:
            self._leave()

    def pause(self) -> None:
        """Hear that the client reads slower than we write."""
        self.outbox.pause()
        self._stands_still = self._after(self._limits.send_ms, self._end_slow)

    def resume(self) -> None:
        """Hear that it has read."""
        if self._stands_still is not None:
            self._stands_still.cancel()
        self.outbox.resume()

    def shut(self) -> None:
        """Hear that nothing may be written any more."""
        self.outbox.pause()

    def recheck(self) -> None:
        """Look now whether the session still stands."""
        self._must_look = True
        if not self._is_looking and not self._is_over:
            self._is_looking = True
            self._hub.tasks.start(self._look_on(), name="feed looks")

    def _leave(self) -> None:
        self._is_over = True
        self._hub.leave(self)
        if self._wire is not None:
            self._wire.detach()
        for timer in (self._stands_still, self._next_look):
            if timer is not None:
                timer.cancel()
        if self.outbox.ending is not None:
            logs.logger().info("feed_socket_closed", close_code=int(self.outbox.ending.code))

    def _after(self, wait_ms: int, act: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(wait_ms * 0.001, act)

    def _check_hello(self) -> None:
        late = self._conversation.check_hello(self._opened_at_ms + self._limits.hello_ms)
        if late is not None:
            self.outbox.end(late)

    def _end_slow(self) -> None:
        self.outbox.give_up(Ending(Close.SLOW, "the reader stands still"))

    async def _read(self, receive: Receiving) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            if self.outbox.ending is not None:
                # Until it has been told and is gone, what more it says is not heard.
                continue
            now_ms = monotonic_ms()
            asked = self._conversation.receive(message.get("text"), now_ms=now_ms)
            match asked:
                case Act():
                    await self._act(asked, now_ms)
                case Ending():
                    self.outbox.end(asked)
                    if asked.code is Close.MALFORMED:
                        await self._note("feed.connect", InvalidField("/", asked.reason), None)
                case Hello():
                    await self._greet(asked)
                case Subscribe():
                    await self._subscribe(asked)
                case Unsubscribe():
                    self._unsubscribe(asked.topic)
                    self.outbox.send(frames.unsubscribed(asked.topic))
                case TooManyTopics():
                    self._refuse(TopicsTooMany(asked.max_topics), topic=asked.topic)
                case Unreadable():
                    await self._note("feed.connect", asked.error, asked.command_id)
                    self._refuse(asked.error, command_id=asked.command_id)

    async def _look_on(self) -> None:
        """Look at the session, again if woken meanwhile, and later once more."""
        wait_ms = self._limits.recheck_ms
        while self._must_look and not self._is_over:
            self._must_look = False
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - the database may be away for a while
                logs.logger().warning("feed_recheck_waits", exc_info=error)
                wait_ms = self._limits.poll_ms
        self._is_looking = False
        if self._session_key is not None and not self._is_over:
            if self._next_look is not None:
                self._next_look.cancel()
            self._next_look = self._after(wait_ms, self.recheck)

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
                actor = await sessions.actor_of(market, hello.token)
                actor.require("feed.connect")
                self.actor = actor
                self._session_key = sessions.key_of(hello.token)
        except NotSignedIn:
            self.outbox.end(Ending(Close.SESSION_OVER, "the ticket or token opens no session"))
            return
        except NotAllowed:
            self.outbox.end(Ending(Close.FORBIDDEN, "the token may not open a socket"))
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
        if self._session_key is not None:
            self.recheck()

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

    async def _act(self, asked: Act, now_ms: int) -> None:
        endpoint = OPERATIONS[asked.op].endpoint
        try:
            outcome = await endpoint.handler(self._call(asked, now_ms))
            assert isinstance(outcome, Outcome), f"{endpoint.name} returns no Outcome"
        except (RuleViolation, MarketError) as error:
            await self._note(endpoint.act, error, asked.command_id)
            self._refuse(error, command_id=asked.command_id)
        except Exception as error:  # noqa: BLE001 - the client must hear of its command
            logs.logger().error("feed_act_failed", kind=asked.op, exc_info=error)
            self._refuse(Internal(), command_id=asked.command_id)
        else:
            answer = public(outcome.answer)
            assert isinstance(answer, dict)
            self.outbox.send(frames.ack(asked.command_id, answer, is_replayed=outcome.replayed))

    async def _note(self, act: str, refusal: Refusal, command_id: str | None) -> None:
        if self.actor is not None:
            await attempts.note(self._context.market, self.actor, act, refusal, command_id)

    def _call(self, asked: Act, now_ms: int) -> Call:
        """Return the act as a call of its endpoint, counted, allowed and read."""
        assert self.actor is not None
        operation = OPERATIONS[asked.op]
        endpoint = operation.endpoint
        self._context.organisations.take(self.actor.organisation_id, now_ms)
        if endpoint.act != SIGNED_IN:
            self.actor.require(endpoint.act)
        path, content = operation.taken_apart(asked.content)
        assert endpoint.body is not None
        return Call(
            market=self._context.market,
            viewer=self.actor,
            language=self._language,
            path=path,
            query={},
            body=checked(endpoint.body, content),
            text="",
            request=self._websocket,
            given_command=endpoint.command(asked.command_id, path, content),
        )

    def _refuse(
        self, error: Refusal, *, command_id: str | None = None, topic: str | None = None
    ) -> None:
        problem = described(error, self._language)
        self.outbox.send(frames.refused(problem, command_id=command_id, topic=topic))
