"""The operator's two persons agree, or one refuses; with the second yes it happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aggregator.market import Actor, Answer, Command, Market, Outcome, Step, Unit
from aggregator.parties import consents, correcting, hiring, recovering
from aggregator.parties.consents import ACT, AGREED, DESK_PERSON, RECOVERY, TAX_NUMBER
from aggregator.parties.registering import stream_of

Consent = Mapping[str, Any]


async def agree(market: Market, actor: Actor, command: Command, consent_id: str) -> Outcome:
    """Agree as one of two persons; raises as `consents.give`, and what carrying it out raises."""

    async def step(unit: Unit) -> Answer:
        consent = await consents.give(unit, consent_id)
        on_agreed = _ON_AGREED.get(consent["kind"])
        # What is carried out above follows from the fact that two persons agreed.
        if consent["state"] == AGREED and on_agreed is not None:
            await on_agreed(unit, consent)
        return {"consent_id": consent_id, "state": consent["state"]}

    return await _perform(market, actor, command, consent_id, step)


async def refuse(market: Market, actor: Actor, command: Command, consent_id: str) -> Outcome:
    """Refuse in the operator's name; raises as `consents.deny`."""

    async def step(unit: Unit) -> Answer:
        consent = await consents.deny(unit, consent_id)
        if on_refused := _ON_REFUSED.get(consent["kind"]):
            await on_refused(unit, consent)
        return {"consent_id": consent_id, "state": consent["state"]}

    return await _perform(market, actor, command, consent_id, step)


async def _perform(
    market: Market, actor: Actor, command: Command, consent_id: str, step: Step
) -> Outcome:
    actor.require(ACT)
    stream = stream_of(await consents.firm_of(consent_id))
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def _open_recovery(unit: Unit, consent: Consent) -> None:
    await recovering.agreed(unit, consent["subject"])


async def _end_recovery(unit: Unit, consent: Consent) -> None:
    await recovering.refused(unit, consent["subject"])


_ON_AGREED: Mapping[str, Callable[[Unit, Consent], Awaitable[None]]] = {
    DESK_PERSON: hiring.employ,
    RECOVERY: _open_recovery,
    TAX_NUMBER: correcting.correct,
}
_ON_REFUSED: Mapping[str, Callable[[Unit, Consent], Awaitable[None]]] = {
    DESK_PERSON: hiring.dismiss,
    RECOVERY: _end_recovery,
}
