"""Rounds of negotiation as rows and values: how a window's bundle meets its suppliers.

`sealed`: several mills offer while orders are gathered, and nobody sees another's offer. The
other two begin when the window closes, with the orders that stand then: a `clock` over the
months for several mills, or `counter`, offers and counter-offers with the one mill it names.
The market's desk speaks for the bundle; it sees no limit. Every round's terms are frozen, their
hash stands in the journal, and a round that nobody answers in time is over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from aggregator.catalogue.queries import InstrumentView
from aggregator.errors import Conflict, InvalidField, WrongState
from aggregator.forwards import store
from aggregator.forwards.facts import StripRoundEnded, StripRoundOpened
from aggregator.forwards.store import Strip
from aggregator.journal.facts import canonical
from aggregator.journal.reading import Reader, decoded
from aggregator.market import Unit
from aggregator.scheduler.timers import clear_timer, set_timer

SEALED, CLOCK, COUNTER = "sealed", "clock", "counter"
BUNDLE, SELLER = "bundle", "seller"
TALKING, ASKING, SETTLING = "talking", "asking", "settling"
OPEN, COUNTERED, ACCEPTED, EXPIRED, OVER = "open", "countered", "accepted", "expired", "over"
ROUND_TIMER = "forwards.round"
MAX_MINUTES = 7 * 24 * 60
MAX_ROUNDS = 50
"""No more than an offer may have steps: on a clock each round can add one."""


@dataclass(frozen=True, slots=True)
class CounterTerms:
    """Talks with one mill; who is silent for `answer_minutes` ends them."""

    seller_id: str
    answer_minutes: int = 24 * 60
    max_rounds: int = 6

    @property
    def longest(self) -> timedelta:
        """Return how long talks and the buyers' answers can take."""
        return timedelta(minutes=self.answer_minutes) * (self.max_rounds + 2)


@dataclass(frozen=True, slots=True)
class ClockTerms:
    """A clock: prices by tenor begin at `start_minor` and move by `step_minor` a round."""

    direction: Literal["falling", "rising"]
    start_minor: Mapping[str, int]
    step_minor: int
    round_minutes: int = 10
    max_rounds: int = 50

    @property
    def longest(self) -> timedelta:
        """Return how long all rounds can take."""
        return timedelta(minutes=self.round_minutes) * (self.max_rounds + 1)


TalkTerms = CounterTerms | ClockTerms


@dataclass(frozen=True, slots=True)
class Round:
    """What one side said. `terms` are an offer's in talks, prices by tenor on a clock."""

    number: int
    by: str
    terms: Mapping[str, Any]
    terms_sha256: str
    state: str
    opened_at: datetime
    ends_at: datetime


def kind_of(terms: TalkTerms | None) -> str:
    if terms is None:
        return SEALED
    return COUNTER if isinstance(terms, CounterTerms) else CLOCK


def written(terms: TalkTerms | None) -> str | None:
    """Return the rules of the rounds as the window keeps them."""
    return None if terms is None else json.dumps(asdict(terms))


def counter_terms(strip: Strip) -> CounterTerms:
    assert strip.rounds == COUNTER
    assert strip.talks is not None
    return CounterTerms(**strip.talks)


def clock_terms(strip: Strip) -> ClockTerms:
    assert strip.rounds == CLOCK
    assert strip.talks is not None
    return ClockTerms(**strip.talks)


def check(traded: InstrumentView, tenors: Sequence[str], terms: TalkTerms | None) -> None:
    """Refuse rules under which rounds could not go on.

    Raises:
        InvalidField: a time, a number of rounds or a price breaks its rule.

    """
    if terms is None:
        return
    if not 1 <= terms.max_rounds <= MAX_ROUNDS:
        raise InvalidField("/max_rounds", f"1 to {MAX_ROUNDS}", terms.max_rounds)
    counter = isinstance(terms, CounterTerms)
    minutes = terms.answer_minutes if isinstance(terms, CounterTerms) else terms.round_minutes
    if not 1 <= minutes <= MAX_MINUTES:
        pointer = "/answer_minutes" if counter else "/round_minutes"
        raise InvalidField(pointer, f"1 to {MAX_MINUTES}", minutes)
    if isinstance(terms, ClockTerms):
        if sorted(terms.start_minor) != list(tenors):
            raise InvalidField("/start", "a price for every month of the window")
        for tenor, price_minor in terms.start_minor.items():
            traded.check_price(price_minor, f"/start/{tenor}")
        traded.check_price(terms.step_minor, "/step")


