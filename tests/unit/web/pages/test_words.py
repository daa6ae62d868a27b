"""What the market can say, the pages can word: states, reasons, kinds, facts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest

from aggregator.deals import facts as deal_facts
from aggregator.deals.evidence import KINDS
from aggregator.deals.lines import CAPITAL, GOODS, INFORMATION, LOGISTICS, SERVICE_TAX, TAX
from aggregator.deals.stages import TRANSITIONS
from aggregator.deals.terms import DIMENSIONS
from aggregator.fulfilment import facts as goods_facts
from aggregator.fulfilment.returning import DISPOSITIONS, FREIGHT_BY
from aggregator.invoices import facts as invoice_facts
from aggregator.notices import telling
from aggregator.parties.registering import KINDS as FIRM_KINDS
from aggregator.pools.awarding import AUCTION_FAILED
from aggregator.pools.closing import NOT_CERTIFIED
from aggregator.scheduler.outages import TOLERATED
from matching.auctions import outages
from matching.auctions.events import Outcome
from matching.auctions.rules import Disclosure, Pricing
from matching.pools.values import Reason
from web.locale import keys, words

STATES = {state for afterwards in TRANSITIONS.values() for state in afterwards} | {"formed"}
FACTS = [
    name
    for module in (deal_facts, goods_facts, invoice_facts)
    for name, found in vars(module).items()
    if isinstance(found, type) and found.__module__ == module.__name__
]
NOTICES = re.findall(
    r'(?:_both|_money|_payment|_left_out|_members|Told)\((?:[\w.]+, )?"([a-z_]+)"',
    Path(telling.__file__).read_text(),
)


@pytest.mark.parametrize(
    ("prefix", "values"),
    [
        ("state", STATES),
        ("page.dimension", DIMENSIONS),
        ("page.disclosure", get_args(Disclosure)),
        ("page.disposition", DISPOSITIONS),
        ("page.evidence", KINDS),
        ("page.fact", FACTS),
        ("page.kind", FIRM_KINDS),
        ("page.line_kind", (GOODS, LOGISTICS, CAPITAL, INFORMATION, TAX, SERVICE_TAX)),
        ("page.outcome", get_args(Outcome)),
        ("page.pricing", get_args(Pricing)),
        ("page.reason", get_args(Reason)),
        ("page.reason", (AUCTION_FAILED, NOT_CERTIFIED)),
        ("page.pool.left_out", (*get_args(Reason), AUCTION_FAILED, NOT_CERTIFIED)),
        ("page.reason", FREIGHT_BY),
        ("page.return", FREIGHT_BY),
        ("notice", NOTICES),
    ],
)
def test_every_value_has_words(prefix: str, values: Iterable[str]) -> None:
    assert [value for value in values if f"{prefix}.{value}" not in keys("zh")] == []


def test_the_notices_are_found_in_the_source() -> None:
    assert {"auction_won", "deal_formed", "money_received", "pool_sold"} <= set(NOTICES)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_outage_rule_that_a_room_shows_is_the_one_that_counts(language: str) -> None:
    lost, added, least, longest = (
        TOLERATED,
        outages.GRACE,
        outages.LEAST_LEFT,
        outages.LONGEST_OUTAGE,
    )
    left = outages.least_left(2 * longest)
    minutes = [span.seconds // 60 for span in (least, longest, left)]
    counted = [lost.seconds, added.seconds, *minutes]

    shown = words(language, "page.auction.outage")

    assert shown is not None
    assert [int(figure) for figure in re.findall(r"[0-9]+", shown)] == counted
