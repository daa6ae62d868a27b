"""Photographs of a deal's goods, by either party, for nobody else's eyes.

What is kept is the cleaned picture (`pictures`) and its hash, which is also in the deal's
journal: a photograph that was exchanged later would show.
"""

from __future__ import annotations

import hashlib

from aggregator.deals import access, stages, store
from aggregator.errors import Conflict, NotFound
from aggregator.fulfilment.facts import PhotographAdded
from aggregator.fulfilment.pictures import Picture, cleaned
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit

ACT = "fulfilment.photograph"
MAX_PHOTOGRAPHS = 12
"""How many a side may add to a deal."""

_STEPS = (
    stages.SHIPPING,
    stages.DELIVERED,
    stages.DISPUTED,
    stages.ACCEPTED,
    stages.INVOICED,
    stages.SETTLED,
)


async def add_photograph(
    market: Market, actor: Actor, command: Command, deal_id: str, content: bytes
) -> Outcome:
    """Add a photograph to a deal whose goods are on their way or there.

    Raises:
        NotFound: no such deal of the actor's.
        WrongState: nothing was shipped, or the deal has ended without goods.
        Conflict: the side has added as many as it may, or this one is there already.
        InvalidField: the bytes are no picture that is taken.

    """
    picture = cleaned(content)

    async def step(unit: Unit) -> Answer:
        deal = await access.as_party(unit, deal_id)
        stages.require_state(deal, *_STEPS)
        known = await unit.rows(
            "select added_by, sha256 from photograph where deal_id = $1", deal.id
        )
        sha256 = hashlib.sha256(picture.content).hexdigest()
        if any(row["sha256"] == sha256 for row in known):
            raise Conflict("photograph_exists")
        by = unit.actor.organisation_id
        if sum(row["added_by"] == by for row in known) >= MAX_PHOTOGRAPHS:
            raise Conflict("too_many_photographs")
        photograph_id = unit.new_id("pho")
        await _insert(unit, photograph_id, deal.id, deal.state, picture, sha256)
        fact = PhotographAdded(
            photograph_id, deal.id, deal.buyer_id, deal.seller_id, by, deal.state, sha256
        )
        await unit.record(store.stream_of(deal.id), fact)
        return {
            "photograph_id": photograph_id,
            "deal_id": deal.id,
            "step": deal.state,
            "sha256": sha256,
        }

    stream = await access.stream_for(actor, ACT, deal_id)
    return await market.perform(actor, ACT, step, command=command, stream=stream)


async def photograph(
    actor: Actor, deal_id: str, photograph_id: str, reader: Reader | None = None
) -> Picture:
    """Return a photograph of a deal of the actor's.

    Raises:
        NotAllowed: the actor's roles read no deals.
        NotFound: no such deal or photograph, or the actor is no party to the deal.

    """
    actor.require("deals.read")
    source = reader or Pool()
    await access.party_deal(source, actor, deal_id)
    found = await source.rows(
        "select media_type, content, width, height from photograph where deal_id = $1 and id = $2",
        deal_id,
        photograph_id,
    )
    if not found:
        raise NotFound("photograph")
    return Picture(**dict(found[0]))


async def _insert(
    unit: Unit, photograph_id: str, deal_id: str, step: str, picture: Picture, sha256: str
) -> None:
    await unit.execute(
        "insert into photograph (id, deal_id, added_by, step, media_type, width, height, sha256,"
        " content, added_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        photograph_id,
        deal_id,
        unit.actor.organisation_id,
        step,
        picture.media_type,
        picture.width,
        picture.height,
        sha256,
        picture.content,
        unit.now,
    )