async def load(reader: Reader, strip_id: str) -> list[Round]:
    """Return the rounds of a window, the first one first."""
    found = await reader.rows(
        "select number, by, terms, terms_sha256, state, opened_at, ends_at from strip_round"
        " where strip_id = $1 order by number",
        strip_id,
    )
    return [Round(**{**dict(row), "terms": _unsalted(decoded(row["terms"]))}) for row in found]


def _unsalted(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in terms.items() if name != "salt"}


async def open_round(
    unit: Unit, strip: Strip, by: str, terms: Mapping[str, Any], *, told: Sequence[str] = ()
) -> Round:
    """Open the next round with these terms, in place of the one that is open.

    Raises:
        Conflict: the window has had all its rounds.

    """
    before = await load(unit, strip.id)
    rules = counter_terms(strip) if strip.rounds == COUNTER else clock_terms(strip)
    if len(before) >= rules.max_rounds:
        raise Conflict("too_many_rounds")
    if before and before[-1].state == OPEN:
        await end_round(unit, strip.id, before[-1], OVER if strip.rounds == CLOCK else COUNTERED)
    minutes = rules.answer_minutes if isinstance(rules, CounterTerms) else rules.round_minutes
    ends_at = unit.now + timedelta(minutes=minutes)
    # Few lots are possible: without a salt who sees prices and hash would find the lots by trying.
    salted = {**terms, "salt": unit.new_id("slt")}
    number, sha256 = len(before) + 1, hashlib.sha256(canonical(salted)).hexdigest()
    await unit.execute(
        "insert into strip_round (strip_id, number, by, terms, terms_sha256, state, opened_at,"
        " ends_at) values ($1, $2, $3, $4::jsonb, $5, 'open', $6, $7)",
        strip.id,
        number,
        by,
        json.dumps(salted),
        sha256,
        unit.now,
        ends_at,
    )
    await wait_until(unit, strip.id, TALKING, ends_at)
    prices = terms["prices"] if by == CLOCK else {}
    fact = StripRoundOpened(
        strip.id, number, by, tuple(sorted(prices.items())), sha256, ends_at, tuple(told)
    )
    await unit.record(store.stream_of(strip.id), fact)
    return Round(number, by, terms, sha256, OPEN, unit.now, ends_at)


async def end_round(unit: Unit, strip_id: str, known: Round, state: str) -> None:
    await unit.execute(
        "update strip_round set state = $3, ended_at = $4 where strip_id = $1 and number = $2",
        strip_id,
        known.number,
        state,
        unit.now,
    )
    await unit.record(store.stream_of(strip_id), StripRoundEnded(strip_id, known.number, state))


async def wait_until(unit: Unit, strip_id: str, state: str, until: datetime) -> None:
    """Bring a window into a state that lasts until an instant at most."""
    await unit.execute(
        "update strip set state = $2, talks_until = $3 where id = $1", strip_id, state, until
    )
    await set_timer(unit, ROUND_TIMER, strip_id, until)


async def settle(unit: Unit, strip_id: str) -> None:
    """Hand what stands over to the clearing."""
    await clear_timer(unit, ROUND_TIMER, strip_id)
    await unit.execute("update strip set state = $2 where id = $1", strip_id, SETTLING)
    await set_timer(unit, store.CLOSE_TIMER, strip_id, unit.now)


def require_talking(strip: Strip, kind: str, now: datetime) -> None:
    """Raise WrongState unless the window is in talks of this kind and the round is not over."""
    if strip.rounds != kind or strip.state != TALKING:
        raise WrongState(strip.phase(now), TALKING)
    if strip.talks_until is not None and now >= strip.talks_until:
        raise WrongState("round_over", TALKING)
