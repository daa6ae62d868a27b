"""An offer as whoever may see it is shown it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aggregator.supply.queries import OfferView
from tests.builders import START, an_actor
from web.api.offers import _shown

VIEW = OfferView(
    id="off_1",
    seq=1,
    seller_id="mill",
    seller_name="糖厂",
    seller_name_en="Mill",
    owner_group="mill",
    cell="SUGAR-W1/GX/2027-03",
    breaks=((1, 500_000),),
    pack=1,
    capacity_lots=100,
    taken_lots=0,
    is_public=False,
    from_tier=1,
    for_kind=None,
    for_size=None,
    state="standing",
    published_at=START,
    valid_until=START,
)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({}, "tier"),
        ({"is_for_class": True}, "class"),
        ({"is_for_class": True, "is_named": True}, "named"),
        ({"is_public": True, "is_for_class": True}, "public"),
    ],
)
def test_who_sees_an_offer_is_told_why_and_nothing_of_its_audience(
    known: dict[str, bool], why: str
) -> None:
    shown = _shown(replace(VIEW, **known), an_actor("factory"), (), ("one", "two"))

    assert (shown["why"], shown["own"]) == (why, None)


def test_the_owner_of_an_offer_is_told_whom_it_is_for() -> None:
    shown = _shown(VIEW, an_actor("mill"), ("friends",), ("one", "two"))

    assert shown["why"] == "own"
    assert (shown["own"]["shown_to"], shown["own"]["from_tier"]) == (["friends"], "two")
