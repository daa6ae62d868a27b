"""Amounts up to the largest: a bundle is cleared whatever the solver makes of them."""

import json

import pytest

from aggregator.laboratory.clearing import check_documents, clear_document
from tests.properties.strip_worlds import a_strip

DEAREST = 10**12


@pytest.mark.parametrize("seed", [11, 13, 22, 43])
def test_a_bundle_of_the_dearest_lots_is_cleared_and_its_result_checked(seed: int) -> None:
    pricing = ["supported", "make_whole"][seed % 2]
    counts = {"orders": 1 + seed % 9, "offers": 1 + seed % 4, "tenors": 1 + seed % 4}
    strip = a_strip(seed, lots=100, price=DEAREST, pricing=pricing, **counts)
    instance = json.dumps(strip).encode()

    result = clear_document(instance)

    check_documents(instance, json.dumps(result).encode())
    assert any(result["awards"].values())
