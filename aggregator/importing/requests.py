"""Requests from a file: one row each, drafts of the firm like those typed by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aggregator.amounts import decimal_text
from aggregator.demand import queries, store
from aggregator.demand.drafting import draft_all
from aggregator.demand.terms import PAYMENTS, RequestTerms, check_against
from aggregator.demand.withdrawing import withdraw_drafts
from aggregator.errors import InvalidField
from aggregator.importing.columns import Column, Fault, Layout, Values
from aggregator.importing.figures import lots_of, month_of, plain, price_of
from aggregator.importing.kinds import Item
from aggregator.importing.known import Known
from aggregator.market import Actor, Unit

_PAYMENTS = {
    **{name: name for name in PAYMENTS},
    "预付": "prepay",
    "prepayment": "prepay",
    "货到付款": "on_delivery",
    "on delivery": "on_delivery",
    "赊销": "credit",
}
# The names of the columns where they are not those of the terms.
_NAMES = {
    "instrument_id": "instrument",
    "tolerance_lots": "tolerance",
    "limit_minor": "limit",
    "freight_minor": "freight",
}
MAX_REQUESTS = 5_000


def _payment(text: str, _: Known) -> str:
    found = _PAYMENTS.get(plain(text))
    if found is None:
        raise InvalidField("", f"one of {', '.join(PAYMENTS)}", text)
    return found


COLUMNS = (
    Column(
        "instrument",
        "品种",
        "Product",
        "品种代码或名称",
        "The product's code or name",
        "SUGAR-W1",
        lambda text, known: known.instrument(text),
    ),
    Column(
        "region",
        "地区",
        "Region",
        "交货地区的代码或名称",
        "The delivery region's code or name",
        "GX",
        lambda text, known: known.region(text),
    ),
    Column(
        "first_tenor",
        "首个交货月份",
        "First month",
        "例如 2027-03；2027年3月 或日期单元格（当月 1 日）亦可",
        "Such as 2027-03; a date cell of the first of the month will do",
        "2027-03",
        lambda text, _: month_of(text),
    ),
    Column(
        "last_tenor",
        "最后交货月份",
        "Last month",
        "不填即与首个月份相同",
        "The first month where it is empty",
        "2027-04",
        lambda text, _: month_of(text),
        None,
    ),
    Column(
        "lots",
        "数量（手）",
        "Lots",
        "整数手数，例如 1,200",
        "Whole lots, such as 1,200",
        "1,200",
        lambda text, _: lots_of(text),
    ),
    Column(
        "tolerance",
        "可多收（手）",
        "Tolerance",
        "可多收的手数，不填为 0",
        "Lots taken besides; 0 where it is empty",
        "50",
        lambda text, _: lots_of(text),
        0,
    ),
    Column(
        "limit",
        "最高到厂价",
        "Limit",
        "每手不含税最高到厂价（元），保密；可留空，发出前再填",
        "The highest landed price per lot before tax, in CNY; secret, may stay open",
        "5100.00",
        lambda text, _: price_of(text),
        None,
    ),
    Column(
        "freight",
        "自有运费",
        "Freight",
        "包含在最高到厂价中的自有运费（元/手），不填为 0",
        "One's own freight within the limit, per lot; 0 where it is empty",
        "30.00",
        lambda text, _: price_of(text),
        0,
    ),
    Column(
        "place",
        "交货地点",
        "Place",
        "最多 120 字，可不填",
        "At most 120 characters; may be empty",
        "南宁三号库",
        lambda text, _: text,
        "",
    ),
    Column(
        "payment",
        "付款方式",
        "Payment",
        "预付、货到付款或赊销（prepay、on_delivery、credit），不填为预付",
        "prepay, on_delivery or credit; prepay where it is empty",
        "prepay",
        _payment,
        "prepay",
    ),
    Column(
        "credit_days",
        "赊销天数",
        "Credit days",
        "只在赊销时填写",
        "With credit only",
        "",
        lambda text, _: lots_of(text),
        0,
    ),
)


class Requests:
    """The kind `requests`."""

    name = "requests"
    act = store.ACT
    columns: Sequence[Column] = COLUMNS
    max_items = MAX_REQUESTS
    is_binding = False

    def items(
        self, values: Sequence[Values], layout: Layout, known: Known, now: datetime
    ) -> tuple[Sequence[Item], Sequence[Fault]]:
        """Return the request that each row asks for."""
        items, faults = [], []
        for one in values:
            terms = _terms(one.found)
            try:
                check_against(known.traded[terms.instrument_id], terms, now)
            except InvalidField as refusal:
                name = refusal.pointer.strip("/")
                if name == "last_tenor" and name not in one.found:
                    name = "first_tenor"
                faults.append(layout.fault(one.row, name, refusal))
            else:
                items.append(Item([one.row], terms, _meaning(terms)))
        return items, faults

    async def make(self, unit: Unit, items: Sequence[Item]) -> Sequence[str]:
        """Draft them all."""
        return await draft_all(unit, unit.actor.organisation_id, [item.terms for item in items])

    async def undo(self, unit: Unit, ids: Sequence[str]) -> None:
        """Withdraw all drafts, unless one was sent."""
        await withdraw_drafts(unit, unit.actor.organisation_id, ids)

    async def own(self, actor: Actor, _: Known, /) -> Sequence[Mapping[str, str]]:
        """Return the firm's newest drafts, the oldest of them first."""
        found = await queries.requests(actor, state=store.DRAFT, limit=MAX_REQUESTS)
        return await asyncio.to_thread(lambda: [_texts(one.terms) for one in reversed(found)])


def _terms(found: Mapping[str, Any]) -> RequestTerms:
    given: dict[str, Any] = {column.name: column.default for column in COLUMNS} | dict(found)
    given["last_tenor"] = given["last_tenor"] or given["first_tenor"]
    return RequestTerms(**{name: given[_NAMES.get(name, name)] for name in store.TERMS})


def _meaning(terms: RequestTerms) -> Mapping[str, Any]:
    found = _by_name(terms)
    return {"tolerance": found.pop("tolerance_lots"), **found}


def _texts(terms: RequestTerms) -> Mapping[str, str]:
    found = {}
    for name, value in _by_name(terms).items():
        is_open = value is None
        text = decimal_text(value) if name.endswith("_minor") and not is_open else str(value)
        found[_NAMES.get(name, name)] = "" if is_open else text
    return found


def _by_name(terms: RequestTerms) -> dict[str, Any]:
    # Terms hold nothing that needs the deep copies of `asdict`, a second for five thousand.
    return {name: getattr(terms, name) for name in store.TERMS}
