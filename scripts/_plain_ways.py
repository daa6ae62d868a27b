"""Plain ways to place bids: through the ORM, a row lock and a transaction for each.

The bare one locks a lot's row, checks, inserts and updates. The careful one does beside it what
a bid of ours does: once for its command id, covered by a hold, chained, journalled, its answer
kept.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model
from tortoise.transactions import in_transaction

from scripts._lent import the_orm_on

STEP_MINOR, LOTS, DEPOSIT_BPS = 100, 100, 1000
RICH_MINOR = 10**14


class PlainLot(Model):
    id = fields.IntField(primary_key=True)
    best_minor = fields.BigIntField()
    bids = fields.IntField()
    head = fields.BinaryField()

    class Meta:
        table = "plain_lot"


class PlainBid(Model):
    id = fields.BigIntField(primary_key=True, generated=True)
    lot_id = fields.IntField()
    bidder = fields.TextField()
    price_minor = fields.BigIntField()

    class Meta:
        table = "plain_bid"


class PlainAccount(Model):
    id = fields.IntField(primary_key=True)
    balance_minor = fields.BigIntField()
    held_minor = fields.BigIntField()

    class Meta:
        table = "plain_account"


class PlainHold(Model):
    id = fields.BigIntField(primary_key=True, generated=True)
    lot_id = fields.IntField()
    account_id = fields.IntField()
    amount_minor = fields.BigIntField()

    class Meta:
        table = "plain_hold"


class PlainEntry(Model):
    id = fields.BigIntField(primary_key=True, generated=True)
    lot_id = fields.IntField()
    seq = fields.IntField()
    body = fields.JSONField[dict[str, object]]()
    hash = fields.BinaryField()

    class Meta:
        table = "plain_entry"


class PlainCommand(Model):
    id = fields.TextField(primary_key=True)
    fingerprint = fields.BinaryField()
    answer = fields.JSONField[dict[str, object]]()

    class Meta:
        table = "plain_command"


_TABLES = """
create table plain_lot
  (id int primary key, best_minor bigint not null, bids int not null, head bytea not null);
create table plain_bid
  (id bigserial primary key, lot_id int not null references plain_lot, bidder text not null,
   price_minor bigint not null);
create table plain_account
  (id int primary key, balance_minor bigint not null, held_minor bigint not null default 0,
   check (held_minor between 0 and balance_minor));
create table plain_hold
  (id bigserial primary key, lot_id int not null references plain_lot,
   account_id int not null references plain_account, amount_minor bigint not null,
   unique (lot_id, account_id));
create table plain_entry
  (id bigserial primary key, lot_id int not null references plain_lot, seq int not null,
   body jsonb not null, hash bytea not null, unique (lot_id, seq));
create table plain_command
  (id text primary key, fingerprint bytea not null, answer jsonb not null);
"""


@asynccontextmanager
async def the_plain_ways(
    dsn: str, auctions: int, bidders: int
) -> AsyncIterator[tuple[PlainWay, CarefulWay]]:
    """Lay the tables out in a database of their own and connect the ORM to them."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        f"{_TABLES}"
        f"insert into plain_lot select n, 0, 0, '' from generate_series(0, {auctions - 1}) n;"
        f"insert into plain_account select n, {RICH_MINOR} from generate_series(0, {bidders - 1}) n"
    )
    await connection.close()
    async with the_orm_on(dsn, __name__, connections=16):
        yield PlainWay(), CarefulWay()


class PlainWay:
    async def renew(self) -> None:
        return None

    async def place(self, bidder: int, auction: int) -> object:
        async with in_transaction("default") as unit:
            lot = await PlainLot.select_for_update().using_db(unit).get(id=auction)
            price_minor = lot.best_minor + STEP_MINOR
            await PlainBid.create(
                lot_id=auction, bidder=f"firm {bidder}", price_minor=price_minor, using_db=unit
            )
            lot.best_minor, lot.bids = price_minor, lot.bids + 1
            await lot.save(using_db=unit, update_fields=["best_minor", "bids"])
            return price_minor


class CarefulWay:
    def __init__(self) -> None:
        self._commands = itertools.count()

    async def renew(self) -> None:
        return None

    async def place(self, bidder: int, auction: int) -> object:
        command = f"plain-{next(self._commands)}"
        async with in_transaction("default") as unit:
            lot = await PlainLot.select_for_update().using_db(unit).get(id=auction)
            known = await PlainCommand.filter(id=command).using_db(unit).get_or_none()
            if known is not None:
                return known.answer
            price_minor = lot.best_minor + STEP_MINOR
            held_minor = await _held(unit, bidder, auction, price_minor)
            bid = await PlainBid.create(
                lot_id=auction, bidder=f"firm {bidder}", price_minor=price_minor, using_db=unit
            )
            body: dict[str, object] = {"bid": bid.id, "bidder": bidder, "price_minor": price_minor}
            written = json.dumps(body, sort_keys=True).encode()
            lot.head = hashlib.sha256(lot.head + written).digest()
            lot.best_minor, lot.bids = price_minor, lot.bids + 1
            await PlainEntry.create(
                lot_id=auction, seq=lot.bids, body=body, hash=lot.head, using_db=unit
            )
            await lot.save(using_db=unit, update_fields=["best_minor", "bids", "head"])
            answer = {**body, "held_minor": held_minor, "hash": lot.head.hex()}
            fingerprint = hashlib.sha256(written).digest()
            await PlainCommand.create(
                id=command, fingerprint=fingerprint, answer=answer, using_db=unit
            )
            return answer


async def _held(unit: BaseDBAsyncClient, bidder: int, auction: int, price_minor: int) -> int:
    """Let what is held for a bidder follow his bid, and return it."""
    needed_minor = -(-price_minor * LOTS * DEPOSIT_BPS // 10_000)
    account = await PlainAccount.select_for_update().using_db(unit).get(id=bidder)
    holds = PlainHold.filter(lot_id=auction, account_id=bidder).using_db(unit)
    hold = await holds.get_or_none()
    before_minor = 0 if hold is None else hold.amount_minor
    if account.balance_minor - account.held_minor + before_minor < needed_minor:
        raise ValueError("not covered")
    account.held_minor += needed_minor - before_minor
    await account.save(using_db=unit, update_fields=["held_minor"])
    if hold is None:
        await PlainHold.create(
            lot_id=auction, account_id=bidder, amount_minor=needed_minor, using_db=unit
        )
    else:
        hold.amount_minor = needed_minor
        await hold.save(using_db=unit, update_fields=["amount_minor"])
    return needed_minor
