"""Rounds of negotiation: counter-offers with one mill, and a clock over the months."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from aggregator.approvals import executing
from aggregator.approvals.asking import Wanted, ask_for
from aggregator.errors import Conflict, InvalidField, NotAllowed, NotFound, WrongState
from aggregator.forwards import (
    asking,
    clocking,
    countering,
    offering,
    opening,
    ordering,
    queries,
    talks,
)
from aggregator.forwards.errors import TermsChanged
from aggregator.forwards.facts import StripLapsed, StripRoundEnded, StripRoundOpened
from aggregator.forwards.talks import ClockTerms, CounterTerms
from aggregator.journal.facts import canonical
from aggregator.journal.reading import Pool, entries
from aggregator.ledger.queries import balances
from aggregator.ledger.verifying import verify
from aggregator.mandates import policies
from aggregator.mandates.errors import BeyondMandate
from aggregator.market import Actor, Market
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from matching.forwards.clocks import ActivityBroken
from tests.builders import START, a_command, a_market, an_actor, with_sugar
from tests.integration.forwards.signing import (
    OPERATOR,
    TENORS,
    a_firm,
    a_strip,
    order,
    with_members,
)

CLOSES_AT = START + timedelta(days=2)
PRICES = dict(zip(TENORS, (490_000, 492_000, 494_000), strict=True))
CLOCK = ClockTerms("falling", dict.fromkeys(TENORS, 500_000), 5_000, round_minutes=10)


@dataclass(frozen=True, slots=True)
class Talking:
    market: Market
    strip_id: str
    mills: tuple[Actor, ...]
    buyers: tuple[Actor, ...]

    @property
    def mill(self) -> Actor:
        return self.mills[0]

    async def wait(self, **time: int) -> None:
        self.market.clock.set(self.market.clock.now() + timedelta(**time))
        await ring_due(self.market, ON_TIMER)

    async def phase(self) -> str:
        return (await queries.strip(self.strip_id, self.market.clock.now())).phase

    async def told(self, kind: type) -> list:
        return [
            entry.fact
            for entry in await entries(None, f"strip:{self.strip_id}")
            if isinstance(entry.fact, kind)
        ]


async def talking(*limits: int, clock: ClockTerms | None = None) -> Talking:
    """Return a window whose three orders (of 40, 60 and 80 lots) are in talks."""
    market = a_market()
    await with_sugar(market)
    buyers = tuple([await a_firm(market, f"buyer{n}") for n in range(3)])
    mills = tuple([await a_firm(market, f"mill{n}", kind="mill") for n in range(2)])
    await with_members(*mills)
    await Pool().rows("update membership set roles = array['seller'] returning 1")
    talks = clock or CounterTerms(mills[0].organisation_id, answer_minutes=60)
    strip_id = await a_strip(market, closes_at=CLOSES_AT, talks=talks)
    for buyer, tenor, lots, limit in zip(
        buyers, TENORS, (40, 60, 80), limits or (500_000,) * 3, strict=False
    ):
        await order(market, buyer, strip_id, tenor, lots, limit_minor=limit)
    world = Talking(market, strip_id, mills, buyers)
    await world.wait(days=2)
    return world


async def proposed(world: Talking, prices: dict[str, int] | None = None) -> str:
    made = await countering.propose(
        world.market, OPERATOR, a_command(), world.strip_id, prices or PRICES
    )
    return str(made.answer["terms_sha256"])


async def countered(world: Talking, price: int = 496_000, mill: Actor | None = None) -> str:
    terms = offering.OfferTerms(dict.fromkeys(TENORS, ((100, price),)), 300)
    made = await offering.place_offer(
        world.market, mill or world.mill, a_command(), world.strip_id, terms
    )
    return str(made.answer["terms_sha256"])


async def accepted(world: Talking, actor: Actor, number: int, sha256: str) -> str:
    made = await countering.accept(
        world.market, actor, a_command(), world.strip_id, number, terms_sha256=sha256
    )
    return str(made.answer["state"])


async def offered(world: Talking, mill: Actor, *lots: int) -> None:
    said = dict(zip(TENORS, lots, strict=True))
    await clocking.supply(world.market, mill, a_command(), world.strip_id, said)


async def test_a_proposal_is_countered_and_the_counter_offer_accepted(orm: str) -> None:
    world = await talking()
    await proposed(world)
    sha256 = await countered(world)

    state = await accepted(world, OPERATOR, 2, sha256)
    await world.wait(minutes=1)

    assert (state, await world.phase()) == ("settling", "cleared")
    [own] = await queries.own_orders(world.buyers[0], world.strip_id)
    assert own.paid_minor == 40 * 496_000
    rounds = await world.told(StripRoundOpened)
    assert [(one.number, one.by) for one in rounds] == [(1, "bundle"), (2, "seller")]
    ended = await world.told(StripRoundEnded)
    assert [(one.number, one.state) for one in ended] == [(1, "countered"), (2, "accepted")]
    assert (await verify()).differences == ()


async def test_the_mill_accepts_the_prices_that_the_bundle_names(orm: str) -> None:
    world = await talking()
    sha256 = await proposed(world)

    await accepted(world, world.mill, 1, sha256)
    await world.wait(minutes=1)

    [own] = await queries.own_orders(world.buyers[2], world.strip_id)
    assert own.paid_minor == 80 * 494_000
    assert (await verify()).differences == ()


async def test_only_buyers_beyond_their_limit_are_asked_and_a_yes_raises_it(orm: str) -> None:
    world = await talking(500_000, 489_000, 488_000)
    sha256 = await countered(world, 495_000)

    state = await accepted(world, OPERATOR, 1, sha256)
    within, first, second = [
        (await queries.rounds(buyer, world.strip_id) or {})["asks"] for buyer in world.buyers
    ]
    approve = {"terms_sha256": sha256}
    order_id = first[0]["order_id"]
    await asking.approve(
        world.market, world.buyers[1], a_command(), world.strip_id, order_id, **approve
    )
    still = await world.phase()
    await asking.decline(
        world.market, world.buyers[2], a_command(), world.strip_id, second[0]["order_id"]
    )
    await world.wait(minutes=1)

    assert (state, within, still) == ("asking", [], "asking")
    assert first[0]["limit_minor"] == 495_000
    states = [(await queries.own_orders(buyer, world.strip_id))[0] for buyer in world.buyers]
    assert [one.state for one in states] == ["awarded", "awarded", "unfilled"]
    assert states[1].paid_minor == 60 * 495_000
    assert (await verify()).differences == ()


async def test_silence_leaves_a_limit_as_it_was(orm: str) -> None:
    world = await talking(500_000, 500_000, 488_000)
    await accepted(world, OPERATOR, 1, await countered(world, 495_000))

    await world.wait(minutes=60)
    await world.wait(minutes=1)

    [own] = await queries.own_orders(world.buyers[2], world.strip_id)
    assert (await world.phase(), own.state, own.limit_minor) == ("cleared", "unfilled", 488_000)
    [ask] = (await queries.rounds(world.buyers[2], world.strip_id) or {})["asks"]
    assert ask["state"] == "silent"
    with pytest.raises(WrongState):
        await asking.decline(
            world.market, world.buyers[2], a_command(), world.strip_id, ask["order_id"]
        )


async def test_a_round_nobody_answers_ends_the_talks(orm: str) -> None:
    world = await talking()
    await countered(world)

    await world.wait(minutes=60)

    [lapsed] = await world.told(StripLapsed)
    [ended] = await world.told(StripRoundEnded)
    assert (lapsed.reason, ended.state) == ("talks_expired", "expired")
    for actor in (world.mill, *world.buyers):
        assert all(one.held_minor == 0 for one in await balances(actor.organisation_id))


async def test_terms_are_accepted_by_their_hash_and_by_the_other_side(orm: str) -> None:
    world = await talking()
    old = await countered(world, 497_000)
    await countered(world, 496_000)

    with pytest.raises(TermsChanged):
        await accepted(world, OPERATOR, 2, old)
    with pytest.raises(WrongState):
        await accepted(world, OPERATOR, 1, old)
    with pytest.raises(WrongState, match="own_round"):
        await accepted(world, world.mill, 2, old)
    with pytest.raises(NotFound):
        await accepted(world, world.mills[1], 2, old)
    with pytest.raises(NotAllowed):
        await accepted(world, an_actor("buyer0", "buyer"), 2, old)


async def test_the_hash_of_shown_prices_does_not_tell_the_lots(orm: str) -> None:
    world = await talking()

    sha256 = await proposed(world)

    [said] = await talks.load(Pool(), world.strip_id)
    guessed = canonical(said.terms)
    assert said.terms_sha256 == sha256
    assert hashlib.sha256(guessed).hexdigest() != sha256


async def test_no_bundle_is_cleared_for_who_may_not_accept(
    orm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await talking()
    sha256 = await proposed(world)
    cleared, before = list[str](), asking.certify

    async def counted(instance: Any) -> Any:
        cleared.append(sha256)
        return await before(instance)

    monkeypatch.setattr(asking, "certify", counted)
    for actor, given in ((OPERATOR, sha256), (world.mill, "0" * 64)):
        with pytest.raises((TermsChanged, WrongState)):
            await accepted(world, actor, 1, given)
    assert cleared == []

    assert await accepted(world, world.mill, 1, sha256) == "settling"
    with pytest.raises(WrongState):
        await accepted(world, world.mill, 1, sha256)

    assert cleared == [sha256]


async def test_what_breaks_the_rules_of_talks_is_refused(orm: str) -> None:
    world = await talking()

    with pytest.raises(InvalidField, match="every month"):
        await proposed(world, {TENORS[0]: 490_000})
    with pytest.raises(InvalidField, match="490001"):
        await proposed(world, PRICES | {TENORS[0]: 490_001})
    with pytest.raises(NotFound):
        await countered(world, mill=world.mills[1])
    with pytest.raises(WrongState):
        await offered(world, world.mill, 1, 1, 1)
    for _ in range(6):
        await proposed(world)
    with pytest.raises(Conflict, match="too_many_rounds"):
        await proposed(world)


async def test_a_mill_counters_within_its_mandate_only(orm: str) -> None:
    world = await talking()
    owner = an_actor(world.mill.organisation_id, "owner")
    policy = policies.PolicyTerms(act="forwards.offer", chain=("role:owner",))
    await policies.set_policy(world.market, owner, a_command(), policy)

    with pytest.raises(BeyondMandate):
        await countered(world)
    sha256 = await proposed(world)
    with pytest.raises(BeyondMandate):
        await accepted(world, world.mill, 1, sha256)


async def test_nothing_is_said_of_fewer_than_three_firms(orm: str) -> None:
    market = a_market()
    await with_sugar(market)
    buyer = await a_firm(market, "buyer")
    terms = opening.StripTerms("远期", "SUGAR-W1", "GX", TENORS, CLOSES_AT, talks=CLOCK)
    opened = await opening.open_strip(market, OPERATOR, a_command(), terms)
    strip_id = str(opened.answer["strip_id"])
    order = ordering.OrderTerms(form="period", tenor=TENORS[0], lots=40, limit_minor=500_000)
    await ordering.place_order(market, buyer, a_command(), strip_id, order)
    world = Talking(market, strip_id, (), (buyer,))

    await world.wait(days=2)

    [lapsed] = await world.told(StripLapsed)
    assert lapsed.reason == "too_few_firms"


async def test_a_buyer_sees_the_prices_named_and_not_the_bundles_lots(orm: str) -> None:
    world = await talking()
    await proposed(world)

    seen = {
        name: await queries.rounds(actor, world.strip_id) or {}
        for name, actor in (("mill", world.mill), ("buyer", world.buyers[0]))
    }
    other = await queries.rounds(world.mills[1], world.strip_id)

    [to_mill], [to_buyer] = seen["mill"]["rounds"], seen["buyer"]["rounds"]
    assert to_mill["steps"][TENORS[2]] == [{"lots": 80, "price_minor": 494_000}]
    assert to_buyer["steps"][TENORS[2]] == [{"lots": None, "price_minor": 494_000}]
    assert (to_mill["capacity"], to_buyer["capacity"]) == (180, None)
    assert other == {"rounds": []}


async def test_a_falling_clock_stops_where_mills_no_longer_offer_too_much(orm: str) -> None:
    world = await talking(clock=CLOCK)
    await offered(world, world.mills[0], 40, 60, 80)
    await offered(world, world.mills[1], 20, 0, 40)
    await world.wait(minutes=10)
    await offered(world, world.mills[0], 30, 60, 60)
    await offered(world, world.mills[1], 10, 0, 20)
    await world.wait(minutes=10)
    await world.wait(minutes=1)

    opened = await world.told(StripRoundOpened)
    assert [dict(one.prices)[TENORS[0]] for one in opened] == [500_000, 495_000]
    assert dict(opened[1].prices)[TENORS[1]] == 500_000
    assert await world.phase() == "cleared"
    paid = [(await queries.own_orders(b, world.strip_id))[0].paid_minor for b in world.buyers]
    assert paid == [40 * 495_000, 60 * 500_000, 80 * 495_000]
    assert (await verify()).differences == ()


async def test_a_mill_that_falls_silent_is_held_to_no_lower_price(orm: str) -> None:
    world = await talking(clock=CLOCK)
    await offered(world, world.mills[0], 60, 60, 80)
    await world.wait(minutes=10)
    mine = await clocking.own_lots(Pool(), world.strip_id, world.mill.organisation_id)
    await world.wait(minutes=10)
    await world.wait(minutes=1)

    assert mine == {TENORS[1]: 60, TENORS[2]: 80}
    [own] = await queries.own_orders(world.buyers[0], world.strip_id)
    assert own.paid_minor == 40 * 500_000


async def test_a_rising_clock_calls_for_lots_until_there_are_enough(orm: str) -> None:
    rules = ClockTerms("rising", dict.fromkeys(TENORS, 480_000), 5_000, round_minutes=10)
    world = await talking(clock=rules)
    await offered(world, world.mills[0], 20, 60, 40)
    await world.wait(minutes=10)
    with pytest.raises(ActivityBroken):
        await offered(world, world.mills[0], 20, 60, 30)
    await offered(world, world.mills[0], 40, 60, 80)
    await world.wait(minutes=10)
    await world.wait(minutes=1)

    paid = [(await queries.own_orders(b, world.strip_id))[0].paid_minor for b in world.buyers]
    assert paid == [40 * 485_000, 60 * 480_000, 80 * 485_000]


async def test_a_clock_refuses_totals_that_grow_and_months_it_does_not_know(orm: str) -> None:
    world = await talking(clock=CLOCK)
    await offered(world, world.mills[0], 60, 60, 80)
    await world.wait(minutes=10)

    with pytest.raises(ActivityBroken):
        await offered(world, world.mills[0], 100, 60, 80)
    with pytest.raises(ActivityBroken):
        await offered(world, world.mills[1], 10, 0, 0)
    with pytest.raises(InvalidField, match="2028-01"):
        await clocking.supply(world.market, world.mill, a_command(), world.strip_id, {"2028-01": 1})
    with pytest.raises(WrongState, match="clock_runs"):
        await countered(world)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (CounterTerms("nobody"), "/seller"),
        (ClockTerms("falling", {TENORS[0]: 500_000}, 5_000), "/start"),
        (ClockTerms("falling", dict.fromkeys(TENORS, 500_001), 5_000), "/start/2027-03"),
        (ClockTerms("falling", dict.fromkeys(TENORS, 500_000), 50), "/step"),
        (ClockTerms("falling", dict.fromkeys(TENORS, 500_000), 100, 0), "/round_minutes"),
        (ClockTerms("rising", dict.fromkeys(TENORS, 500_000), 100, 10, 0), "/max_rounds"),
        (ClockTerms("rising", dict.fromkeys(TENORS, 500_000), 100, 10_000, 50), "/tenors/0"),
    ],
)
async def test_rules_of_rounds_that_cannot_go_on_are_refused(
    orm: str, terms: talks.TalkTerms, field: str
) -> None:
    market = a_market()
    await with_sugar(market)
    given = opening.StripTerms("远期", "SUGAR-W1", "GX", TENORS, CLOSES_AT, talks=terms)

    with pytest.raises(InvalidField) as refused:
        await opening.open_strip(market, OPERATOR, a_command(), given)

    assert refused.value.pointer == field


async def test_a_counter_offer_beyond_the_mandate_is_made_once_it_is_approved(orm: str) -> None:
    world = await talking()
    firm = world.mill.organisation_id
    await Pool().rows(
        "insert into person (id, login, name, password_hash, created_at)"
        " values ('per_boss', 'boss', 'boss', 'none', now()) returning id"
    )
    owner = an_actor(firm, "owner", person="per_boss")
    policy = policies.PolicyTerms(act="forwards.offer", chain=("role:owner",))
    await policies.set_policy(world.market, owner, a_command(), policy)
    terms = offering.OfferTerms(dict.fromkeys(TENORS, ((100, 496_000),)), 300)
    asking_for = Wanted(terms, 300 * 496_000)
    asked = await ask_for(
        world.market,
        an_actor(firm, "seller"),
        a_command(),
        asking_for,
        act="forwards.offer",
        subject=world.strip_id,
        currency="CNY",
    )

    approval_id = asked.answer["approval_id"]
    fingerprint = str(asked.answer["fingerprint"])
    await executing.approve_and_execute(
        world.market, owner, a_command(), approval_id, fingerprint=fingerprint
    )

    [opened] = await world.told(StripRoundOpened)
    assert opened.by == "seller"
