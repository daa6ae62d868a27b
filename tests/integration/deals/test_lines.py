from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from aggregator.catalogue.fees import Fees
from aggregator.deals.lines import PLATFORM, Rates, fees_by_flow, lines_of, total

AMOUNTS = st.integers(0, 10**8)
BPS = st.integers(0, 10_000)
RATES = st.builds(
    Rates,
    goods_minor=st.integers(1, 10**8),
    freight_minor=AMOUNTS,
    capital_minor=AMOUNTS,
    fee_minor=st.none() | AMOUNTS,
    fees=st.builds(
        Fees, goods_bps=BPS, logistics_bps=BPS, capital_bps=BPS, lot_minor=st.integers(0, 10**6)
    ),
    tax_bps=BPS,
    service_tax_bps=BPS,
)
LOTS = st.integers(1, 10**6)


@given(RATES, LOTS)
def test_the_lines_of_both_counterparties_are_the_total(rates: Rates, lots: int) -> None:
    lines = lines_of(rates, lots, seller_id="mill")

    assert total(lines, "mill") + total(lines, PLATFORM) == total(lines)
    assert all(line.amount_minor >= 0 for line in lines)


@given(RATES, LOTS)
def test_each_rate_is_off_by_at_most_half_a_fen(rates: Rates, lots: int) -> None:
    amounts = {line.kind: line for line in lines_of(rates, lots, seller_id="mill")}

    owed = sum(amounts[kind].amount_minor for kind in ("goods", "logistics", "capital"))
    fee = amounts["information"].amount_minor
    assert fee == sum(part.amount_minor for part in fees_by_flow(rates, lots))
    for kind, base in (("tax", owed), ("service_tax", fee)):
        exact = Fraction(base * (amounts[kind].rate_bps or 0), 10_000)
        assert abs(amounts[kind].amount_minor - exact) <= Fraction(1, 2)


@given(RATES, LOTS, st.data())
def test_fewer_lots_never_cost_more(rates: Rates, lots: int, data: st.DataObject) -> None:
    fewer = data.draw(st.integers(1, lots))

    assert total(lines_of(rates, fewer, seller_id="mill")) <= total(
        lines_of(rates, lots, seller_id="mill")
    )
