"""Whether a commitment is allowed, and what it takes of a mandate: in memory, no input.

A later commitment under the same reference (a better bid, a changed pledge) replaces the
earlier one. Among several mandates the one that ends first is drawn, then by id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from aggregator.catalogue.tenors import Cell
from aggregator.mandates.errors import ApprovalNotOpen, BeyondMandate
from aggregator.market import Actor

APPROVED = "approval:"
"""The grant of an actor who acts under an approval; the rest is its id."""

Spread = tuple[tuple[str, int], ...]
"""The most lots of each month that a commitment can take."""

BUY, SELL = "buy", "sell"
WHOLE_BPS = 10_000

Prices = Mapping[str, int]
"""The last published price of each cell that has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What an act would bind the firm to.

    `subject` names what it stands in, such as `auction:<id>`, and `own` the commitment
    where a firm can have several there. `price_minor` is the worst price per lot that it
    allows, `amount_minor` that of all lots, `worth_minor` that really bound where a use is noted
    as a round figure, `deposit_minor` what the same act sets aside. `alone_minor` is what the
    act binds to by itself where it stands beside earlier ones. `spread` names the most lots of
    each month where they are not all of `tenor`. `moved_minor` is the worth of lots that the firm
    is bound to already and takes in another month: they need a mandate and use no more of it.
    `counterparty_id` is None where nobody knows yet with whom the firm will trade.
    """

    act: str
    subject: str
    instrument_id: str
    region: str
    tenor: str
    side: str
    lots: int
    price_minor: int
    amount_minor: int
    deposit_minor: int = 0
    worth_minor: int | None = None
    own: str = ""
    alone_minor: int | None = None
    spread: Spread = ()
    moved_minor: int = 0
    counterparty_id: str | None = None

    @property
    def bound_minor(self) -> int:
        """What the act really binds to at most."""
        return self.amount_minor if self.worth_minor is None else self.worth_minor

    @property
    def needed_minor(self) -> int:
        """What an approval must be of: what stands beside the act was allowed by itself."""
        alone = self.bound_minor if self.alone_minor is None else self.alone_minor
        return alone + self.moved_minor

    @property
    def reference(self) -> str:
        return f"{self.subject}/{self.own}" if self.own else self.subject

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells whose prices the act is measured against."""
        months = lots_by_tenor(self)
        return tuple(str(Cell(self.instrument_id, self.region, tenor)) for tenor in months)

    def is_within(self, bps: int, prices: Prices) -> bool:
        """Say whether its price is worse than every last price by no more than `bps` of that.

        A cell without a price has nothing to be measured against: it is not within.
        """
        worse = bps if self.side == BUY else -bps
        for cell in self.cells:
            last_minor = prices.get(cell)
            if last_minor is None:
                return False
            over = self.price_minor * WHOLE_BPS - last_minor * (WHOLE_BPS + worse)
            if over > 0 if self.side == BUY else over < 0:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Policy:
    """What needs no more than a role: up to an amount, near the last price, with whom it names.

    None and no names: any price, any firm.
    """

    free_up_to_minor: int
    index_bps: int | None = None
    counterparties: frozenset[str] = frozenset()

    def frees(self, asked: Commitment, prices: Prices) -> bool:
        bound_minor = asked.amount_minor + asked.moved_minor
        if not bound_minor:
            return True
        return (
            bound_minor <= self.free_up_to_minor
            and (not self.counterparties or asked.counterparty_id in self.counterparties)
            and (self.index_bps is None or asked.is_within(self.index_bps, prices))
        )


@dataclass(slots=True)
class Use:
    """What a commitment takes of a mandate, and of the funds reserved for it."""

    subject: str
    act: str
    tenor: str
    lots: int
    amount_minor: int
    drawn_minor: int
    state: str
    spread: Spread = ()


@dataclass(slots=True)
class Mandate:
    """One open mandate with its uses by reference."""

    id: str
    organisation_id: str
    person_id: str
    acts: frozenset[str]
    instruments: frozenset[str]
    limit_minor: int | None
    index_bps: int | None
    max_lots: int | None
    per_act_minor: int
    total_minor: int
    used_minor: int
    left_minor: int
    hold_id: str | None
    currency: str
    ends_at: datetime
    uses: dict[str, Use] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)

    def lacks(self, asked: Commitment, now: datetime, prices: Prices) -> str | None:
        """Return the rule by which the mandate does not cover `asked`, or None."""
        before = self.standing(asked.reference)
        taken = self.used_minor - (before.amount_minor if before else 0)
        checks = (
            ("no_mandate", now < self.ends_at),
            ("act", asked.act in self.acts),
            ("instrument", not self.instruments or asked.instrument_id in self.instruments),
            ("price", self._is_price_within(asked)),
            ("index", self.index_bps is None or asked.is_within(self.index_bps, prices)),
            ("lots", self._are_lots_within(asked)),
            ("per_act", asked.bound_minor + asked.moved_minor <= self.per_act_minor),
            ("total", taken + asked.bound_minor <= self.total_minor),
        )
        return next((rule for rule, holds in checks if not holds), None)

    def frees(self, asked: Commitment) -> int:
        """Return what of the reserved funds becomes free for the deposit of `asked`."""
        before = self.standing(asked.reference)
        return min(self.left_minor, max(asked.deposit_minor - _drawn(before), 0))

    def draw(self, asked: Commitment) -> None:
        """Take `asked`, in place of what stood under its reference."""
        before = self.standing(asked.reference)
        freed_minor = self.frees(asked)
        others_minor = self.used_minor - (before.amount_minor if before else 0)
        # A round figure hides what is bound; it takes no more than there is.
        amount_minor = min(asked.amount_minor, self.total_minor - others_minor)
        self.used_minor = others_minor + amount_minor
        self.left_minor -= freed_minor
        self.uses[asked.reference] = Use(
            asked.subject,
            asked.act,
            asked.tenor,
            asked.lots,
            amount_minor,
            _drawn(before) + freed_minor,
            "open",
            asked.spread,
        )
        self.drawn.add(asked.reference)

    def standing(self, reference: str) -> Use | None:
        """Return the open use under a reference, or None."""
        found = self.uses.get(reference)
        return found if found is not None and found.state == "open" else None

    def _is_price_within(self, asked: Commitment) -> bool:
        if self.limit_minor is None:
            return True
        if asked.side == BUY:
            return asked.price_minor <= self.limit_minor
        return asked.price_minor >= self.limit_minor

    def _are_lots_within(self, asked: Commitment) -> bool:
        """Say whether no month that `asked` can take comes to more lots than allowed."""
        if self.max_lots is None:
            return True
        taken = lots_by_tenor(asked)
        for reference, use in self.uses.items():
            if reference != asked.reference:
                for tenor, lots in lots_by_tenor(use).items():
                    taken[tenor] = taken.get(tenor, 0) + lots
        return all(taken[tenor] <= self.max_lots for tenor in lots_by_tenor(asked))


