"""The counter: movements of money that wait together are decided in memory and written at once.

For many small movements that need nothing but the ledger. All accounts of a batch are locked in
one order, the one that `transfers.post` keeps too, so neither ever waits for the other in a
circle. Keys and reversals mean what they mean there.

A process remembers what its last movements left in their accounts and decides the next ones on
that, in one round trip: the statement that writes them is refused where an account is otherwise.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from aggregator.db.calls import Call, columns, micros
from aggregator.errors import Conflict, InsufficientFunds, NotFound
from aggregator.ledger.transfers import is_bank, merged, reversal_key
from aggregator.market import Answer, Desk, Unit
from aggregator.market.desk import Asked

STREAM = "ledger"
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Movement:
    """A transfer to be made once under its `key`; lines as for `transfers.post`."""

    kind: str
    reference: str
    lines: tuple[tuple[str, int], ...]
    key: str


@dataclass(frozen=True, slots=True)
class Reversal:
    """A transfer to be taken back, once however often it is asked for."""

    transfer_id: str
    kind: str


@dataclass(slots=True)
class _Account:
    balance_minor: int
    held_minor: int
    currency: str


@dataclass(slots=True)
class _Made:
    reference: str
    reverses: str | None
    lines: list[tuple[str, int]] = field(default_factory=list)


_KNOWN: OrderedDict[str, _Account] = OrderedDict()
"""What this process last left in an account; others may have moved it since."""


class Counter(Desk):
    """Serves one transaction's movements; a desk of the market."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit)
        self._accounts: dict[str, _Account] = {}
        self._places: dict[str, int] = {}
        self._before: list[tuple[str, str, int, int]] = []
        self._made: dict[str, _Made] = {}
        self._known: dict[str, str] = {}
        self._transfers: list[tuple[str | int | None, ...]] = []
        self._postings: list[tuple[int, int, int, int]] = []

    def recall(self, asked: Sequence[Asked], before: Counter | None) -> bool:
        """Take the accounts of movements from memory; a reversal needs a look."""
        left = {} if before is None else before._accounts
        taken: dict[str, _Account] = {}
        for one in asked:
            if isinstance(one.content, Reversal):
                return False
            for name, _ in one.content.lines:
                if name in self._accounts or name in taken:
                    continue
                found = left.get(name) or _KNOWN.get(name)
                if found is None:
                    return False
                taken[name] = replace(found)
        for name, account in taken.items():
            self._take(name, account)
        return True

    def claims(self) -> list[Call]:
        """Return the call that writes all, if the accounts are as they were recalled."""
        rows = (self._before, self._transfers, self._postings)
        return [("ledger_append", *(columns(*zip(*row, strict=True)) for row in rows))]

    def is_written(self) -> bool:
        """Say whether `claims` wrote all there is to write: always."""
        return True

    async def read(self, asked: Sequence[Asked]) -> None:
        """Lock the accounts of all movements and look up what was done before."""
        wanted = [one.content for one in asked]
        await self._read_made({one.transfer_id for one in wanted if isinstance(one, Reversal)})
        names = {account for one in wanted for account, _ in self._lines(one)}
        for row in await self._unit.rows(
            "select id, balance_minor, held_minor, currency from account"
            " where id = any($1::text[]) order by id for update",
            sorted(names),
        ):
            account = _Account(row["balance_minor"], row["held_minor"], row["currency"])
            self._take(row["id"], account)
        keys = [_key(one) for one in wanted]
        for row in await self._unit.rows(
            "select id, key from transfer where key = any($1::text[])", keys
        ):
            self._known[row["key"]] = row["id"]

    def decide(self, asked: Asked) -> Answer:
        """Move money in memory and return the transfer's id.

        Raises:
            NotFound: an account or a transfer to be reversed does not exist.
            Conflict: what is to be reversed is a reversal itself.
            InsufficientFunds: an account would fall below what is held of it.

        """
        wanted = asked.content
        key = _key(wanted)
        if key not in self._known:
            self._known[key] = self._move(wanted, key)
        return {"transfer_id": self._known[key]}

    async def write(self) -> None:
        """Write transfers and postings, in one statement."""
        await self._unit.call(*self.claims())

    def keep(self) -> None:
        """Remember what the accounts hold now."""
        _KNOWN.update(self._accounts)
        while len(_KNOWN) > _KEPT:
            _KNOWN.popitem(last=False)

    def _take(self, name: str, account: _Account) -> None:
        self._accounts[name] = account
        self._places[name] = len(self._before)
        self._before.append((name, account.currency, account.balance_minor, account.held_minor))

    def _move(self, wanted: Movement | Reversal, key: str) -> str:
        reverses = None
        if isinstance(wanted, Reversal):
            made = self._made.get(wanted.transfer_id)
            if made is None:
                raise NotFound("transfer")
            if made.reverses is not None:
                raise Conflict("reversal_of_a_reversal")
            reference, reverses = made.reference, wanted.transfer_id
        else:
            reference = wanted.reference
        moved = self._lines(wanted)
        assert sum(amount for _, amount in moved) == 0, f"{key} does not balance"
        for account, amount in moved:
            self._check(account, amount)
        transfer_id = self._unit.new_id("trf")
        place, at = len(self._transfers), micros(self._unit.now)
        self._transfers.append((transfer_id, wanted.kind, reference, key, reverses, at))
        for line, (account, amount) in enumerate(moved, start=1):
            self._accounts[account].balance_minor += amount
            self._postings.append((place, line, self._places[account], amount))
        return transfer_id

    def _check(self, account: str, amount: int) -> None:
        found = self._accounts.get(account)
        if found is None:
            raise NotFound("account")
        available = found.balance_minor - found.held_minor
        if amount < 0 and not is_bank(account) and available + amount < 0:
            raise InsufficientFunds(-amount, available, found.currency)

    def _lines(self, wanted: Movement | Reversal) -> list[tuple[str, int]]:
        if isinstance(wanted, Movement):
            return merged(wanted.lines)
        made = self._made.get(wanted.transfer_id)
        return [] if made is None else merged([(name, -amount) for name, amount in made.lines])

    async def _read_made(self, ids: set[str]) -> None:
        if not ids:
            return
        for row in await self._unit.rows(
            "select id, reference, reverses from transfer where id = any($1::text[])", sorted(ids)
        ):
            self._made[row["id"]] = _Made(row["reference"], row["reverses"])
        lines: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for row in await self._unit.rows(
            "select transfer_id, account_id, amount_minor from posting"
            " where transfer_id = any($1::text[])",
            sorted(ids),
        ):
            lines[row["transfer_id"]].append((row["account_id"], row["amount_minor"]))
        for transfer_id, made in self._made.items():
            made.lines = lines[transfer_id]


def _key(wanted: Movement | Reversal) -> str:
    return wanted.key if isinstance(wanted, Movement) else reversal_key(wanted.transfer_id)
