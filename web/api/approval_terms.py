"""Terms that are asked for and act on what stands already: freed lots, rounds, slots, consents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from aggregator.approvals.asking import Wanted, terms_of
from aggregator.forwards import proposing, queries
from aggregator.pools import answering
from web.api.contracts import ChangeBody, ConsentBody
from web.api.fields import Body, Id
from web.api.forwards import AcceptBody, SupplyBody, TermsBody
from web.api.routing import Call

LookUp = tuple[str, type[Body], Callable[..., Awaitable[Wanted]]]


class AskedFreed(Body):
    """The pledge to which another's lots are offered, as they are offered now."""

    freed: Id


class AskedRaise(TermsBody):
    """The order whose limit is to rise to the agreed terms of that hash."""

    order: Id


async def _freed(call: Call, _: str, body: AskedFreed) -> Wanted:
    only_offer = await answering.standing_offer(call.actor, body.freed)
    return Wanted({"freed": body.freed, "only_offer": only_offer})


async def _raised(_: Call, __: str, body: AskedRaise) -> Wanted:
    return Wanted({"order": body.order, "terms_sha256": body.terms_sha256})


async def _consent(_: Call, __: str, body: ConsentBody) -> Wanted:
    return Wanted({"terms_sha256": body.terms_sha256, "slot_id": body.slot_id})


async def _change(call: Call, slot_id: str, body: ChangeBody) -> Wanted:
    change, to = body.change(), body.to or ""
    shown = await proposing.preview(call.market, call.actor, slot_id, change, to)
    sha256 = shown["terms_sha256"]
    return Wanted({"change": terms_of(change), "to": to, "terms_sha256": sha256})


async def _supplied(call: Call, strip_id: str, body: SupplyBody) -> Wanted:
    talks = await queries.rounds(call.actor, strip_id) or {}
    number = max((one["number"] for one in talks.get("rounds", ())), default=0)
    return Wanted({"lots": dict(body.lots), "only_round": number})


async def _accepted(_: Call, __: str, body: AcceptBody) -> Wanted:
    return Wanted({"number": body.round, "terms_sha256": body.terms_sha256})


STANDING: Mapping[str, Sequence[LookUp]] = {
    "forwards.offer": (
        ("round", AcceptBody, _accepted),
        ("lots", SupplyBody, _supplied),
    ),
    "forwards.order": (
        ("order", AskedRaise, _raised),
        ("terms_sha256", ConsentBody, _consent),
        ("kind", ChangeBody, _change),
    ),
    "pools.pledge": (("freed", AskedFreed, _freed),),
}
"""By act, and told by a field that only these terms have."""
