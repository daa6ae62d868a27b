"""Opening an auction: its rules are checked, frozen and shown before the first bid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.auctions import keys, store
from aggregator.auctions.facts import AuctionListed
from aggregator.auctions.store import Room
from aggregator.catalogue.queries import InstrumentView, RegionView, check_cell, regions
from aggregator.catalogue.tenors import Cell
from aggregator.errors import InvalidField, NotAllowed
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name
from aggregator.parties.queries import organisation
from aggregator.parties.registering import KINDS
from matching.auctions.engine import open_auction as opened_by
from matching.auctions.events import Opened
from matching.auctions.refusals import BadRule
from matching.auctions.rules import Disclosure, FormatName, Improve, Marginal, Pricing, Rules, Side

FORMATS: tuple[FormatName, ...] = ("english",)
MAX_INVITED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AuctionTerms:
    """What an auction is opened with; `matching.auctions.rules` says what each rule means.

    `start_minor` is the public ceiling where suppliers undercut (`side` buy) and the floor
    where buyers outbid (`side` sell); `reserve_minor` is the owner's secret unless it is
    public. Without `opens_at` bidding begins at once. `kinds` and `invited` admit only such
    firms, empty ones all; who is not invited does not see the auction. `barred_groups` are
    owner groups that stand behind the volume, beside the owner's own.
    """

    side: Side
    cell: Cell
    lots: int
    closes_at: datetime
    opens_at: datetime | None = None
    owner_id: str | None = None
    title: str = ""
    format: FormatName = "english"
    start_minor: int | None = None
    reserve_minor: int | None = None
    reserve_is_public: bool = False
    step_minor: int | None = None
    steps: tuple[tuple[int, int], ...] = ()
    min_lots: int = 1
    soft_close_s: int = 120
    hard_stop: datetime | None = None
    max_extensions: int | None = None
    pricing: Pricing = "auto"
    marginal: Marginal = "auto"
    improve: Improve = "auto"
    disclosure: Disclosure = "auto"
    max_share: int | None = None
    shares: tuple[int, ...] = ()
    allow_single: bool = False
    kinds: tuple[str, ...] = ()
    invited: tuple[str, ...] = ()
    barred_groups: tuple[str, ...] = ()


async def open_auction(
    market: Market, actor: Actor, command: Command, terms: AuctionTerms
) -> Outcome:
    """Open an auction of the actor's own lots, or as the operator in either direction.

    Raises:
        NotAllowed: a seller may sell lots of the own firm only.
        NotFound: the instrument does not exist.
        InvalidField: a term breaks its rule.

    """

    async def step(unit: Unit) -> Answer:
        owner_id = terms.owner_id or actor.organisation_id
        if owner_id != actor.organisation_id:
            raise NotAllowed("auctions.open")
        if "operator" not in actor.roles and terms.side != "sell":
            raise NotAllowed("auctions.open")
        return await _open(unit, terms, owner_id=owner_id, reference="")

    return await market.perform(actor, "auctions.open", step, command=command)


async def open_within(unit: Unit, terms: AuctionTerms, reference: str) -> str:
    """Open an auction for what stands above, which hears of its end by `reference`.

    Return the auction's id. `reference` opens one auction ever.

    Raises:
        NotFound: the instrument does not exist.
        InvalidField: a term breaks its rule.

    """
    assert reference
    answer = await _open(unit, terms, owner_id=terms.owner_id, reference=reference)
    return str(answer["auction_id"])


async def _open(unit: Unit, terms: AuctionTerms, *, owner_id: str | None, reference: str) -> Answer:
    traded = await check_cell(terms.cell, unit)
    opened = _opened(unit, terms, traded)
    auction_id = unit.new_id("auc")
    listing = await _listing(unit, terms, traded, auction_id, owner_id, reference)
    await _insert(unit, listing, opened)
    keyed = keys.keyed(auction_id)
    room, _ = await store.record(unit, auction_id, Room(), keyed, listing, opened)
    return {
        "auction_id": auction_id,
        "state": room.phase,
        "opens_at": unit.stamp(opened.rules.opens_at),
        "closes_at": unit.stamp(opened.rules.closes_at),
    }


def _opened(unit: Unit, terms: AuctionTerms, traded: InstrumentView) -> Opened:
    if terms.format not in FORMATS:
        raise InvalidField("/format", f"one of {', '.join(FORMATS)}", terms.format)
    traded.check_lots(terms.lots, "/lots")
    opens_at = terms.opens_at or unit.now
    if opens_at < unit.now:
        raise InvalidField("/opens_at", "must not lie in the past", unit.stamp(opens_at))
    rules = Rules(
        side=terms.side,
        format=terms.format,
        opens_at=opens_at,
        closes_at=terms.closes_at,
        hard_stop=terms.hard_stop,
        soft_close_s=terms.soft_close_s,
        max_extensions=terms.max_extensions,
        lots=terms.lots,
        min_lots=terms.min_lots,
        tick_minor=traded.tick_minor,
        step_minor=terms.step_minor,
        steps=terms.steps,
        start_minor=terms.start_minor,
        reserve_minor=terms.reserve_minor,
        reserve_is_public=terms.reserve_is_public,
        pricing=terms.pricing,
        marginal=terms.marginal,
        improve=terms.improve,
        disclosure=terms.disclosure,
        max_share=terms.max_share,
        shares=terms.shares,
        allow_single=terms.allow_single,
    )
    try:
        return opened_by(rules, unit.now)
    except BadRule as broken:
        pointer = "/" + broken.field.replace("_minor", "")
        figure = broken.figure if isinstance(broken.figure, int | None) else str(broken.figure)
        raise InvalidField(pointer, broken.rule, figure) from broken


async def _listing(
    unit: Unit,
    terms: AuctionTerms,
    traded: InstrumentView,
    auction_id: str,
    owner_id: str | None,
    reference: str,
) -> AuctionListed:
    owner = None if owner_id is None else await organisation(owner_id, unit)
    region = await _region(unit, terms.cell.region)
    barred = {*terms.barred_groups, *([] if owner is None else [owner.owner_group])}
    return AuctionListed(
        auction_id=auction_id,
        reference=reference,
        owner_id=owner_id,
        owner_name="" if owner is None else owner.name,
        title=checked_name(terms.title, "/title", at_least=0),
        instrument_id=traded.id,
        instrument_name_zh=traded.name_zh,
        instrument_name_en=traded.name_en,
        lot_text=traded.lot_text,
        region=region.code,
        region_name_zh=region.name_zh,
        region_name_en=region.name_en,
        tenor=terms.cell.tenor,
        cell=str(terms.cell),
        currency=traded.currency,
        deposit_bps=traded.deposit_bps,
        tax_bps=traded.tax_bps,
        fee_bps=traded.fee_bps,
        service_tax_bps=traded.service_tax_bps,
        kinds=_kinds(terms.kinds),
        invited=await _invited(unit, terms.invited),
        barred_groups=tuple(sorted(barred)),
    )


def _kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    for kind in kinds:
        if kind not in KINDS:
            raise InvalidField("/kinds", f"one of {', '.join(KINDS)}", kind[:40])
    return tuple(sorted(set(kinds)))


async def _invited(unit: Unit, invited: tuple[str, ...]) -> tuple[str, ...]:
    if len(invited) > MAX_INVITED:
        raise InvalidField("/invited", f"at most {MAX_INVITED} firms", len(invited))
    found = await unit.rows("select id from organisation where id = any($1::text[])", list(invited))
    known = {row["id"] for row in found}
    for place, organisation_id in enumerate(invited):
        if organisation_id not in known:
            raise InvalidField(f"/invited/{place}", "a registered firm", organisation_id[:60])
    return tuple(sorted(known))


async def _region(unit: Unit, code: str) -> RegionView:
    return next(region for region in await regions(unit) if region.code == code)


async def _insert(unit: Unit, listing: AuctionListed, opened: Opened) -> None:
    rules = opened.rules
    await unit.execute(
        "insert into auction (id, side, format, owner_id, reference, title, instrument_id, region,"
        " tenor, lots, disclosure, invited, opens_at, closes_at, created_at, state)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text[],"
        " $13, $14, $15, 'open')",
        listing.auction_id,
        rules.side,
        rules.format,
        listing.owner_id,
        listing.reference,
        listing.title,
        listing.instrument_id,
        listing.region,
        listing.tenor,
        rules.lots,
        rules.disclosure,
        list(listing.invited),
        rules.opens_at,
        rules.closes_at,
        unit.now,
    )
