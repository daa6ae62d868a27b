"""Opening an auction: its rules are checked, frozen and shown before the first bid."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256

from aggregator.auctions import beacon, buying, keys, store
from aggregator.auctions.facts import AuctionListed
from aggregator.auctions.store import Room
from aggregator.auctions.terms import ROLE_OF_OWNER, AuctionTerms, TenorLots, check_form
from aggregator.catalogue.queries import InstrumentView, RegionView, check_cell, regions
from aggregator.catalogue.tenors import Cell
from aggregator.errors import Conflict, InvalidField, NotAllowed
from aggregator.mandates.drawing import approval_of
from aggregator.market import Actor, Answer, Command, Market, Outcome, Unit
from aggregator.parties.names import checked_name
from aggregator.parties.queries import organisation
from aggregator.parties.registering import KINDS
from matching.auctions.engine import open_auction as opened_by
from matching.auctions.events import Opened
from matching.auctions.refusals import BadRule
from matching.auctions.rules import SEALED, Criterion, Item, Rules

__all__ = ["AuctionTerms", "Criterion", "TenorLots", "open_auction", "open_within"]

MAX_INVITED = 200


async def open_auction(
    market: Market, actor: Actor, command: Command | None, terms: AuctionTerms
) -> Outcome:
    """Sell lots of the actor's own firm as its seller, or buy for it as its buyer.

    A purchase is weighed by mandates and covered by a deposit in the same act.

    Raises:
        NotAllowed: the actor's role is that of the other side, or the lots are another firm's.
        NotFound: the instrument does not exist.
        InvalidField: a term breaks its rule.
        BeyondMandate, InsufficientFunds, TotalTooLarge: the firm may not bind itself so far.
        Conflict: it came under an approval, which only a purchase needs.

    """

    async def step(unit: Unit) -> Answer:
        owner_id = terms.owner_id or actor.organisation_id
        if owner_id != actor.organisation_id:
            raise NotAllowed("auctions.open")
        is_firm = "operator" not in actor.roles
        if is_firm and ROLE_OF_OWNER[terms.side] not in actor.roles:
            raise NotAllowed("auctions.open")
        is_covered = is_firm and terms.side == "buy"
        if approval_of(actor) is not None and not is_covered:
            raise Conflict("nothing_to_approve")
        answer = await _open(unit, terms, owner_id=owner_id, reference="")
        if is_covered:
            await buying.cover(unit, str(answer["auction_id"]))
        return answer

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
    check_form(terms)
    traded = await check_cell(terms.cell, unit)
    for item in terms.items:
        await check_cell(Cell(terms.cell.instrument_id, terms.cell.region, item.tenor), unit)
    auction_id = unit.new_id("auc")
    keyed = keys.new_key(auction_id)
    opened = _opened(unit, terms, traded, keys.unwrapped(keyed.wrapped, auction_id))
    listing = await _listing(unit, terms, traded, auction_id, owner_id, reference)
    if opened.rules.tie == "draw":
        listing = replace(listing, beacon=beacon.source())
    await _insert(unit, listing, opened)
    room, _ = await store.record(unit, auction_id, Room(), keyed, listing, opened)
    return {
        "auction_id": auction_id,
        "state": room.phase,
        "opens_at": unit.stamp(opened.rules.opens_at),
        "closes_at": unit.stamp(opened.rules.closes_at),
    }


def _opened(unit: Unit, terms: AuctionTerms, traded: InstrumentView, key: bytes) -> Opened:
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
        tie=terms.tie,
        draw_commitment=_commitment(terms, key),
        improve=terms.improve,
        disclosure=terms.disclosure,
        observer_disclosure=terms.observer_disclosure,
        owner_disclosure=terms.owner_disclosure,
        max_share=terms.max_share,
        shares=terms.shares,
        allow_single=terms.allow_single,
        all_lots_or_none=terms.all_lots_or_none,
        interval_s=terms.interval_s,
        items=_items(terms),
        criteria=terms.criteria,
    )
    try:
        return opened_by(rules, unit.now)
    except BadRule as broken:
        pointer = "/" + broken.field.replace("_minor", "")
        figure = broken.figure if isinstance(broken.figure, int | None) else str(broken.figure)
        raise InvalidField(pointer, broken.rule, figure) from broken


def _items(terms: AuctionTerms) -> tuple[Item, ...]:
    """Name items after their months; further ones of a month in a package auction by number."""
    counts: Counter[str] = Counter()
    found = []
    for item in terms.items:
        counts[item.tenor] += 1
        is_further = terms.format == "packages" and counts[item.tenor] > 1
        name = f"{item.tenor}/{counts[item.tenor]}" if is_further else item.tenor
        found.append(Item(name, item.lots, item.start_minor))
    return tuple(found)


def _commitment(terms: AuctionTerms, key: bytes) -> str | None:
    """Return what binds the market to its seed before the first bid, where ties are drawn."""
    may_draw = terms.format in SEALED - {"packages"}
    is_drawn = terms.tie == "draw" or (terms.tie == "auto" and may_draw)
    return sha256(keys.seed_of(key)).hexdigest() if is_drawn else None


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
        owner_name_en="" if owner is None else owner.name_en,
        lot_fee_minor=traded.lot_fee_minor,
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
