"""Recomputing every balance from postings, with none of the code that wrote them."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.journal.reading import Pool, Reader

_CHECKS = {
    "balance is not the sum of its postings": """
        select a.id, (a.balance_minor - coalesce(sum(p.amount_minor), 0))::bigint as difference
        from account a left join posting p on p.account_id = a.id
        group by a.id having a.balance_minor <> coalesce(sum(p.amount_minor), 0)""",
    "posting is of no account of its currency": """
        select p.transfer_id as id, p.amount_minor as difference from posting p
        left join account a on a.id = p.account_id and a.currency = p.currency
        where a.id is null""",
    "held is not the sum of pending holds": """
        select a.id, (a.held_minor - coalesce(sum(h.amount_minor), 0))::bigint as difference
        from account a left join hold h on h.account_id = a.id and h.state = 'pending'
        group by a.id having a.held_minor <> coalesce(sum(h.amount_minor), 0)""",
    "transfer does not sum to zero": """
        select transfer_id as id, sum(amount_minor)::bigint as difference from posting
        group by transfer_id, currency having sum(amount_minor) <> 0""",
    "transfer has more than one currency": """
        select transfer_id as id, count(distinct currency)::bigint as difference from posting
        group by transfer_id having count(distinct currency) > 1""",
    "transfer has fewer than two postings": """
        select t.id, count(p.line)::bigint as difference from transfer t
        left join posting p on p.transfer_id = t.id group by t.id having count(p.line) < 2""",
    "account is overdrawn": """
        select id, (balance_minor - held_minor)::bigint as difference from account
        where not allow_negative and balance_minor - held_minor < 0""",
    "currency does not sum to zero over all accounts": """
        select currency as id, sum(balance_minor)::bigint as difference from account
        group by currency having sum(balance_minor) <> 0""",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not add up: which rule, where, and by how much."""

    rule: str
    id: str
    difference_minor: int


@dataclass(frozen=True, slots=True)
class LedgerReport:
    accounts: int
    transfers: int
    postings: int
    differences: tuple[Difference, ...]


async def verify(reader: Reader | None = None) -> LedgerReport:
    """Check the whole ledger; an empty `differences` means that every fen has its place."""
    source = reader or Pool()
    found = [
        Difference(rule, str(row["id"]), int(row["difference"]))
        for rule, query in _CHECKS.items()
        for row in await source.rows(query)
    ]
    counts = await source.rows(
        "select (select count(*) from account) as accounts,"
        " (select count(*) from transfer) as transfers, (select count(*) from posting) as postings"
    )
    row = counts[0]
    return LedgerReport(row["accounts"], row["transfers"], row["postings"], tuple(found))
