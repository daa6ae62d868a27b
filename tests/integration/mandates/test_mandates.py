"""A clerk commits the firm inside a mandate, in the same act as the check."""

from __future__ import annotations

import asyncio

import pytest

from aggregator.errors import InsufficientFunds, InvalidField, NotAllowed, NotFound, WrongState
from aggregator.journal.reading import Pool
from aggregator.ledger import accounts, holds
from aggregator.mandates import granting, policies
from aggregator.mandates.drawing import BUY, SELL, Commitment
from aggregator.mandates.errors import BeyondMandate, OwnAct
from aggregator.mandates.granting import MandateTerms
from aggregator.market import Actor, Answer, Unit
from aggregator.pools import pledging
from tests.builders import a_command, an_actor
from tests.integration.mandates.building import HOUR, PRICE, Firm

LOT = PRICE


async def test_without_a_policy_roles_decide(firm: Firm) -> None:
    auction_id = await firm.auction()

    receipt = await firm.bid(auction_id, lots=100)

    assert receipt["lots"] == 100


async def test_under_a_policy_a_bid_without_a_mandate_is_refused(firm: Firm) -> None:
    auction_id = await firm.auction()
    await firm.bind("auctions.bid", free_up_to_minor=5 * LOT)

    with pytest.raises(BeyondMandate) as refused:
        await firm.bid(auction_id, lots=6)

    assert refused.value.figures() == {
        "act": "auctions.bid",
        "rule": "no_mandate",
        "asked_minor": 6 * LOT,
        "free_minor": 5 * LOT,
        "left_minor": 0,
    }
    assert (await firm.bid(auction_id, lots=5))["lots"] == 5


async def test_a_bid_inside_a_mandate_takes_its_amount(firm: Firm) -> None:
    await firm.bind()
    mandate_id = await firm.mandate()

    await firm.bid(await firm.auction(), lots=40)

    assert (await firm.of_mandate(mandate_id))["used_minor"] == 40 * LOT


async def test_a_better_bid_takes_the_place_of_the_one_before(firm: Firm) -> None:
    await firm.bind()
    mandate_id = await firm.mandate(
        total_minor=60 * (LOT + 1_000), per_act_minor=60 * (LOT + 1_000)
    )
    auction_id = await firm.auction()
    await firm.bid(auction_id, lots=50)

    await firm.bid(auction_id, lots=60, price_minor=LOT + 1_000)

    assert (await firm.of_mandate(mandate_id))["used_minor"] == 60 * (LOT + 1_000)


@pytest.mark.parametrize(
    ("terms", "lots", "rule"),
    [
        ({"per_act_minor": 39 * LOT}, 40, "per_act"),
        ({"total_minor": 100 * LOT}, 60, "total"),
        ({"limit_minor": LOT - 1}, 40, "price"),
        ({"max_lots": 99}, 50, "lots"),
        ({"instruments": ("SUGAR-W2",)}, 40, "instrument"),
        ({"acts": ("pools.pledge",)}, 40, "act"),
    ],
)
async def test_what_a_mandate_does_not_cover_is_refused_with_its_rule(
    firm: Firm, terms: dict[str, object], lots: int, rule: str
) -> None:
    await firm.bind()
    mandate_id = await firm.mandate(**terms)
    if rule in ("total", "lots"):
        await firm.bid(await firm.auction(), lots=50)
    before = await firm.of_mandate(mandate_id)

    with pytest.raises(BeyondMandate) as refused:
        await firm.bid(await firm.auction(), lots=lots)

    assert refused.value.rule == rule
    assert await firm.of_mandate(mandate_id) == before


async def test_a_lost_bid_frees_its_mandate_and_a_won_one_stays(firm: Firm) -> None:
    await firm.bind()
    mandate_id = await firm.mandate(reserve_minor=30 * LOT)
    lost, won = await firm.auction(reserve_minor=2 * LOT), await firm.auction()
    await firm.bid(lost, lots=100)
    await firm.bid(won, lots=80)
    assert (await firm.of_mandate(mandate_id))["left_minor"] == 12 * LOT

    await firm.pass_to(2)

    found = await firm.of_mandate(mandate_id)
    assert found["used_minor"] == 80 * LOT
    assert found["left_minor"] == 22 * LOT


async def test_reserved_funds_are_for_the_mandate_alone(firm: Firm) -> None:
    await firm.hire("other", "buyer")
    await firm.bind()
    await firm.mandate(reserve_minor=10 * LOT)
    await firm.mandate("other")
    await _spend_all(firm)

    with pytest.raises(InsufficientFunds):
        await firm.bid(await firm.auction(), lots=10, by="other")
    await firm.bid(await firm.auction(), lots=100)


