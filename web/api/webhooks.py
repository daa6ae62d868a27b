"""A firm's own addresses for its notices: signed, listed, and sent again on demand."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aggregator.market import Answer, Outcome
from aggregator.notices import webhooks
from aggregator.notices.posting import MAX_ADDRESS
from web.api.fields import Answers, Body, Id, Instant
from web.api.routing import Call, route

Kind = Annotated[str, Field(pattern="^[a-z_]{1,60}$", examples=["deal_formed"])]


class WebhookBody(Body):
    """Where to, and of which kinds; without kinds, every notice."""

    address: Annotated[
        str, Field(min_length=9, max_length=MAX_ADDRESS, examples=["https://example.com/market"])
    ]
    kinds: list[Kind] = Field(default_factory=list, max_length=100)


class ReplayBody(Body):
    """One notice, or all from an instant on."""

    notice: Id | None = None
    since: Instant | None = None


class RotateBody(Body):
    """For how many hours the secret before signs beside the fresh one; 0 ends it at once."""

    hours: Annotated[int, Field(ge=0, le=webhooks.MAX_OVERLAP_H)] = 24


class WebhookMade(Answers):
    webhook_id: str
    secret: str
    secret_number: int


class WebhookTouched(Answers):
    webhook_id: str


class WebhookReplayed(WebhookTouched):
    notices: int


class Webhook(Answers):
    webhook_id: str
    address: str
    kinds: list[str]
    made_at: str
    failing_since: str | None
    disabled_at: str | None
    secret_number: int
    former_number: int | None
    former_until: str | None


class Webhooks(Answers):
    webhooks: list[Webhook]


class Delivery(Answers):
    notice_id: str
    kind: str
    at: str
    state: str
    attempts: int
    tried_at: str | None
    outcome: str


class Deliveries(Answers):
    deliveries: list[Delivery]


@route("GET", "/webhooks", act=webhooks.ACT, out=Webhooks)
async def own_webhooks(call: Call) -> Answer:
    """List the addresses that the firm's notices are sent to."""
    return {"webhooks": await webhooks.webhooks(call.actor)}


@route(
    "POST",
    "/webhooks",
    act=webhooks.ACT,
    body=WebhookBody,
    out=WebhookMade,
    status=201,
    is_keyed=False,
)
async def register_webhook(call: Call) -> Outcome:
    """Send notices to an address; the secret that signs them is told this once."""
    body: WebhookBody = call.body
    return await webhooks.register(call.market, call.actor, address=body.address, kinds=body.kinds)


@route(
    "POST",
    "/webhooks/{webhook_id}/secret",
    act=webhooks.ACT,
    body=RotateBody,
    out=WebhookMade,
    is_keyed=False,
)
async def rotate_webhook_secret(call: Call) -> Outcome:
    """Sign by a fresh secret, told this once; the one before signs too for a while."""
    return await webhooks.rotate(
        call.market, call.actor, call.path["webhook_id"], overlap_h=call.body.hours
    )


@route("DELETE", "/webhooks/{webhook_id}", act=webhooks.ACT, out=WebhookTouched)
async def remove_webhook(call: Call) -> Outcome:
    """Send nothing there any more."""
    return await webhooks.remove(call.market, call.actor, call.command, call.path["webhook_id"])


@route("POST", "/webhooks/{webhook_id}/resume", act=webhooks.ACT, out=WebhookTouched)
async def resume_webhook(call: Call) -> Outcome:
    """Send again to an address that was switched off after a day of failures."""
    return await webhooks.resume(call.market, call.actor, call.command, call.path["webhook_id"])


@route("GET", "/webhooks/{webhook_id}/deliveries", act=webhooks.ACT, out=Deliveries)
async def webhook_deliveries(call: Call) -> Answer:
    """List the newest deliveries with what came of them."""
    return {"deliveries": await webhooks.deliveries(call.actor, call.path["webhook_id"])}


@route(
    "POST",
    "/webhooks/{webhook_id}/replay",
    act=webhooks.ACT,
    body=ReplayBody,
    out=WebhookReplayed,
)
async def replay_webhook(call: Call) -> Outcome:
    """Send one notice again, or the first 1000 from an instant on."""
    body: ReplayBody = call.body
    return await webhooks.replay(
        call.market,
        call.actor,
        call.command,
        call.path["webhook_id"],
        notice_id=body.notice,
        since=body.since,
    )
