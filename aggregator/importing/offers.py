"""Offers from a file: a row for each price break, under one mark for the whole offer.

An offer within the person's mandate is published. One beyond it becomes a request for approval
with the terms of the row, as it would by hand, in the same act.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from aggregator.amounts import CURRENCY, decimal_text
from aggregator.approvals.asking import terms_of
from aggregator.catalogue.tenors import Cell, parse_cell
from aggregator.errors import Conflict, InvalidField, MarketError, WrongState
from aggregator.importing.columns import Column, Fault, Layout, Values
from aggregator.importing.figures import lots_of, month_of, plain, price_of, until_of
from aggregator.importing.kinds import Item, RowRefused
from aggregator.importing.known import Known
from aggregator.importing.requests import COLUMNS as REQUEST_COLUMNS
from aggregator.journal.facts import stamp
from aggregator.mandates import checking, requesting
from aggregator.mandates.errors import BeyondMandate
from aggregator.market import Actor, Unit
from aggregator.supply import audiences, queries
from aggregator.supply.offering import (
    OfferTerms,
    check_against,
    commitment,
    publish_within,
    stream_of,
    withdraw_within,
)
from matching.errors import RuleViolation

ACT = "supply.offer"
MAX_OFFERS = 100
_EVERYBODY = {"", "all", "所有人", "公开"}
_NOBODY = {"nobody", "不公开"}
_MARK = "offer"
# The fields of the terms by the columns that they come from, where the two differ.
_FIELDS = {
    "capacity_lots": "capacity",
    "shown_to": "audience",
    "breaks": "from_lots",
    "cell": "tenor",
}
_BY_NAME = {column.name: column for column in REQUEST_COLUMNS}


def _audience(text: str, known: Known) -> tuple[str, ...] | None:
    """Return the groups that see it, or None where everybody does."""
    if plain(text) in _EVERYBODY:
        return None
    if plain(text) in _NOBODY:
        return ()
    return tuple(known.group(name) for name in text.replace("；", ";").split(";"))


COLUMNS = (
    Column(
        _MARK,
        "报价编号",
        "Offer",
        "同一报价的各行写相同编号；其余各栏只需写在首行",
        "The same mark on all rows of one offer; its other columns are needed on the first",
        "1",
        lambda text, _: text,
    ),
    *(
        Column(c.name, c.zh, c.en, c.note_zh, c.note_en, c.example, c.read, None, is_shared=True)
        for c in (_BY_NAME["instrument"], _BY_NAME["region"])
    ),
    Column(
        "tenor",
        "交货月份",
        "Month",
        "例如 2027-03；2027年3月 或日期单元格（当月 1 日）亦可",
        "Such as 2027-03; a date cell of the first of the month will do",
        "2027-03",
        lambda text, _: month_of(text),
        None,
        is_shared=True,
    ),
    Column(
        "from_lots",
        "起订量（手）",
        "From lots",
        "达到此手数时适用本行价格，逐行递增",
        "The price of the row holds from so many lots; rising from row to row",
        "100",
        lambda text, _: lots_of(text),
    ),
    Column(
        "price",
        "价格",
        "Price",
        "每手不含税货价（元），逐行不得升高",
        "Goods price per lot before tax, in CNY; never rising from row to row",
        "5,000.00",
        lambda text, _: price_of(text),
    ),
    Column(
        "capacity",
        "可供数量（手）",
        "Capacity",
        "全部买方合计至多的手数",
        "Lots for all who take from the offer together",
        "2,000",
        lambda text, _: lots_of(text),
        None,
        is_shared=True,
    ),
    Column(
        "pack",
        "起售单位（手）",
        "Pack",
        "成交手数为其整数倍，不填为 1",
        "Totals are multiples of it; 1 where it is empty",
        "10",
        lambda text, _: lots_of(text),
        1,
        is_shared=True,
    ),
    Column(
        "valid_until",
        "有效期至",
        "Valid until",
        "例如 2027-03-01（至当日结束）或 2027-03-01 18:00，按本人时区；不填即至交货月份结束",
        "Such as 2027-03-01, its end, or 2027-03-01 18:00, in your time zone; until the delivery"
        " month is over where it is empty",
        "2027-02-20",
        lambda text, known: until_of(text, known.zone),
        None,
        is_shared=True,
    ),
    Column(
        "audience",
        "对谁公开",
        "Shown to",
        "不填为公开；“不公开”；或贵方团组的名称，以分号隔开",
        "Everybody where it is empty; nobody; or names of your groups, parted by semicolons",
        "",
        _audience,
        None,
        is_shared=True,
    ),
    Column(
        "from_tier",
        "起始等级",
        "From tier",
        "不公开的报价亦对此等级及以上的企业展示",
        "An offer that is not for everybody is shown to firms of this tier and above too",
        "",
        lambda text, known: known.tier(text),
        None,
        is_shared=True,
    ),
    Column(
        "for_kind",
        "面向行业",
        "For kind",
        "不公开的报价亦对此类企业展示：factory、mill、trader 或 refiner",
        "An offer that is not for everybody is shown to such firms too: factory, mill, trader or"
        " refiner",
        "",
        lambda text, _: audiences.checked_kind(plain(text)),
        None,
        is_shared=True,
    ),
    Column(
        "for_size",
        "面向规模",
        "For size",
        "不公开的报价亦对此规模的企业展示",
        "An offer that is not for everybody is shown to firms of this size too",
        "",
        lambda text, _: plain(text),
        None,
        is_shared=True,
    ),
)
_NEEDED = ("instrument", "region", "tenor", "capacity")


class Offers:
    """The kind `offers`."""

    name = "offers"
    act = ACT
    columns: Sequence[Column] = COLUMNS
    max_items = MAX_OFFERS
    is_binding = True

    def items(
        self, values: Sequence[Values], layout: Layout, known: Known, now: datetime
    ) -> tuple[Sequence[Item], Sequence[Fault]]:
        """Return the offers that rows of one mark make together."""
        items: list[Item] = []
        faults: list[Fault] = []
        by_mark: dict[str, list[Values]] = {}
        for one in values:
            by_mark.setdefault(plain(one.found[_MARK]), []).append(one)
        for rows in by_mark.values():
            wrong = list(_disagreeing(rows, layout))
            if not wrong:
                terms = _terms(rows)
                try:
                    check_against(known.traded[terms.cell.instrument_id], terms, now)
                except InvalidField as refusal:
                    wrong.append(_fault(rows, layout, refusal))
                else:
                    items.append(Item([one.row for one in rows], terms, _meaning(terms)))
            faults += wrong
        return items, faults

    async def make(self, unit: Unit, items: Sequence[Item]) -> Sequence[str]:
        """Publish them all, or ask for what is beyond the mandate."""
        cells = sorted({str(item.terms.cell) for item in items})
        await unit.lock_all([stream_of(cell) for cell in cells])
        made = []
        for item in items:
            try:
                made.append(await _made(unit, item.terms))
            except (RuleViolation, MarketError) as refusal:
                raise RowRefused(item.rows[0], refusal) from None
        return made

    async def undo(self, unit: Unit, ids: Sequence[str]) -> None:
        """Withdraw what stands, unless lots of it were taken or an approval was given."""
        found = await unit.rows(
            "select id, cell, state, taken_lots from offer where id = any($1::text[])"
            " order by id for update",
            list(ids),
        )
        if any(row["taken_lots"] for row in found):
            raise Conflict("import_used")
        await unit.lock_all(sorted({stream_of(row["cell"]) for row in found}))
        for row in found:
            if row["state"] == "standing":
                await withdraw_within(unit, row["id"])
        asked = await unit.rows(
            "select id, state from approval where id = any($1::text[]) order by id", list(ids)
        )
        for row in asked:
            if row["state"] in ("approved", "executed"):
                raise WrongState(row["state"], "waiting")
            if row["state"] == "waiting":
                await requesting.withdraw_within(unit, row["id"])

    async def own(self, actor: Actor, known: Known, /) -> Sequence[Mapping[str, str]]:
        """Return the firm's standing offers, the oldest first, a row for each break."""
        shown_to = await audiences.shown_to(actor)
        ids = {group["name"]: group["group_id"] for group in await audiences.groups(actor)}
        found = await queries.own_standing(actor, MAX_OFFERS)
        rows = []
        for mark, offer in enumerate(reversed(found), start=1):
            cell = parse_cell(offer.cell)
            groups = ";".join(
                _called(name, ids[name], known) for name in shown_to.get(offer.id, ())
            )
            shared = {
                "instrument": cell.instrument_id,
                "region": cell.region,
                "tenor": cell.tenor,
                "capacity": str(offer.capacity_lots),
                "pack": str(offer.pack),
                "valid_until": stamp(offer.valid_until),
                "audience": "" if offer.is_public else groups or "nobody",
                "from_tier": known.tiers[offer.from_tier] if offer.from_tier else "",
                "for_kind": offer.for_kind or "",
                "for_size": offer.for_size or "",
            }
            rows += [
                {_MARK: str(mark), "from_lots": str(lots), "price": decimal_text(price), **shared}
                for lots, price in offer.breaks
            ]
        return rows