async def test_a_refused_deposit_takes_nothing_of_the_mandate(firm: Firm) -> None:
    await firm.bind()
    mandate_id = await firm.mandate(reserve_minor=5 * LOT)
    await _spend_all(firm)
    before = await firm.of_mandate(mandate_id)

    with pytest.raises(InsufficientFunds):
        await firm.bid(await firm.auction(), lots=60)

    assert await firm.of_mandate(mandate_id) == before
    assert (await firm.bid(await firm.auction(), lots=50))["deposit_minor"] == 5 * LOT


async def test_a_pledge_is_checked_changed_and_freed(firm: Firm) -> None:
    await firm.bind("pools.pledge")
    mandate_id = await firm.mandate()
    pool_id = await firm.pool()
    made = await firm.pledge(pool_id, lots=60)
    clerk, market = firm.people["clerk"], firm.market
    change = pledging.PledgeChange(lots=90)
    await pledging.change(market, clerk, a_command(), pool_id, made["pledge_id"], change)
    assert (await firm.of_mandate(mandate_id))["used_minor"] == 90 * LOT

    too_much = pledging.PledgeChange(lots=101)
    with pytest.raises(BeyondMandate):
        await pledging.change(market, clerk, a_command(), pool_id, made["pledge_id"], too_much)
    await pledging.withdraw(market, clerk, a_command(), pool_id, made["pledge_id"])

    assert (await firm.of_mandate(mandate_id))["used_minor"] == 0


async def test_bids_at_once_in_many_auctions_never_exceed_the_total(firm: Firm) -> None:
    await firm.bind()
    mandate_id = await firm.mandate(total_minor=250 * LOT)
    auctions = [await firm.auction() for _ in range(8)]

    done = await asyncio.gather(
        *(firm.bid(one, lots=100) for one in auctions), return_exceptions=True
    )

    assert sum(isinstance(one, dict) for one in done) == 2
    assert all(isinstance(one, dict | BeyondMandate) for one in done)
    assert (await firm.of_mandate(mandate_id))["used_minor"] == 200 * LOT


async def test_a_mandate_ends_by_time_and_by_its_giver(firm: Firm) -> None:
    await firm.bind()
    short = await firm.mandate(ends_at=firm.clock.now() + HOUR, reserve_minor=10 * LOT)
    assert await firm.held() == 10 * LOT
    await firm.pass_to(1)
    assert (await firm.of_mandate(short))["state"] == "expired"
    assert await firm.held() == 0
    ended = await Pool().rows("select state from hold where ended_at is not null")
    assert [row["state"] for row in ended] == ["expired"]

    second = await firm.mandate(reserve_minor=10 * LOT)
    await granting.revoke(firm.market, firm.people["boss"], a_command(), second)

    assert await firm.held() == 0
    with pytest.raises(BeyondMandate):
        await firm.bid(await firm.auction())
    with pytest.raises(WrongState):
        await granting.revoke(firm.market, firm.people["boss"], a_command(), second)


async def test_only_a_boss_gives_mandates_and_never_to_himself(firm: Firm) -> None:
    terms = MandateTerms(
        person_id=firm.people["boss"].person_id,
        acts=("auctions.bid",),
        per_act_minor=LOT,
        total_minor=LOT,
        ends_at=firm.clock.now() + HOUR,
    )

    with pytest.raises(OwnAct):
        await granting.grant(firm.market, firm.people["boss"], a_command(), terms)
    with pytest.raises(NotAllowed):
        await granting.grant(firm.market, firm.people["clerk"], a_command(), terms)
    with pytest.raises(NotFound):
        await firm.mandate(person_id="per_of_another_firm")
    with pytest.raises(InvalidField):
        await firm.mandate(ends_at=firm.clock.now())
    with pytest.raises(InvalidField):
        await firm.mandate(acts=("settlement.pay_out",))


async def test_another_firm_finds_no_mandate(firm: Firm) -> None:
    mandate_id = await firm.mandate()
    stranger = an_actor(firm.mill.organisation_id, "owner", "finance")

    for act in (granting.revoke, granting.reserve):
        with pytest.raises(NotFound):
            await act(firm.market, stranger, a_command(), mandate_id)


async def test_a_policy_is_lifted(firm: Firm) -> None:
    await firm.bind()
    boss = firm.people["boss"]
    await policies.lift_policy(firm.market, boss, a_command(), "auctions.bid")

    assert (await firm.bid(await firm.auction()))["lots"] == 10
    with pytest.raises(NotFound):
        await policies.lift_policy(firm.market, boss, a_command(), "auctions.bid")


