"""What a pool tells of its progress tells nobody what another pledged."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aggregator.market import PUBLIC, Audience
from aggregator.pools import views
from aggregator.pools.facts import (
    FirmingBegan,
    OfferListed,
    PledgeChanged,
    PledgeJoined,
    PledgeWithdrawn,
    PoolOpened,
    ProgressStated,
)
from aggregator.pools.state import State, evolve
from aggregator.pools.views import View
from matching.pools.progress import (
    Breaks,
    Moved,
    Statement,
    envelope,
    least_of,
    next_statement,
    step_of,
)

START = datetime(2027, 1, 4, 1, tzinfo=UTC)
BEAT = timedelta(minutes=15)
BREAKS = ((1, 500_000), (300, 495_000), (500, 490_000))

seeds = st.integers(0, 2**32)


def opened() -> PoolOpened:
    return PoolOpened(
        pool_id="pool",
        instrument_id="SUGAR-W1",
        region="GX",
        tenor="2027-03",
        cell="SUGAR-W1/GX/2027-03",
        currency="CNY",
        mode="breaks",
        opened_by="org_operator",
        firming_at=START + timedelta(days=2),
        closes_at=START + timedelta(days=3),
        auction_minutes=0,
        prolong_minutes=60,
        similarity=(2, 1),
        min_members=3,
        deposit_bps=1000,
        fee_bps=20,
    )


def joined(name: str, lots: int, limit_minor: int = 510_000) -> PledgeJoined:
    return PledgeJoined(
        pool_id="pool",
        pledge_id=f"plg_{name}",
        organisation_id=name,
        owner_group=f"group {name}",
        lots=lots,
        tolerance_lots=0,
        limit_minor=limit_minor,
        freight_minor=0,
        size_lots=100,
        agrees_to_prolong=False,
        deposit_minor=lots * limit_minor // 10,
    )


def changed(name: str, lots: int) -> PledgeChanged:
    return PledgeChanged(
        pool_id="pool",
        pledge_id=f"plg_{name}",
        organisation_id=name,
        lots=lots,
        tolerance_lots=0,
        limit_minor=510_000,
        freight_minor=0,
        agrees_to_prolong=False,
        deposit_minor=lots * 51_000,
    )


@dataclass
class Play:
    """A pool of the journal alone, with every view that was ever shown."""

    state: State = field(default_factory=State)
    shown: dict[str, list[View]] = field(default_factory=dict)
    lots: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    statement: Statement = field(default_factory=Statement)
    statements: list[set[str]] = field(default_factory=list)
    at: datetime = START

    def take(self, fact: object) -> None:
        self.state = evolve(self.state, fact)
        for name in ("a", "public"):
            audience = PUBLIC if name == "public" else Audience("member", name)
            self.shown.setdefault(name, []).append(views.view(self.state, audience))

    def set_lots(self, name: str, lots: int) -> None:
        if not lots:
            self.take(PledgeWithdrawn("pool", f"plg_{name}", name))
        elif self.lots.get(name):
            self.take(changed(name, lots))
        else:
            self.take(joined(name, lots))
        self.lots[name] = lots

    def beat(self, *, is_anew: bool = False) -> None:
        """State what there is to state, as the market's timer does."""
        self.at += BEAT
        groups = {n: Moved(lots, self.counted.get(n, 0)) for n, lots in self.lots.items()}
        breaks = envelope(self.state.offers.values())
        before = self.statement._replace(is_counted=False)
        after = next_statement(groups, breaks, before, is_anew=is_anew)
        if after == before:
            return
        if after.is_counted:
            self.statements.append({n for n, one in groups.items() if one.lots != one.told_lots})
            self.counted = dict(self.lots)
        self.statement = after
        least = after.least_lots if after.is_shown else None
        self.take(ProgressStated("pool", self.at, least, after.is_counted))


def begun(*schedules: tuple[tuple[int, int], ...]) -> Play:
    play = Play()
    play.take(opened())
    for number, schedule in enumerate(schedules or (BREAKS,)):
        play.take(OfferListed("pool", f"off_{number}", schedule, is_public=True))
    return play


def a_schedule(random: Random) -> Breaks:
    """Breaks as tricky as they come: crowded, sparse, round, odd."""
    lots = sorted(random.sample(range(1, 600), random.randrange(1, 12)))
    return [(quantity, 500_000 - 100 * place) for place, quantity in enumerate(lots)]


