"""Bounds and answers of the price ladder against the exact search over boxes of prices."""

import pytest

from aggregator.laboratory import strip as laboratory
from aggregator.laboratory.reading import Node
from matching.forwards.bundle import bundled, is_lawful, surplus
from matching.forwards.pricing import supported
from matching.forwards.searching import best_of_all, best_supported
from matching.forwards.supporting import best_on_ladder
from tests.properties.strip_worlds import a_strip


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_no_supported_bundle_exceeds_the_bound_of_the_ladder(first: int):
    for seed in range(first, first + 30):
        orders, offers, tenors = 6 + seed % 5, 2 + seed % 2, 2 + seed % 3
        strip = a_strip(seed, orders=orders, offers=offers, tenors=tenors, price=60, lots=6)
        found = laboratory.read(Node(strip, ""))
        bundle = bundled(found.tenors, found.orders, found.offers, found.storage, found.rules)
        best = best_of_all(bundle, found.rules)
        exact = best_supported(bundle, found.rules, best)

        higher, bound = best_on_ladder(
            bundle, found.rules, best.relaxed, value=0, bound=best.bound, solves=60
        )

        assert exact.surplus <= bound <= best.bound, seed
        _, closer = best_on_ladder(
            bundle, found.rules, best.relaxed, value=exact.surplus - 1, bound=best.bound, solves=20
        )
        assert exact.surplus <= closer, "prices left out of the ladder are not needed"
        if higher is not None:
            assert higher.surplus == surplus(bundle, higher.allocation) <= exact.bound
            assert is_lawful(bundle, higher.allocation)
            assert supported(bundle, higher.allocation) is not None
