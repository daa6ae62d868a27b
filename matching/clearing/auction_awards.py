"""What an auction must award, worked out slowly from the bids: the checker's own reading.

A bid is a mapping with `bid_id`, `bidder`, `price_minor`, `score_minor`, `lots`,
`all_or_none` and `seq`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from matching.clearing.auction_rules import goodness

Bid = Mapping[str, Any]
Rules = Mapping[str, Any]


def order_of(rules: Rules, bids: Sequence[Bid], secret: bytes | None) -> list[Bid]:
    """Return bids best first; equal ones by the drawn ticket, or as they came."""

    def place(bid: Bid) -> tuple[int, str, int]:
        ticket = ""
        if secret is not None:
            ticket = hashlib.sha256(secret + bid["bid_id"].encode()).hexdigest()
        return -goodness(rules, bid["score_minor"]), ticket, bid["seq"]

    return sorted(bids, key=place)


def largest_remainders(total: int, weights: Sequence[int]) -> list[int]:
    """Divide whole lots in proportion; odd ones to the largest fractions, earlier first."""
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = [int(share) for share in exact]
    by_fraction = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_fraction[: total - sum(parts)]:
        parts[i] += 1
    return parts


def most_lots(rules: Rules) -> int:
    share = rules["max_share"]
    return int(rules["lots"] if share is None else rules["lots"] * share // 100)


def expected_awards(
    rules: Rules, standing: Sequence[Bid], secret: bytes | None
) -> tuple[dict[str, int], list[tuple[Bid, str]], int | None]:
    """Return lots by bid id, bids skipped with the reason, and the one price if there is one."""
    ranked = order_of(rules, standing, secret)
    good = [bid for bid in ranked if _meets_reserve(rules, bid)]
    skipped: list[tuple[Bid, str]] = []
    won: dict[str, int] = {}
    if rules["format"] == "second_price":
        won = {_key(bid): most_lots(rules) for bid in good[:1]}
    elif rules["shares"]:
        shares = rules["shares"][: len(good)] if rules["allow_single"] else rules["shares"]
        parts = largest_remainders(rules["lots"], shares) if shares else []
        pairs = zip(good, parts, strict=False)
        won = {_key(bid): min(part, bid["lots"]) for bid, part in pairs}
    else:
        left = rules["lots"]
        for price in dict.fromkeys(bid["score_minor"] for bid in good):
            group = [bid for bid in good if bid["score_minor"] == price]
            if left == 0:
                break
            share = _by_quota if rules["marginal"] == "pro_rata" else _by_order
            got, out = share(rules, group, left)
            won.update(got)
            skipped += out
            left -= sum(got.values())
    places = {_key(bid): i for i, bid in enumerate(good)}
    skipped.sort(key=lambda pair: places[_key(pair[0])])
    if rules["all_lots_or_none"] and sum(won.values()) < rules["lots"]:
        skipped += [(bid, "lots_missing") for bid in good if won.get(_key(bid))]
        won = {}
    return won, skipped, _one_price(rules, ranked, won)


def _key(bid: Bid) -> str:
    return str(bid["bidder"])


def _meets_reserve(rules: Rules, bid: Bid) -> bool:
    reserve = rules["reserve_minor"]
    return reserve is None or goodness(rules, bid["price_minor"]) >= goodness(rules, reserve)


def _too_little(rules: Rules, bid: Bid, lots: int) -> str:
    if bid["all_or_none"] and lots < bid["lots"]:
        return "all_or_none"
    return "below_minimum" if lots < min(rules["min_lots"], bid["lots"]) else ""


def _by_order(
    rules: Rules, group: Sequence[Bid], left: int
) -> tuple[dict[str, int], list[tuple[Bid, str]]]:
    won: dict[str, int] = {}
    out: list[tuple[Bid, str]] = []
    for bid in group:
        lots = min(bid["lots"], most_lots(rules), left - sum(won.values()))
        if lots == 0:
            break
        reason = _too_little(rules, bid, lots)
        if reason:
            out.append((bid, reason))
        else:
            won[_key(bid)] = lots
    return won, out


def _by_quota(
    rules: Rules, group: Sequence[Bid], left: int
) -> tuple[dict[str, int], list[tuple[Bid, str]]]:
    out: list[tuple[Bid, str]] = []
    claims = list(group)
    while claims:
        wanted = [min(bid["lots"], most_lots(rules)) for bid in claims]
        parts = wanted if sum(wanted) <= left else largest_remainders(left, wanted)
        short = [
            (bid["lots"], -i, _too_little(rules, bid, lots))
            for i, (bid, lots) in enumerate(zip(claims, parts, strict=True))
            if _too_little(rules, bid, lots)
        ]
        if not short:
            return {_key(bid): lots for bid, lots in zip(claims, parts, strict=True)}, out
        _, place, reason = min(short)
        out.append((claims.pop(-place), reason))
    return {}, out


def _one_price(rules: Rules, ranked: Sequence[Bid], won: Mapping[str, int]) -> int | None:
    winners = [bid for bid in ranked if won.get(_key(bid), 0)]
    if rules["pricing"] == "pay_as_bid" or not winners:
        return None
    worst = int(winners[-1]["price_minor"])
    if rules["pricing"] == "last_accepted":
        return worst
    prices = [
        int(bid["price_minor"])
        for bid in ranked
        if won.get(_key(bid), 0) < min(bid["lots"], most_lots(rules))
    ]
    stand_in = rules["start_minor"] if rules["reserve_minor"] is None else rules["reserve_minor"]
    if stand_in is not None:
        beyond = goodness(rules, stand_in) > goodness(rules, worst)
        prices.append(worst if beyond else stand_in)
    prices = [price for price in prices if goodness(rules, price) <= goodness(rules, worst)]
    return max(prices, key=lambda price: goodness(rules, price)) if prices else worst
