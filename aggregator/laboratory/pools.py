"""`pools` on files: group buys read strictly, cleared, and told in a buyer's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from aggregator.laboratory.reading import MAX_ID, MAX_INTEGER, BadInput, Node
from matching.money import MAX_TOTAL_MINOR
from matching.pools.clearing import Offer, Pledge, Rules, clear
from matching.pools.documents import Document, result_document

MAX_PLEDGES = 2_000_000
MAX_OFFERS = 100_000
MAX_BREAKS = 50
MAX_RATIO_TERM = 1_000_000
MAX_LOTS = 10**12
MAX_TIER = 8

_PLEDGE_REQUIRED = "id owner cell lots limit_minor seq"
_PLEDGE_OPTIONAL = "size tolerance freight_minor term_minor fee_minor tier"


Step = tuple[int, int]  # A price, and the lots from which it counts.


@dataclass(frozen=True, slots=True)
class Instance:
    currency: str
    rules: Rules
    pledges: tuple[Pledge, ...]
    offers: tuple[Offer, ...]


def read(node: Node) -> Instance:
    """Read an instance.

    Raises:
        BadInput: with the pointer, the rule and the figure.

    """
    fields = node.fields("kind currency pledges offers", "rules")
    currency = fields["currency"].text(max_length=3)
    if len(currency) != 3 or not (currency.isascii() and currency.isupper()):
        fields["currency"].refuse("must be three capital letters", currency)
    rules, tick = Rules(), 1
    if "rules" in fields:
        rules, tick = _rules(fields["rules"])
    offers = tuple(_offer(entry, tick) for entry in fields["offers"].items(max_items=MAX_OFFERS))
    pledges = tuple(
        _pledge(entry, tick) for entry in fields["pledges"].items(max_items=MAX_PLEDGES)
    )
    _refuse_twins("/offers", [offer.id for offer in offers])
    _refuse_twins("/pledges", [pledge.id for pledge in pledges])
    return Instance(currency, rules, pledges, offers)


def clear_pools(instance: Instance) -> Document:
    result = clear(instance.pledges, instance.offers, instance.rules)
    return result_document(result, instance.rules)


def explain(instance: Instance, result: Mapping[str, Any]) -> str:
    """Tell the result pool by pool, and every pledge left out with its reason."""
    pledges = {pledge.id: pledge for pledge in instance.pledges}
    offers = {offer.id: offer for offer in instance.offers}
    pools, left = result["pools"], result["unmatched"]
    asked: dict[str, list[Step]] = {}
    for offer in instance.offers:
        steps = [(price, lots) for lots, price in offer.breaks if offer.reaches(lots)]
        asked.setdefault(offer.cell, []).extend(steps)
    lines = [
        f"{_counted(len(pledges), 'pledge')} and {_counted(len(offers), 'offer')} make "
        f"{_counted(len(pools), 'pool')}; the buyers keep "
        f"{_amount(result['surplus_minor'])} {instance.currency} below their limits."
    ]
    for number, pool in enumerate(pools, 1):
        lines.append(_pool_told(number, pool, offers[pool["offer"]], instance.currency))
        lines += [
            _member_told(member, pool, pledges[member["pledge"]]) for member in pool["members"]
        ]
    rationed = result["certificate"]["rationed"]
    lines += [
        f"Lots are scarce in {cell['cell']}: {cell['lots']} are served. What is scarce is shared "
        f"by equal awards; limits buy no priority, but here they are not promised to be safe to "
        f"tell."
        for cell in rationed
    ]
    for entry in left:
        pledge = pledges[entry["pledge"]]
        why = _reason_told(entry["reason"], pledge, asked.get(pledge.cell, ()), instance.rules)
        lines.append(f"{pledge.id} is left out: {why}")
    if instance.rules.objective == "stable" and not rationed:
        lines.append(
            "Whoever tells his true limit does best: no false one, alone or of two together, is "
            "paid. Sizes and quantities are taken as told."
        )
    return "\n".join(lines)


def _pool_told(number: int, pool: Mapping[str, Any], offer: Offer, currency: str) -> str:
    price = pool["goods_minor"]
    from_lots = next(lots for lots, goods in offer.breaks if goods == price)
    return (
        f"Pool {number} for {offer.cell}: {_counted(len(pool['members']), 'buyer')} take "
        f"{_counted(pool['lots'], 'lot')} from {offer.id} at {_amount(price)} {currency} a lot, "
        f"its price from {_counted(from_lots, 'lot')} on; everyone pays this goods price and his "
        f"own freight, term and fee."
    )


def _member_told(member: Mapping[str, Any], pool: Mapping[str, Any], pledge: Pledge) -> str:
    lots, landed = member["lots"], member["landed_minor"]
    note = ""
    if lots > pledge.lots:
        note = f" ({lots - pledge.lots} of them within its tolerance)"
    elif lots < pledge.lots:
        note = f" of the {pledge.lots} it asked for"
    own = landed - pool["goods_minor"]
    lines = f" (goods and {_amount(own)} of its own)" if own else ""
    return (
        f"  {pledge.id}: {_counted(lots, 'lot')}{note} at {_amount(landed)} landed{lines}, "
        f"{_amount(member['amount_minor'])} in all, "
        f"{_amount(pledge.limit_minor - landed)} a lot below the limit."
    )


def _reason_told(reason: str, pledge: Pledge, steps: Sequence[Step], rules: Rules) -> str:
    """Tell why a pledge is left out, with the figures that decided it."""
    above, below = rules.similarity
    similar = f"similar size ({-(-pledge.size * below // above)} to {pledge.size * above // below})"
    net_minor = pledge.limit_minor - pledge.freight_minor - pledge.term_minor - pledge.fee_minor
    match reason:
        case "no_offer":
            return "nobody offers this product there in that month."
        case "limit_below_all_prices":
            asked = f"; nobody asks less than {_amount(min(steps)[0])}" if steps else ""
            return (
                "its limit, less its own freight, term and fee, reaches no price: it leaves "
                f"{_amount(net_minor)} for goods{asked}."
            )
        case "no_similar_size":
            return f"no other buyer there is of {similar}."
        case "too_few_members":
            return (
                f"the pools that were formed leave too few buyers of {similar}; "
                f"{rules.min_members} make one."
            )
        case "break_not_reached":
            reached = [lots for price, lots in steps if price <= net_minor]
            own = f"; its own limit pays for prices from {min(reached)} lots on" if reached else ""
            return (
                f"the pools that were formed leave buyers of {similar}, but their lots reach no "
                f"price break that all of them accept{own}."
            )
        case _:
            return "its pool was formed, but the suppliers' lots did not suffice."


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _rules(node: Node) -> tuple[Rules, int]:
    fields = node.fields("", "similarity min_members objective tick_minor")
    rules = Rules()
    similarity, min_members, objective = rules.similarity, rules.min_members, rules.objective
    if "similarity" in fields:
        above, below = fields["similarity"].items(max_items=2, min_items=2)
        similarity = (above.integer(1, MAX_RATIO_TERM), below.integer(1, MAX_RATIO_TERM))
        if similarity[0] < similarity[1]:
            fields["similarity"].refuse("must be a ratio of at least 1", list(similarity))
    if "min_members" in fields:
        min_members = fields["min_members"].integer(1, 1000)
    if "objective" in fields:
        chosen = fields["objective"].choice("stable", "surplus")
        objective = "stable" if chosen == "stable" else "surplus"
    tick = fields["tick_minor"].integer(1) if "tick_minor" in fields else 1
    return Rules(similarity, min_members, objective), tick


def _offer(node: Node, tick: int) -> Offer:
    fields = node.fields("id owner cell capacity breaks seq", "pack")
    pack = fields["pack"].integer(1, MAX_LOTS) if "pack" in fields else 1
    capacity = fields["capacity"].integer(1, MAX_LOTS)
    if capacity < pack:
        fields["capacity"].refuse("must hold at least one pack", capacity)
    breaks: list[tuple[int, int]] = []
    for entry in fields["breaks"].items(max_items=MAX_BREAKS, min_items=1):
        lots_node, price_node = entry.items(max_items=2, min_items=2)
        lots, price = lots_node.integer(1, MAX_LOTS), _price(price_node, tick)
        if breaks and lots <= breaks[-1][0]:
            lots_node.refuse("lots must rise from break to break", lots)
        if breaks and price > breaks[-1][1]:
            price_node.refuse("prices must not rise from break to break", price)
        breaks.append((lots, price))
    return Offer(
        id=fields["id"].text(),
        owner=fields["owner"].text(),
        cell=fields["cell"].text(),
        capacity=capacity,
        pack=pack,
        breaks=tuple(breaks),
        seq=fields["seq"].integer(0),
    )


def _price(node: Node, tick: int, *, least: int = 1) -> int:
    price = node.integer(least)
    if price % tick:
        node.refuse(f"must be on the tick of {tick}", price)
    return price


def _pledge(node: Node, tick: int) -> Pledge:
    pledge = _plain_pledge(node.value)
    if pledge is None or pledge.limit_minor % tick or pledge.freight_minor % tick:
        _refuse_pledge(node, tick)
    return pledge


def _plain_pledge(value: object) -> Pledge | None:
    """Return the pledge if every field is as it must be; a million of them come this way."""
    if type(value) is not dict or not _MUST <= value.keys() <= _MAY:
        return None
    for name in _TEXTS:
        text = value[name]
        if type(text) is not str or not 1 <= len(text) <= MAX_ID or not text.isprintable():
            return None
    for name, least, most in _RANGES:
        figure = value.get(name, least)
        if type(figure) is not int or not least <= figure <= most:
            return None
    pledge = Pledge(**value) if "size" in value else Pledge(**value, size=value["lots"])
    if (pledge.lots + pledge.tolerance) * pledge.limit_minor > MAX_TOTAL_MINOR:
        return None
    return pledge


_TEXTS = ("id", "owner", "cell")
_RANGES = (
    ("lots", 1, MAX_LOTS),
    ("size", 1, MAX_LOTS),
    ("tolerance", 0, MAX_LOTS),
    ("limit_minor", 1, MAX_INTEGER),
    ("freight_minor", 0, MAX_INTEGER),
    ("term_minor", 0, MAX_INTEGER),
    ("fee_minor", 0, MAX_INTEGER),
    ("seq", 0, MAX_INTEGER),
    ("tier", 0, MAX_TIER),
)
_MUST = frozenset(_PLEDGE_REQUIRED.split())
_MAY = _MUST | frozenset(_PLEDGE_OPTIONAL.split())


def _refuse_pledge(node: Node, tick: int) -> NoReturn:
    """Name the field, the rule and the figure."""
    fields = node.fields(_PLEDGE_REQUIRED, _PLEDGE_OPTIONAL)
    for name in _TEXTS:
        fields[name].text()
    for name, least, most in _RANGES:
        if name in fields:
            fields[name].integer(least, most)
    limit = _price(fields["limit_minor"], tick)
    if "freight_minor" in fields:
        _price(fields["freight_minor"], tick, least=0)
    more = fields["tolerance"].integer(0) if "tolerance" in fields else 0
    total = (fields["lots"].integer(1) + more) * limit
    node.refuse(f"lots × limit must not exceed {MAX_TOTAL_MINOR} minor units", total)


def _refuse_twins(pointer: str, ids: list[str]) -> None:
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    for place, name in enumerate(ids):
        if name in seen:
            raise BadInput(f"{pointer}/{place}/id", "ids must be unique", name)
        seen.add(name)


def _amount(minor: int) -> str:
    """Write minor units as an amount with two places; the laboratory's currencies have two."""
    whole, part = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{whole:,}.{part:02d}"