def _called(name: str, group_id: str, known: Known) -> str:
    """Return a group's name, or its id where the name would be read as something else."""
    said = plain(name)
    is_plain = ";" not in said and said not in _EVERYBODY | _NOBODY
    return name if is_plain and known.groups.get(said) == group_id else group_id


async def _made(unit: Unit, terms: OfferTerms) -> str:
    traded_bps = await _deposit_bps(unit, terms)
    wanted = commitment("new", terms, traded_bps)
    bounds = await checking.read(unit, [unit.actor], wanted.cells)
    try:
        bounds.check(unit.actor, wanted, unit.now)
    except BeyondMandate:
        asking = requesting.Asking(
            act=ACT,
            subject="market",
            terms=terms_of(terms),
            amount_minor=wanted.amount_minor,
            currency=CURRENCY,
        )
        return str((await requesting.ask_within(unit, asking))["approval_id"])
    return str((await publish_within(unit, terms))["offer_id"])


async def _deposit_bps(unit: Unit, terms: OfferTerms) -> int:
    row = await unit.row(
        "select deposit_bps from instrument where id = $1", terms.cell.instrument_id
    )
    assert row is not None
    return int(row["deposit_bps"])


def _disagreeing(rows: Sequence[Values], layout: Layout) -> Iterator[Fault]:
    """Yield what the first row lacks, and what a further one says differently."""
    first = rows[0]
    for name in _NEEDED:
        if name not in first.found:
            yield layout.fault(first.row, name, InvalidField(f"/{name}", "required"))
    shared = [column.name for column in COLUMNS if column.is_shared]
    for one in rows[1:]:
        for name in shared:
            if name in one.found and one.found[name] != first.found.get(name):
                refusal = InvalidField(f"/{name}", "as on the offer's first row, or empty")
                yield layout.fault(one.row, name, refusal)


