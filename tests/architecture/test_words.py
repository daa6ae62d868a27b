"""What the interface offers of an auction's rules is what the mechanism knows, word for word.

`web` may not import mechanisms, and a page imports nothing from Python: each says the words
itself, and here they are held together.
"""

import re
from typing import Any, get_args, get_type_hints

import pytest

from matching.auctions import rules
from tests.architecture.source import ROOT
from web.api.auctions import AuctionBody


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("side", rules.Side),
        ("format", rules.FormatName),
        ("pricing", rules.Pricing),
        ("marginal", rules.Marginal),
        ("tie", rules.Tie),
        ("improve", rules.Improve),
        ("disclosure", rules.Disclosure),
    ],
)
def test_the_body_of_an_auction_takes_the_words_of_the_mechanism(field: str, known: Any) -> None:
    assert get_args(get_type_hints(AuctionBody)[field]) == get_args(known)


def test_the_form_offers_every_format_in_the_same_order() -> None:
    page = (ROOT / "web/static/js/pages/auctions_open.js").read_text()
    listed = re.search(r"const FORMATS = \[(.*?)\];", page, re.DOTALL)
    assert listed is not None
    assert tuple(re.findall(r'"(\w+)"', listed[1])) == get_args(rules.FormatName)
