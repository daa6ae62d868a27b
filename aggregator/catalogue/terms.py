"""The terms of an instrument, which never change once it is defined."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class InstrumentTerms:
    """What a price is for. Rates are basis points; `step_minor` is the publication step.

    No instrument opens without a return policy.
    """

    id: str
    name_zh: str
    name_en: str
    standard: str
    packaging: str
    currency: str
    lot_text: str
    tick_minor: int
    step_minor: int
    max_lots: int
    tax_bps: int
    service_tax_bps: int
    fee_bps: int
    deposit_bps: int
    tolerance_bps: int
    return_policy: str
    return_days: int
    logistics_fee_bps: int = 0
    capital_fee_bps: int = 0
    lot_fee_minor: int = 0


COLUMNS = ", ".join(column.name for column in fields(InstrumentTerms))
