"""The engine against the checker's plain replay, which shares no line with it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aggregator.laboratory.clearing import check_documents, clear_document
from aggregator.laboratory.reading import BadInput
from matching.clearing.certificate import GuaranteeBroken
from tests.properties.auction_worlds import announced_auctions, book_auctions, package_auctions

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def cleared(instance: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    text = json.dumps(instance).encode()
    try:
        return text, clear_document(text)
    except BadInput:
        assume(False)
        raise


@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
@given(book_auctions())
def test_the_engine_and_the_plain_replay_agree_on_bids(instance) -> None:
    text, result = cleared(instance)

    check_documents(text, json.dumps(result).encode())


@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
@given(announced_auctions())
def test_the_engine_and_the_plain_replay_agree_on_announced_prices(instance) -> None:
    text, result = cleared(instance)

    check_documents(text, json.dumps(result).encode())


@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
@given(package_auctions())
def test_the_engine_and_the_plain_replay_agree_on_packages(instance) -> None:
    text, result = cleared(instance)

    check_documents(text, json.dumps(result).encode())


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in leaves(part, (*path, key))]
    if isinstance(value, list):
        return [leaf for key, part in enumerate(value) for leaf in leaves(part, (*path, key))]
    return [path]


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return 7 if value is None else f"{value}x"


@settings(max_examples=100, deadline=None, suppress_health_check=QUIET)
@given(st.one_of(book_auctions(), announced_auctions(), package_auctions()), st.data())
def test_no_changed_result_passes(instance, data) -> None:
    text, result = cleared(instance)
    path = data.draw(st.sampled_from(leaves(result)))
    broken = copy.deepcopy(result)
    place = broken
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = changed(place[path[-1]])

    with pytest.raises(GuaranteeBroken):
        check_documents(text, json.dumps(broken).encode())
