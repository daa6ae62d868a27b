"""A settlement that is killed between two statements goes on and loses no fen."""

from __future__ import annotations

from scripts._lent import loaded


async def test_a_killed_settlement_leaves_no_money_without_an_owner(dsn: str) -> None:
    figures, violations = await loaded("storm", "settlement").stormed(dsn, 1, 1, points=5)

    assert violations == []
    assert figures["kill points"] >= 5
