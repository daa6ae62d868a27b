"""Counter-offers with one mill: the bundle names prices, the mill answers with an offer.

Both sides speak in the same terms, an offer's: the bundle's are the one it would like to have,
its own lots at the prices it names. Whoever is addressed accepts what lies open, or counters it
with terms of its own; what is accepted is pinned by its hash. The mill's lots and the deposit
for them are set aside as for a sealed offer, within its people's mandates.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from aggregator.catalogue.queries import instrument
from aggregator.errors import InvalidField, NotFound, TryAgain, WrongState
from aggregator.forwards import asking, offering, store, talks
from aggregator.forwards.errors import TermsChanged
from aggregator.forwards.instance import Rows
from aggregator.forwards.offering import OfferTerms
from aggregator.forwards.store import Strip
from aggregator.forwards.talks import Round
from aggregator.journal.reading import Pool
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit

PROPOSE_ACT, ACCEPT_ACT = "forwards.negotiate", "forwards.accept"


async def propose(
    market: Market, actor: Actor, command: Command, strip_id: str, prices_minor: Mapping[str, int]
) -> Outcome:
    """Name prices to the mill for the bundle's months, in place of what lies open.

    Raises:
        WrongState: the window is not in talks with a mill.
        InvalidField: a month without a price, or a price off tick.
        Conflict: the window has had all its rounds.

    """

    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        talks.require_talking(strip, talks.COUNTER, unit.now)
        traded = await instrument(strip.instrument_id, unit)
        if sorted(prices_minor) != list(strip.tenors):
            raise InvalidField("/prices", "a price for every month of the window")
        for tenor, price_minor in prices_minor.items():
            traded.check_price(price_minor, f"/prices/{tenor}")
        orders = await store.standing_orders(unit, strip_id)
        wished = OfferTerms(
            {t: ((n, prices_minor[t]),) for t, n in bundle_lots(strip, orders).items() if n},
            sum(row["total_lots"] for row in orders),
        )
        told = (talks.counter_terms(strip).seller_id,)
        terms = offering.written(wished)
        opened = await talks.open_round(unit, strip, talks.BUNDLE, terms, told=told)
        return _shown(unit, opened)

    return await market.perform(
        actor, PROPOSE_ACT, step, command=command, stream=store.stream_of(strip_id)
    )


async def accept(
    market: Market,
    actor: Actor,
    command: Command | None,
    strip_id: str,
    number: int,
    *,
    terms_sha256: str,
) -> Outcome:
    """Accept what the other side said last; buyers beyond their limits are asked.

    Raises:
        NotFound: the actor is on neither side of the talks.
        WrongState: that round is over, or is the actor's own.
        TermsChanged: the hash names other terms.
        BeyondMandate, InsufficientFunds: as for a sealed offer, where the mill accepts.

    """
    actor.require(ACCEPT_ACT)
    found = await store.load(Pool(), strip_id)
    _check_side(found, actor)
    known = next((one for one in await talks.load(Pool(), strip_id) if one.number == number), None)
    if known is None:
        raise NotFound("round")
    needed = None
    with suppress(WrongState, TermsChanged):  # which the step raises, unless it is known already
        _require_answerable(found, known, actor, terms_sha256, market.clock.now())
        needed = await asking.beyond(market, found, known.terms)

    async def step(unit: Unit) -> Answer:
        strip = await store.load(unit, strip_id)
        said = (await talks.load(unit, strip_id))[number - 1]
        _require_answerable(strip, said, actor, terms_sha256, unit.now)
        if needed is None:
            raise TryAgain
        if said.by == talks.BUNDLE:
            await offering.stand(unit, strip, offering.terms_of(said.terms))
        await talks.end_round(unit, strip_id, said, talks.ACCEPTED)
        await asking.ask(unit, strip, needed, terms_sha256)
        state = talks.ASKING if needed else talks.SETTLING
        return {"strip_id": strip_id, "round": number, "state": state}

    return await market.perform(
        actor, ACCEPT_ACT, step, command=command, stream=store.stream_of(strip_id)
    )


def bundle_lots(strip: Strip, orders: Rows) -> dict[str, int]:
    """Return the most that the bundle could take in each month, whatever its limits."""
    found = dict.fromkeys(strip.tenors, 0)
    for row in orders:
        terms = row["terms"]
        if row["form"] == "block":
            taken = terms["lots"]
        elif row["form"] == "period":
            taken = {terms["tenor"]: terms["lots"]}
        else:
            first, last = terms["window"]
            most = terms.get("per_tenor_max", terms["lots"])
            taken = {tenor: most for tenor in strip.tenors if first <= tenor <= last}
        for tenor, lots in taken.items():
            found[tenor] += lots
    return found


def _require_answerable(
    strip: Strip, said: Round, actor: Actor, terms_sha256: str, now: datetime
) -> None:
    talks.require_talking(strip, talks.COUNTER, now)
    if said.state != talks.OPEN or said.by == _check_side(strip, actor):
        raise WrongState(said.state if said.state != talks.OPEN else "own_round", talks.OPEN)
    if said.terms_sha256 != terms_sha256:
        raise TermsChanged(said.terms_sha256)


def _check_side(strip: Strip, actor: Actor) -> str:
    """Return on which side of the talks an actor speaks; to others there are none."""
    if strip.rounds == talks.COUNTER:
        if actor.organisation_id == talks.counter_terms(strip).seller_id:
            return talks.SELLER
        if PROPOSE_ACT in actor.grants:
            return talks.BUNDLE
    raise NotFound("strip")


def _shown(unit: Unit, opened: Round) -> Answer:
    return {
        "round": opened.number,
        "terms_sha256": opened.terms_sha256,
        "ends_at": unit.stamp(opened.ends_at),
    }
