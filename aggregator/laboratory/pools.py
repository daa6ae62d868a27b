"""`pools` on files: group buys read strictly, cleared, and told in a buyer's words."""

from __future__ import annotations

from collections.abc import Mapping
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

_PLEDGE_REQUIRED = "id owner cell lots limit_minor seq"
_PLEDGE_OPTIONAL = "size tolerance freight_minor term_minor fee_minor"


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
    currency = instance.currency
    lines = [
        f"{len(pledges)} pledges and {len(instance.offers)} offers make "
        f"{len(result['pools'])} pools; the buyers keep "
        f"{_amount(result['surplus_minor'])} {currency} below their limits."
    ]
    for number, pool in enumerate(result["pools"], 1):
        members = pool["members"]
        lines.append(
            f"Pool {number}: {len(members)} buyers take {pool['lots']} lots from "
            f"{pool['offer']} at {_amount(pool['goods_minor'])} {currency} a lot; "
            f"everyone pays this goods price and his own freight, term and fee."
        )
        for member in members:
            limit = pledges[member["pledge"]].limit_minor
            lines.append(
                f"  {member['pledge']}: {member['lots']} lots at "
                f"{_amount(member['landed_minor'])} landed, "
                f"{_amount(member['amount_minor'])} in all, "
                f"{_amount(limit - member['landed_minor'])} a lot below the limit."
            )
    lines += [
        f"Lots are scarce in {cell['cell']}: {cell['lots']} are served. What is scarce is shared "
        f"by equal awards; limits buy no priority, but here they are not promised to be safe to "
        f"tell."
        for cell in result["certificate"]["rationed"]
    ]
    lines += [
        f"{left['pledge']} is left out: {_REASONS[left['reason']]}" for left in result["unmatched"]
    ]
    return "\n".join(lines)


_REASONS = {
    "no_offer": "nobody offers this product there in that month.",
    "limit_below_all_prices": "its limit, less its own freight, term and fee, reaches no price.",
    "no_similar_size": "no other buyer there is of similar size.",
    "too_few_members": "too few buyers of similar size are still without a pool.",
    "break_not_reached": "buyers of similar size are there, but their lots reach no price break "
    "that all of them accept.",
    "capacity": "its pool was formed, but the suppliers' lots did not suffice.",
}


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


def _price(node: Node, tick: int) -> int:
    price = node.integer(1)
    if price % tick:
        node.refuse(f"must be on the tick of {tick}", price)
    return price


def _pledge(node: Node, tick: int) -> Pledge:
    pledge = _plain_pledge(node.value)
    if pledge is None or pledge.limit_minor % tick:
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
)
_MUST = frozenset(_PLEDGE_REQUIRED.split())
_MAY = _MUST | frozenset(_PLEDGE_OPTIONAL.split())


def _refuse_pledge(node: Node, tick: int) -> NoReturn:
    """Name the field, the rule and the figure."""
    fields = node.fields(_PLEDGE_REQUIRED, _PLEDGE_OPTIONAL)
    for name in _TEXTS:
        text = fields[name].text()
        if not text.isprintable():
            fields[name].refuse("must hold printable characters only")
    for name, least, most in _RANGES:
        if name in fields:
            fields[name].integer(least, most)
    limit = fields["limit_minor"].integer(1)
    if limit % tick:
        fields["limit_minor"].refuse(f"must be on the tick of {tick}", limit)
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