def _terms(rows: Sequence[Values]) -> OfferTerms:
    given: dict[str, Any] = {column.name: column.default for column in COLUMNS} | rows[0].found
    audience = given["audience"]
    narrowed = [given[name] for name in ("from_tier", "for_kind", "for_size")]
    return OfferTerms(
        cell=Cell(given["instrument"], given["region"], given["tenor"]),
        breaks=tuple((one.found["from_lots"], one.found["price"]) for one in rows),
        capacity_lots=given["capacity"],
        pack=given["pack"],
        is_public=audience is None and not any(narrowed),
        shown_to=audience or (),
        from_tier=given["from_tier"],
        for_kind=given["for_kind"],
        for_size=given["for_size"],
        valid_until=given["valid_until"],
    )


def _fault(rows: Sequence[Values], layout: Layout, refusal: InvalidField) -> Fault:
    """Return a fault of the terms at the cell that its pointer leads to."""
    parts = refusal.pointer.strip("/").split("/")
    name = parts[2] if len(parts) == 3 else parts[0]
    row = rows[int(parts[1])] if len(parts) == 3 else rows[0]
    return layout.fault(row.row, _FIELDS.get(name, name), refusal)


def _meaning(terms: OfferTerms) -> Mapping[str, Any]:
    breaks = [{"from_lots": lots, "price_minor": price} for lots, price in terms.breaks]
    return {
        "cell": str(terms.cell),
        "breaks": breaks,
        "capacity_lots": terms.capacity_lots,
        "pack": terms.pack,
        "is_public": terms.is_public,
        "shown_to": list(terms.shown_to),
        "from_tier": terms.from_tier,
        "for_kind": terms.for_kind,
        "for_size": terms.for_size,
        "valid_until": terms.valid_until and stamp(terms.valid_until),
    }
