"""Forming a deal: a binding award becomes terms, lines, a deposit and a call for money.

The deposit is the instrument's share of the total, or what the buyer has available if that
is less; the call is for the rest. The seller's own deposit is held until the deal settles; what
he has not when it forms he has to have in two days (`performance`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.amounts import decimal_text
from aggregator.catalogue.queries import InstrumentView, instrument
from aggregator.catalogue.tenors import Cell, after_month
from aggregator.deals import stages, store
from aggregator.deals.errors import DealTooLarge
from aggregator.deals.evidence import CONTRACT, record_evidence
from aggregator.deals.facts import DealFormed
from aggregator.deals.funding import complete
from aggregator.deals.lines import Line, Rates, lines_of, share, total
from aggregator.deals.performance import ask_missing, performance_of
from aggregator.deals.store import Deal
from aggregator.ledger import accounts, holds
from aggregator.market import Unit
from aggregator.parties.queries import owner_groups
from aggregator.settlement import calls, escrow
from matching.money import MAX_TOTAL_MINOR

FUNDING_TIME = timedelta(days=3)
SHIPPING_TIME = timedelta(days=14)
_TERM_LENGTH = 200
_MOST_RETURN_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class DealTerms:
    """What was awarded. Amounts are minor units per lot.

    `source` says which mechanism awarded it (`pool`, `auction`, `strip`), `source_id` which
    one. `fee_minor` fixes the market's fee per lot; without it the instrument's fees count.
    `buyer_hold_ids` and `seller_hold_ids` are the deposits set aside for this award: they end
    as posted, and the deal takes its own: `deposit_minor`, or the instrument's share less
    `deposit_off_bps` of it, which the buyer's tier frees him of. Where the instrument takes
    returns, his tier gives him `return_days_more` for them. Without
    `funding_due_at` the call is due in three days, without `ship_by` shipping is due with the
    delivery month.
    """

    source: str
    source_id: str
    instrument_id: str
    region: str
    tenor: str
    buyer_id: str
    seller_id: str
    lots: int
    goods_minor: int
    freight_minor: int = 0
    capital_minor: int = 0
    fee_minor: int | None = None
    deposit_minor: int | None = None
    deposit_off_bps: int = 0
    return_days_more: int = 0
    buyer_hold_ids: tuple[str, ...] = ()
    seller_hold_ids: tuple[str, ...] = ()
    place: str = ""
    manner: str = ""
    funding_due_at: datetime | None = None
    ship_by: datetime | None = None

    @property
    def cell(self) -> Cell:
        return Cell(self.instrument_id, self.region, self.tenor)


async def form_deal(unit: Unit, terms: DealTerms) -> str:
    """Form a deal in the caller's transaction and return its id.

    Deposits held for the award must be named in the terms or ended before, or they lower
    what the deal can take as its own.

    Raises:
        NotFound: the instrument does not exist.
        DealTooLarge: the total is beyond what the market carries.

    """
    assert terms.buyer_id != terms.seller_id, "a deal has two parties"
    traded = await instrument(terms.instrument_id, unit)
    lines = agreed_lines(traded, terms)
    for hold_id in (*terms.buyer_hold_ids, *terms.seller_hold_ids):
        await holds.release_for_posting(unit, hold_id)
    deal_id = unit.new_id("deal")
    money = await _take_money(unit, deal_id, traded, terms, total(lines))
    await _insert(unit, {"id": deal_id, **await _columns(unit, traded, terms), **money})
    await store.write_lines(unit, deal_id, "agreed", lines)
    deal = await store.load(unit, deal_id)
    await _write_terms(unit, deal, traded, terms)
    await record_evidence(
        unit, deal_id, CONTRACT, deal_id, lots=deal.lots, amount_minor=deal.total_minor
    )
    await stages.begin(unit, deal)
    await unit.record(store.stream_of(deal_id), _formed(deal))
    await ask_missing(unit, deal)
    if deal.call_minor == 0:
        await complete(unit, deal)
    return deal_id


def agreed_lines(traded: InstrumentView, terms: DealTerms) -> tuple[Line, ...]:
    """Return the glass box of an award.

    Raises:
        DealTooLarge: the total is beyond what the market carries.

    """
    rates = Rates(
        goods_minor=terms.goods_minor,
        freight_minor=terms.freight_minor,
        capital_minor=terms.capital_minor,
        fee_minor=terms.fee_minor,
        fees=traded.fees,
        tax_bps=traded.tax_bps,
        service_tax_bps=traded.service_tax_bps,
    )
    lines = lines_of(rates, terms.lots, seller_id=terms.seller_id)
    if total(lines) > MAX_TOTAL_MINOR:
        raise DealTooLarge(total(lines), MAX_TOTAL_MINOR)
    return lines


async def _take_money(
    unit: Unit, deal_id: str, traded: InstrumentView, terms: DealTerms, total_minor: int
) -> dict[str, object]:
    """Take the deposit, call for the rest and hold the seller's deposit."""
    currency = traded.currency
    funding_due_at = terms.funding_due_at or unit.now + FUNDING_TIME
    whole = share(total_minor, traded.deposit_bps)
    wanted = whole - share(whole, terms.deposit_off_bps)
    if terms.deposit_minor is not None:
        wanted = terms.deposit_minor
    deposit_minor = min(wanted, await _available(unit, terms.buyer_id, currency))
    await escrow.take(
        unit, deal_id, terms.buyer_id, deposit_minor, currency=currency, kind="deal.deposit"
    )
    rest_minor = total_minor - deposit_minor
    if rest_minor:
        await calls.call(
            unit, deal_id, terms.buyer_id, rest_minor, currency=currency, due_at=funding_due_at
        )
    whole_minor = performance_of(terms.goods_minor * terms.lots, traded.deposit_bps)
    performance_minor = min(whole_minor, await _available(unit, terms.seller_id, currency))
    hold_id = None
    if performance_minor:
        cash = await escrow.cash_of(unit, terms.seller_id, currency)
        hold_id = await holds.place(unit, cash, performance_minor, f"deal:{deal_id}")
    return {
        "total_minor": total_minor,
        "wanted_minor": max(wanted, deposit_minor),
        "deposit_minor": deposit_minor,
        "call_reference": calls.reference_of(deal_id),
        "call_minor": rest_minor,
        "performance_hold_id": hold_id,
        "performance_minor": performance_minor,
        "missing_minor": whole_minor - performance_minor,
        "funding_due_at": funding_due_at,
        "due_at": funding_due_at,
    }