async def _spend_all(firm: Firm) -> None:
    """Set all available money of the firm aside, as if it were spent elsewhere."""

    async def step(unit: Unit) -> Answer:
        cash = accounts.account_id(accounts.CASH, firm.id, "CNY")
        balance, held, _ = await accounts.lock(unit, cash)
        await holds.place(unit, cash, balance - held, "elsewhere")
        return {}

    await firm.market.perform(Actor.SYSTEM, "test", step)


async def published(value_minor: int) -> None:
    """Publish the next price of the cell that the firm trades in."""
    await Pool().rows(
        "insert into price_publication (id, cell, instrument_id, region, tenor, number,"
        " value_minor, currency, volume_band, size_band, method, inputs_sha256, at)"
        " select 'pub_' || n, 'SUGAR-W1/GX/2027-03', 'SUGAR-W1', 'GX', '2027-03', n, $1, 'CNY',"
        " 'A', 'A', 'test', repeat('0', 64), now() from (select count(*) + 1 as n"
        " from price_publication) as next returning id",
        value_minor,
    )


async def test_a_mandate_bounds_the_price_by_the_last_published_one(firm: Firm) -> None:
    await firm.bind()
    await firm.mandate(index_bps=200)
    auction_id = await firm.auction()

    for last, price, is_within in (
        (None, PRICE, False),
        (PRICE, PRICE + 10_000, True),
        (PRICE, PRICE + 11_000, False),
        (PRICE + 10_000, PRICE + 20_000, True),
    ):
        if last:
            await published(last)
        if is_within:
            await firm.bid(auction_id, price_minor=price)
            continue
        with pytest.raises(BeyondMandate) as refused:
            await firm.bid(auction_id, price_minor=price)
        assert refused.value.rule == "index"


async def test_a_policy_lets_pass_what_is_near_the_last_published_price(firm: Firm) -> None:
    await firm.bind(free_up_to_minor=100 * LOT, index_bps=100)
    auction_id, pool_id = await firm.auction(), await firm.pool()
    with pytest.raises(BeyondMandate):
        await firm.bid(auction_id)

    await published(PRICE)

    assert (await firm.bid(auction_id, price_minor=PRICE + 5_000))["lots"] == 10
    with pytest.raises(BeyondMandate):
        await firm.bid(auction_id, price_minor=PRICE + 6_000)
    await firm.bind("pools.pledge", free_up_to_minor=100 * LOT, index_bps=0)
    assert (await firm.pledge(pool_id, lots=50))["lots"] == 50


async def test_a_policy_lets_pass_what_is_with_a_firm_that_it_names(firm: Firm) -> None:
    mill = firm.mill.organisation_id
    auction_id, pool_id = await firm.auction(), await firm.pool()
    for act in ("auctions.bid", "pools.pledge"):
        await firm.bind(act, free_up_to_minor=100 * LOT, counterparties=(mill,))

    assert (await firm.bid(auction_id))["lots"] == 10
    with pytest.raises(BeyondMandate):
        await firm.pledge(pool_id, lots=50)
    await firm.bind(free_up_to_minor=100 * LOT, counterparties=(firm.id,))
    with pytest.raises(BeyondMandate):
        await firm.bid(auction_id, price_minor=PRICE + 1_000)
    with pytest.raises(InvalidField):
        await firm.bind(counterparties=tuple(f"org_{n}" for n in range(51)))


@pytest.mark.parametrize(
    ("side", "price_minor", "bps", "is_within"),
    [
        (BUY, 10_100, 100, True),
        (BUY, 10_101, 100, False),
        (BUY, 9_900, -100, True),
        (BUY, 9_901, -100, False),
        (SELL, 9_900, 100, True),
        (SELL, 9_899, 100, False),
    ],
)
def test_every_month_of_a_commitment_is_measured(
    *, side: str, price_minor: int, bps: int, is_within: bool
) -> None:
    asked = Commitment(
        act="forwards.order",
        subject="strip:one",
        instrument_id="SUGAR-W1",
        region="GX",
        tenor="2027-03",
        side=side,
        lots=1,
        price_minor=price_minor,
        amount_minor=price_minor,
        spread=(("2027-03", 1), ("2027-04", 1)),
    )
    prices = dict.fromkeys(("SUGAR-W1/GX/2027-03", "SUGAR-W1/GX/2027-04"), 10_000)

    assert asked.is_within(bps, prices) is is_within
    assert not asked.is_within(bps, {"SUGAR-W1/GX/2027-03": 10_000})
