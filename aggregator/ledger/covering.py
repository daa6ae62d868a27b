"""Holds of many accounts: read at once, changed in memory, written at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aggregator.db.calls import Call, numbers, texts
from aggregator.errors import InsufficientFunds
from aggregator.market import Unit
from matching.values import value

_ENOUGH_MINOR = 10**18


@dataclass(slots=True)
class _Purse:
    currency: str
    available_minor: int


@value
class Held:
    """A pending hold and what it sets aside now."""

    hold_id: str
    account_id: str
    amount_minor: int


class Covering:
    """The holds of one transaction. Nothing is written before `write`."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._purses: dict[str, _Purse] = {}
        self._changed: dict[str, Held] = {}
        self._placed: dict[str, tuple[Held, str]] = {}

    async def lock(self, account_ids: Iterable[str]) -> None:
        """Lock accounts and read what is available, in one statement and one order."""
        found = await self._unit.rows(
            "select id, currency, balance_minor - held_minor as available_minor from account"
            " where id = any($1::text[]) order by id for update",
            sorted(set(account_ids) - self._purses.keys()),
        )
        for row in found:
            self._purses[row["id"]] = _Purse(row["currency"], row["available_minor"])

    def trust(self, account_id: str, currency: str) -> None:
        """Take an account for covered without a look; it refuses what is not, when written."""
        if account_id not in self._purses:
            self._purses[account_id] = _Purse(currency, _ENOUGH_MINOR)

    def claim(self, recalled: Iterable[Held]) -> Call:
        """Return the call that changes holds, if they all are still as they were recalled."""
        known = list(recalled)
        after = [self._changed.get(held.hold_id, held) for held in known]
        call = (
            "holds_change",
            texts([held.account_id for held in known]),
            texts([held.hold_id for held in known]),
            numbers([held.amount_minor for held in known]),
            numbers([held.amount_minor for held in after]),
        )
        self._changed.clear()
        return call

    def is_written(self) -> bool:
        """Say whether nothing is left to write."""
        return not self._changed and not self._placed

    def place(self, account_id: str, amount_minor: int, currency: str, reference: str) -> Held:
        """Set aside an amount of a locked account.

        Raises:
            InsufficientFunds: less than that is available.

        """
        self._take(account_id, amount_minor, 0, currency)
        held = Held(self._unit.new_id("hld"), account_id, amount_minor)
        self._placed[held.hold_id] = held, reference
        return held

    def change(self, held: Held, amount_minor: int, currency: str) -> Held:
        """Let a pending hold set aside another amount of its account.

        Raises:
            InsufficientFunds: less than that is available; the hold stays as it is.

        """
        self._take(held.account_id, amount_minor, held.amount_minor, currency)
        changed = Held(held.hold_id, held.account_id, amount_minor)
        new = self._placed.get(held.hold_id)
        if new is None:
            self._changed[held.hold_id] = changed
        else:
            self._placed[held.hold_id] = changed, new[1]
        return changed

    @contextmanager
    def lent(self, account_id: str, freed_minor: int) -> Iterator[None]:
        """Count on funds that another hold frees in this transaction, unless it is refused."""
        purse = self._purses.get(account_id)
        if purse is None or not freed_minor:
            yield
            return
        purse.available_minor += freed_minor
        try:
            yield
        except InsufficientFunds:
            purse.available_minor -= freed_minor
            raise

    async def write(self) -> None:
        """Write what was placed and changed, in a statement each."""
        if self._changed:
            changed = list(self._changed.values())
            row = await self._unit.row(
                "with changed as (update hold h set amount_minor = t.amount_minor"
                " from unnest($1::text[], $2::bigint[]) as t (id, amount_minor)"
                " where h.id = t.id returning h.state)"
                " select count(*) as changed from changed where state = 'pending'",
                [held.hold_id for held in changed],
                [held.amount_minor for held in changed],
            )
            assert row is not None
            assert row["changed"] == len(changed), "a hold ended under the lock of its account"
        if self._placed:
            placed = list(self._placed.values())
            await self._unit.execute(
                "insert into hold (id, account_id, amount_minor, reference, state, placed_at)"
                " select id, account_id, amount_minor, reference, 'pending', $5"
                " from unnest($1::text[], $2::text[], $3::bigint[], $4::text[])"
                " as t (id, account_id, amount_minor, reference)",
                [held.hold_id for held, _ in placed],
                [held.account_id for held, _ in placed],
                [held.amount_minor for held, _ in placed],
                [reference for _, reference in placed],
                self._unit.now,
            )

    def _take(self, account_id: str, amount_minor: int, before_minor: int, currency: str) -> None:
        purse = self._purses.get(account_id)
        available = before_minor + (purse.available_minor if purse else 0)
        if amount_minor > available:
            raise InsufficientFunds(amount_minor, available, currency)
        if purse is not None:
            purse.available_minor = available - amount_minor