@dataclass(slots=True)
class Approval:
    """An approved request, until it is carried out."""

    id: str
    organisation_id: str
    asked_by: str
    act: str
    amount_minor: int
    is_executed: bool = False

    def covers(self, actor: Actor, asked: Commitment) -> bool:
        return (
            not self.is_executed
            and (self.organisation_id, self.asked_by) == (actor.organisation_id, actor.person_id)
            and self.act == asked.act
            and asked.needed_minor <= self.amount_minor
        )


@dataclass(frozen=True, slots=True)
class Allowed:
    """A commitment that may be made: by role alone, under an approval, or within a mandate.

    `freed_minor` of the firm's cash was reserved and is now free for the deposit.
    """

    asked: Commitment | None = None
    mandate: Mandate | None = None
    approval: Approval | None = None
    freed_minor: int = 0

    def take(self) -> None:
        """Note that the commitment was made."""
        if self.mandate is not None and self.asked is not None:
            self.mandate.draw(self.asked)
        if self.approval is not None:
            self.approval.is_executed = True


BY_ROLE = Allowed()
"""What needs no more than the role."""


@dataclass(slots=True)
class Bounds:
    """Policies, open mandates and approvals of the people who act in one transaction."""

    policies: Mapping[tuple[str, str], Policy]
    mandates: Mapping[tuple[str, str], Sequence[Mandate]]
    approvals: Mapping[str, Approval]
    prices: Prices = field(default_factory=dict)

    def binds(self, actor: Actor, act: str) -> bool:
        """Say whether the act needs a look at all: a policy binds it, or an approval allows it."""
        return (actor.organisation_id, act) in self.policies or approval_of(actor) is not None

    def check(self, actor: Actor, asked: Commitment, now: datetime) -> Allowed:
        """Return how the commitment is allowed; nothing is taken before `Allowed.take`.

        Raises:
            BeyondMandate: the firm's policy binds the act and no mandate covers it.
            ApprovalNotOpen: the act came under an approval that does not cover it.

        """
        approval_id = approval_of(actor)
        if approval_id is not None:
            approval = self.approvals.get(approval_id)
            if approval is None or not approval.covers(actor, asked):
                raise ApprovalNotOpen(approval_id, asked.needed_minor)
            return Allowed(asked, approval=approval)
        policy = self.policies.get((actor.organisation_id, asked.act))
        if policy is None or policy.frees(asked, self.prices):
            return Allowed(asked)
        return self._within(actor, asked, now, policy.free_up_to_minor)

    def _within(self, actor: Actor, asked: Commitment, now: datetime, free_minor: int) -> Allowed:
        held = self.mandates.get((actor.organisation_id, actor.person_id), ())
        # What stands under a mandate is only replaced under the same one.
        standing = [one for one in held if one.standing(asked.reference)]
        rule, left_minor = "no_mandate", 0
        for one in standing or held:
            lacking = one.lacks(asked, now, self.prices)
            if lacking is None:
                return Allowed(asked, mandate=one, freed_minor=one.frees(asked))
            rule, left_minor = lacking, min(one.per_act_minor, one.total_minor - one.used_minor)
        bound_minor = asked.amount_minor + asked.moved_minor
        raise BeyondMandate(asked.act, rule, bound_minor, free_minor, left_minor)


def approval_of(actor: Actor) -> str | None:
    """Return the approval that the actor acts under, or None."""
    return _approval_in(actor.grants)


@lru_cache(maxsize=4096)
def _approval_in(grants: frozenset[str]) -> str | None:
    found = [grant for grant in grants if grant.startswith(APPROVED)]
    return found[0].removeprefix(APPROVED) if found else None


def lots_by_tenor(bound: Commitment | Use) -> dict[str, int]:
    """Return the most lots of each month that a commitment or a use can take."""
    return dict(bound.spread or ((bound.tenor, bound.lots),))


def _drawn(use: Use | None) -> int:
    return use.drawn_minor if use is not None else 0