async def _available(unit: Unit, organisation_id: str, currency: str) -> int:
    cash = await escrow.cash_of(unit, organisation_id, currency)
    balance_minor, held_minor, _ = await accounts.lock(unit, cash)
    return balance_minor - held_minor


async def _columns(unit: Unit, traded: InstrumentView, terms: DealTerms) -> dict[str, object]:
    groups = await owner_groups([terms.buyer_id, terms.seller_id], unit)
    by_month = after_month(terms.tenor)
    return {
        "source": terms.source,
        "source_id": terms.source_id,
        "instrument_id": terms.instrument_id,
        "region": terms.region,
        "tenor": terms.tenor,
        "cell": str(terms.cell),
        "buyer_id": terms.buyer_id,
        "seller_id": terms.seller_id,
        "buyer_group": groups[terms.buyer_id],
        "seller_group": groups[terms.seller_id],
        "currency": traded.currency,
        "lots": terms.lots,
        "goods_minor": terms.goods_minor,
        "freight_minor": terms.freight_minor,
        "capital_minor": terms.capital_minor,
        "fee_minor": terms.fee_minor,
        "fee_bps": traded.fee_bps,
        "logistics_fee_bps": traded.logistics_fee_bps,
        "capital_fee_bps": traded.capital_fee_bps,
        "lot_fee_minor": traded.lot_fee_minor,
        "tax_bps": traded.tax_bps,
        "service_tax_bps": traded.service_tax_bps,
        "tolerance_bps": traded.tolerance_bps,
        "return_days": _return_days(traded, terms),
        "state": stages.FORMED,
        "ship_due_at": terms.ship_by or max(by_month, unit.now + SHIPPING_TIME),
        "formed_at": unit.now,
        "changed_at": unit.now,
    }


def _return_days(traded: InstrumentView, terms: DealTerms) -> int:
    """Return the days for returns; what can not be returned at all, no tier can return."""
    if not traded.return_days:
        return 0
    return min(traded.return_days + terms.return_days_more, _MOST_RETURN_DAYS)


async def _insert(unit: Unit, row: dict[str, object]) -> None:
    marks = ", ".join(f"${i}" for i in range(1, len(row) + 1))
    await unit.execute(
        f"insert into deal ({', '.join(row)}) values ({marks})",
        *row.values(),
    )


async def _write_terms(unit: Unit, deal: Deal, traded: InstrumentView, terms: DealTerms) -> None:
    """Store the promise in six dimensions, in texts of no language, each with its tolerance."""
    whole, part = divmod(traded.tolerance_bps, 100)
    price = f"{decimal_text(deal.goods_minor, deal.currency)} {deal.currency}"
    promises = (
        ("time", unit.stamp(deal.ship_due_at), "0"),
        ("place", terms.place or deal.region, "0"),
        ("price", price, "0"),
        ("manner", terms.manner or traded.packaging or traded.lot_text, "0"),
        ("quality", traded.standard or traded.name_en, "0"),
        ("quantity", f"{deal.lots} × {traded.lot_text}", f"{whole}.{part:02d} %"),
    )
    for dimension, promised, tolerance in promises:
        await unit.execute(
            "insert into deal_term (deal_id, dimension, promised, tolerance)"
            " values ($1, $2, $3, $4)",
            deal.id,
            dimension,
            promised[:_TERM_LENGTH],
            tolerance,
        )


def _formed(deal: Deal) -> DealFormed:
    return DealFormed(
        deal_id=deal.id,
        source=deal.source,
        source_id=deal.source_id,
        cell=deal.cell,
        buyer_id=deal.buyer_id,
        seller_id=deal.seller_id,
        buyer_group=deal.buyer_group,
        seller_group=deal.seller_group,
        lots=deal.lots,
        goods_minor=deal.goods_minor,
        total_minor=deal.total_minor,
        deposit_minor=deal.deposit_minor,
        call_reference=deal.call_reference,
        call_minor=deal.call_minor,
        funding_due_at=deal.funding_due_at,
    )
