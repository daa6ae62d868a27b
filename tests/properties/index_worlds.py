"""Seeded markets for the price index: honest trade, washed trade, and who attacks them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from random import Random

from matching.index.batch import ActiveGroups, IndexRules, SettledDeal
from matching.index.circles import circle, legs
from matching.index.publish import Publication, publish
from matching.index.screening import Suppressed

STEP_MINOR = 2_500
"""0.5 % of the first price."""
FIRST_MINOR = 500_000
RULES = IndexRules(step_minor=STEP_MINOR)


@dataclass
class Board:
    """What anybody sees of the cells: publications, and the rule that keeps a batch back."""

    values: dict[str, list[Publication]] = field(default_factory=lambda: defaultdict(list))
    rules: dict[str, str | None] = field(default_factory=dict)


@dataclass
class World:
    """One instrument's settled deals as they come in, and what is published of them."""

    active: ActiveGroups
    board: Board = field(default_factory=Board)
    waiting: dict[str, list[SettledDeal]] = field(default_factory=lambda: defaultdict(list))
    settled: list[tuple[str, SettledDeal]] = field(default_factory=list)
    published_in: dict[str, int] = field(default_factory=dict)
    """Deal → the number of the publication that used it."""
    parked: list[str] = field(default_factory=list)
    sold_to: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def settle(self, cell: str, deal: SettledDeal) -> Publication | None:
        """Let one settled deal feed its cell, as the market does; the window never ends."""
        found = circle(self.sold_to, buyer_group=deal.buyer_group, seller_group=deal.seller_group)
        ways = legs(self.sold_to, start=deal.buyer_group, end=deal.seller_group)
        self.sold_to[deal.seller_group].add(deal.buyer_group)
        if found:
            self.parked.append(deal.id)
            self._park(ways)
            return None
        self.settled.append((cell, deal))
        self.waiting[cell].append(deal)
        result = publish(self.waiting[cell], RULES, active=self.active)
        if isinstance(result, Suppressed):
            self.board.rules[cell] = result.rule
            return None
        for used in result.used:
            self.published_in[used] = len(self.board.values[cell])
        self.board.values[cell].append(result)
        self.waiting[cell] = []
        self.board.rules[cell] = None
        return result

    def _park(self, ways: Set[tuple[str, str]]) -> None:
        for deals in self.waiting.values():
            gone = [d for d in deals if (d.seller_group, d.buyer_group) in ways]
            self.parked += [deal.id for deal in gone]
            deals[:] = [deal for deal in deals if deal not in gone]


@dataclass(frozen=True)
class Trade:
    """An honest market: who is there, and each deal with its cell, in order."""

    buyers: tuple[str, ...]
    sellers: tuple[str, ...]
    deals: tuple[tuple[str, SettledDeal], ...]

    @property
    def active(self) -> ActiveGroups:
        return ActiveGroups(buyers=len(self.buyers), sellers=len(self.sellers))


def a_trade(random: Random, *, deals: int = 1_200) -> Trade:
    """Draw factories, mills and their deals in six cells, round a price that wanders."""
    buyers = tuple(f"factory {n}" for n in range(random.randint(14, 30)))
    sellers = tuple(f"mill {n}" for n in range(random.randint(7, 12)))
    cells = [
        f"SUGAR-W1/{region}/2027-{month:02d}" for region in ("GX", "GD") for month in (3, 4, 5)
    ]
    busy = [random.uniform(0.3, 3) for _ in cells]
    level = {cell: FIRST_MINOR * random.uniform(0.95, 1.05) for cell in cells}
    spread = random.uniform(0.004, 0.012)
    made = []
    for number in range(deals):
        for cell in cells:
            level[cell] *= 1 + random.gauss(0, 0.0008)
        (cell,) = random.choices(cells, busy)
        price = round(level[cell] * (1 + random.gauss(0, spread)) / 100) * 100
        lots = min(150, max(5, round(random.lognormvariate(3.6, 0.6))))
        deal = SettledDeal(
            f"h{number:05d}", random.choice(buyers), random.choice(sellers), price, lots
        )
        made.append((cell, deal))
    return Trade(buyers, sellers, tuple(made))


def played(trade: Trade, after: Callable[[World, str], None] | None = None) -> World:
    """Settle every honest deal; `after` each, whoever watches may act."""
    world = World(trade.active)
    for cell, deal in trade.deals:
        world.settle(cell, deal)
        if after is not None:
            after(world, cell)
    return world


def guesses(world: World) -> Iterator[tuple[SettledDeal, int]]:
    """Guess each deal's price as a reader does: the value it went into, else the last one."""
    for cell, deal in world.settled:
        values = world.board.values[cell]
        if values:
            number = world.published_in.get(deal.id, len(values) - 1)
            yield deal, values[number].value_minor


def hits(found: Iterator[tuple[SettledDeal, int]]) -> set[str]:
    """Return the honest deals that are guessed within 1 %."""
    return {
        deal.id
        for deal, guess in found
        if deal.id.startswith("h") and 100 * abs(guess - deal.price_minor) <= deal.price_minor
    }