@given(seeds)
def test_between_statements_no_view_depends_on_what_others_do(seed: int) -> None:
    """Two worlds in which only others' volumes differ show the same to `a` and to everybody."""
    random = Random(seed)
    here, there = begun(), begun()
    for _ in range(random.randrange(5, 40)):
        what, name = random.random(), random.choice("abcdef")
        if what < 0.2:
            before = len(here.shown["a"])
            here.beat()
            if len(here.shown["a"]) > before:
                stated = here.state.stated
                assert stated is not None
                # The one thing that may pass from world to world is the statement itself.
                there.take(ProgressStated("pool", here.at, stated.least_lots, is_counted=True))
        elif what < 0.35 and here.lots.get(name):
            here.set_lots(name, 0)
            there.set_lots(name, 0)
        else:
            lots = random.randrange(1, 200)
            here.set_lots(name, lots)
            there.set_lots(name, lots if name == "a" else random.randrange(1, 200))

    assert here.shown == there.shown


@given(seeds, st.integers(1, 2))
def test_one_prober_or_two_never_get_a_second_answer(seed: int, probers: int) -> None:
    """However often they change, leave and come back, the statement stands until firming."""
    random = Random(seed)
    play = begun()
    for name in "abcde":
        play.set_lots(name, random.randrange(20, 200))
    play.beat()
    first = play.state.stated
    assert first is not None

    for _ in range(random.randrange(1, 60)):
        name = "ab"[random.randrange(probers)]
        if random.random() < 0.2 and play.lots[name]:
            play.set_lots(name, 0)
        else:
            play.set_lots(name, random.randrange(1, 600))
        if random.random() < 0.7:
            play.beat()

    assert play.state.stated == first
    assert len(play.statements) == 1


@given(seeds)
def test_every_statement_blends_the_moves_of_three_groups(seed: int) -> None:
    random = Random(seed)
    play = begun()
    for _ in range(60):
        name = random.choice("abcdefgh")
        if random.random() < 0.3:
            play.beat()
        elif random.random() < 0.3 and play.lots.get(name):
            play.set_lots(name, 0)
        else:
            play.set_lots(name, random.randrange(1, 200))

    assert all(len(moved) >= 3 for moved in play.statements)


@given(seeds)
def test_too_few_groups_hide_the_progress_and_bring_back_the_same(seed: int) -> None:
    random = Random(seed)
    play = begun()
    for name in "abc":
        play.set_lots(name, random.randrange(20, 200))
    play.beat()
    first = play.state.stated
    assert first is not None

    play.set_lots("a", 0)
    play.beat()
    hidden = play.shown["public"][-1]["progress"]
    play.set_lots("a", random.randrange(1, 600))
    play.beat()

    assert hidden is None
    assert play.state.stated is not None
    assert play.state.stated.least_lots == first.least_lots
    assert len(play.statements) == 1


@given(seeds)
def test_no_schedule_makes_a_statement_finer_than_half_a_step(seed: int) -> None:
    breaks = a_schedule(Random(seed))
    told: dict[int, list[int]] = {}
    for total in range(1, 700):
        least = least_of(total, breaks)
        assert least <= total
        assert least_of(least, breaks) == least
        assert step_of(least, breaks) == step_of(total, breaks)
        told.setdefault(least, []).append(total)

    for least, totals in told.items():
        step = step_of(least, breaks)
        assert step is not None
        if step.percent < 100 and least:
            assert len(totals) >= step.from_lots // 20


def test_a_schedule_of_even_breaks_is_told_in_plain_tenths() -> None:
    breaks = list(BREAKS)

    told = [step_of(total, breaks) for total in (29, 30, 75, 299, 300, 349, 350, 499, 500, 9000)]

    assert [(step.from_lots, step.percent) for step in told if step] == [
        (300, 0),
        (300, 10),
        (300, 20),
        (300, 90),
        (500, 60),
        (500, 60),
        (500, 70),
        (500, 90),
        (500, 100),
        (500, 100),
    ]


def test_firming_states_it_whoever_moved() -> None:
    play = begun()
    for name in "abc":
        play.set_lots(name, 100)
    play.beat()
    play.set_lots("a", 190)
    play.beat()
    assert play.shown["public"][-1]["progress"]["percent"] == 60

    play.take(FirmingBegan("pool"))
    play.beat(is_anew=True)

    assert play.shown["public"][-1]["progress"]["percent"] == 70
