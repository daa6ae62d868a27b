"""What a member saves: his landed price against his own last one and the last published one.

Both comparators are per lot before tax. The published price is a goods price, so his own
freight and the fee are put on top of it as on the pool's. A comparator that is not there is
named as missing, and nothing stands in for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.deals.history import OwnPrice, last_price
from aggregator.demand.terms import months_between
from aggregator.journal.facts import stamp
from aggregator.journal.reading import Pool, Reader
from aggregator.market import Actor
from aggregator.pools.landed import Landed, landed
from aggregator.pools.queries import state_of
from aggregator.pools.sight import check_seen
from aggregator.pools.state import State
from aggregator.pools.views import View
from matching.pools.progress import envelope

OWN_PRICE, PUBLISHED_PRICE = "own_price", "published_price"


@dataclass(frozen=True, slots=True)
class Published:
    """The last published goods price of a month."""

    tenor: str
    value_minor: int
    at: datetime


async def savings(
    actor: Actor,
    pool_id: str,
    published: Sequence[Published],
    *,
    freight_minor: int | None = None,
    reader: Reader | None = None,
) -> View:
    """Return the actor's saving at each break of a pool, and of his award if he has one.

    `published` are the last prices of the pool's instrument and region, one a month. Without
    `freight_minor` the freight of his pledge counts, or none.

    Raises:
        NotFound: there is no such pool.

    """
    source = reader or Pool()
    await check_seen(source, actor, pool_id)
    state = await state_of(source, pool_id)
    opened = state.opened
    assert opened is not None
    firm = actor.organisation_id
    pledged = state.pledges.get(firm)
    freight = freight_minor
    if freight is None:
        freight = pledged.freight_minor if pledged else 0
    own = await last_price(source, firm, opened.instrument_id, opened.region, not_from=pool_id)
    nearest = nearest_to(opened.tenor, published)
    index = None
    if nearest is not None:
        index = landed(nearest.value_minor, freight, opened.fees)
    against = _Comparators(own, index)
    award = pledged.award if pledged else None
    return {
        "pool_id": pool_id,
        "currency": opened.currency,
        "freight_minor": freight,
        "own_price": None if own is None else _own_view(own),
        "published_price": None
        if nearest is None or index is None
        else _published_view(nearest, index, opened.tenor),
        "missing": against.missing,
        "breaks": _at_breaks(state, freight, against),
        "award": None if award is None else against.row(award.goods_minor, award.landed_minor),
    }


def nearest_to(tenor: str, published: Sequence[Published]) -> Published | None:
    """Return the price of the month itself or the nearest one, the earlier of two."""
    return min(
        published,
        key=lambda price: (abs(months_between(tenor, price.tenor)), price.tenor),
        default=None,
    )


@dataclass(frozen=True, slots=True)
class _Comparators:
    own: OwnPrice | None
    index: Landed | None

    @property
    def missing(self) -> list[str]:
        given = ((OWN_PRICE, self.own), (PUBLISHED_PRICE, self.index))
        return [name for name, found in given if found is None]

    def row(self, goods_minor: int, landed_minor: int) -> View:
        """Return the savings of one landed price; below zero it costs more."""
        return {
            "goods_minor": goods_minor,
            "landed_minor": landed_minor,
            "saving_own_minor": self.own and self.own.landed_minor - landed_minor,
            "saving_published_minor": self.index and self.index.landed_minor - landed_minor,
        }


def _at_breaks(state: State, freight_minor: int, against: _Comparators) -> list[View]:
    assert state.opened is not None
    rows = []
    for from_lots, goods_minor in envelope(state.offers.values()):
        price = landed(goods_minor, freight_minor, state.opened.fees)
        rows.append({"from_lots": from_lots, **against.row(goods_minor, price.landed_minor)})
    return rows


def _own_view(own: OwnPrice) -> View:
    return {
        "deal_id": own.deal_id,
        "cell": own.cell,
        "landed_minor": own.landed_minor,
        "settled_at": stamp(own.settled_at),
    }


def _published_view(nearest: Published, index: Landed, tenor: str) -> View:
    return {
        "tenor": nearest.tenor,
        "is_same_month": nearest.tenor == tenor,
        "price_minor": nearest.value_minor,
        "landed_minor": index.landed_minor,
        "at": stamp(nearest.at),
    }