RING = ("own", "sybil 1", "sybil 2", "sybil 3", "sybil 4")
LOW, HIGH = (30, 92), (40, 108)
"""Lots, and price in percent of the last value: four low deals weigh what three high ones do."""
ROUND = (
    (0, 1, LOW),
    (0, 2, HIGH),
    (1, 2, LOW),
    (1, 3, HIGH),
    (2, 3, LOW),
    (2, 4, HIGH),
    (3, 4, LOW),
)
"""(seller, buyer, terms): never in a circle, and enough groups on each side for one victim."""


@dataclass
class Isolating:
    """Fills a batch round the first deal in it, half far below and half far above its price.

    The median then is that deal's price, to the publication step. Its deals are numbered so that it
    never trades in a circle; `budget` is how many deals its five firms may settle.
    """

    budget: int
    spent: int = 0
    learnt: dict[str, int] = field(default_factory=dict)

    def __call__(self, world: World, cell: str) -> None:
        values = world.board.values[cell]
        is_first = world.board.rules.get(cell) == "min_groups" and len(world.waiting[cell]) == 1
        if not values or not is_first or self.spent + len(ROUND) > self.budget:
            return
        # That it is the first is seen from the board: the rule appears where none was.
        victim = world.waiting[cell][0].id
        about = values[-1].value_minor
        for seller, buyer, (lots, percent) in ROUND:
            price = about * percent // 100
            deal = SettledDeal(f"a{self.spent:05d}", RING[buyer], RING[seller], price, lots)
            self.spent += 1
            if found := world.settle(cell, deal):
                self.learnt[victim] = found.value_minor
                return


@dataclass
class Standing:
    """Trades now and then at the last value, and corrects what it reads for its own weight."""

    random: Random
    budget: int
    every: int
    spent: int = 0
    seen: int = 0

    def __call__(self, world: World, cell: str) -> None:
        self.seen += 1
        values = world.board.values[cell]
        if not values or self.seen % self.every or self.spent >= self.budget:
            return
        low, high = sorted(self.random.sample(range(len(RING)), 2))
        price = values[-1].value_minor * 104 // 100
        deal = SettledDeal(f"a{self.spent:05d}", RING[high], RING[low], price, 40)
        self.spent += 1
        world.settle(cell, deal)

    def guesses(self, world: World) -> Iterator[tuple[SettledDeal, int]]:
        """Guess lower where its own high deals pulled the median up, by half a step each."""
        pulled: dict[tuple[str, int], int] = defaultdict(int)
        for cell, deal in world.settled:
            if deal.id.startswith("a") and deal.id in world.published_in:
                pulled[cell, world.published_in[deal.id]] += 1
        for cell, deal in world.settled:
            values = world.board.values[cell]
            if values:
                number = world.published_in.get(deal.id, len(values) - 1)
                own = pulled[cell, number]
                yield deal, values[number].value_minor - own * STEP_MINOR // 2


def fair_budget(trade: Trade) -> int:
    """Return how many deals five firms have among themselves if each trades as others do."""
    firms = len(trade.buyers) + len(trade.sellers)
    return len(RING) * 2 * len(trade.deals) // firms // 2


SPREADS = (0.001, 0.004, 0.008, 0.012)
"""How far honest prices lie apart: the market's own spread is between the second and the last."""
USUAL_LOTS, LARGE_LOTS = (20, 150), (150, 300)


def washed(
    random: Random, spread: float, *, lots: tuple[int, int] = USUAL_LOTS
) -> tuple[list[SettledDeal], list[SettledDeal]]:
    """Return 40 deals, and the same with 8 % of them washed at 8 % more among five firms.

    The washed deals have as many lots as others, unless `lots` says otherwise.
    """
    clean = [
        SettledDeal(
            str(number),
            f"factory {random.randrange(12)}",
            f"mill {random.randrange(8)}",
            round(FIRST_MINOR * (1 + random.gauss(0, spread))),
            random.randint(*USUAL_LOTS),
        )
        for number in range(40)
    ]
    bent = list(clean)
    for number in random.sample(range(40), 3):
        low, high = sorted(random.sample(range(len(RING)), 2))
        bent[number] = SettledDeal(
            str(number), RING[high], RING[low], FIRST_MINOR * 108 // 100, random.randint(*lots)
        )
    return clean, bent


def is_safe_twice(deals: Sequence[SettledDeal], active: ActiveGroups) -> bool:
    """Test a batch by the law's words, whole and without any one group."""
    groups = {d.buyer_group for d in deals} | {d.seller_group for d in deals}
    for side, count in (("buyer_group", active.buyers), ("seller_group", active.sellers)):
        least = max(3, min(5, count))
        held = _held(deals, side)
        total, top = sum(held.values()), sorted(held.values(), reverse=True)
        few = len(held) < least or 2 * top[0] > total or 5 * (top[0] + top[1]) > 4 * total
        if few or 10 * (total - top[0] - top[1]) < top[0]:
            return False
        for group in groups:
            rest = [d for d in deals if group not in (d.buyer_group, d.seller_group)]
            left = _held(rest, side)
            if len(left) < least - 1 or 5 * max(left.values()) > 3 * sum(left.values()):
                return False
    return True


def _held(deals: Sequence[SettledDeal], side: str) -> dict[str, int]:
    held: dict[str, int] = defaultdict(int)
    for deal in deals:
        held[getattr(deal, side)] += deal.lots
    return held
