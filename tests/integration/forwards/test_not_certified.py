"""What the checker refuses awards nothing, frees every deposit, and is told to the operator."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aggregator.forwards import certifying
from aggregator.forwards.facts import StripLapsed
from aggregator.journal.reading import Pool, entries
from aggregator.laboratory.clearing import GuaranteeBroken, clear_document
from aggregator.ledger.queries import balances
from aggregator.reactions import ON_TIMER
from aggregator.scheduler.timers import next_due_at
from aggregator.workers.ringing import ring_due
from matching.forwards.refusals import QuantityImpossible
from tests.builders import START, a_market, an_organisation, with_sugar
from tests.integration.forwards.signing import TENORS, a_strip, offer, order
from tests.integration.forwards.test_strip_life import a_buyer, a_mill
from web.api.problem import described


def _tampered(text: bytes) -> dict:
    result = clear_document(text)
    return {**result, "surplus_minor": result["surplus_minor"] + 1}


def _crashing(text: bytes) -> dict:
    raise MemoryError


@pytest.mark.parametrize("mechanism", [_tampered, _crashing])
async def test_a_result_that_is_not_certified_lapses_once(
    orm: str, monkeypatch: pytest.MonkeyPatch, mechanism: object
) -> None:
    market = a_market()
    await with_sugar(market)
    operator_id = await an_organisation(market, "The market", kind="operator")
    strip_id = await a_strip(market)
    buyer, mill = await a_buyer(market, "buyer"), await a_mill(market)
    await order(market, buyer, strip_id, TENORS[0], 40)
    await offer(market, mill, strip_id)
    monkeypatch.setattr(certifying, "clear_document", mechanism)

    market.clock.set(START + timedelta(days=2))
    await ring_due(market, ON_TIMER)

    last = (await entries(None, f"strip:{strip_id}"))[-1].fact
    assert isinstance(last, StripLapsed)
    assert last.reason == "not_certified"
    assert [row.held_minor for row in await balances(buyer.organisation_id)] == [0]
    told = await Pool().rows("select organisation_id, kind from notice order by kind")
    assert (operator_id, "strip_not_certified") in [tuple(row.values()) for row in told]
    assert (buyer.organisation_id, "strip_lapsed") in [tuple(row.values()) for row in told]
    assert await next_due_at() is None, "it is not tried for ever"


async def test_the_checker_names_what_does_not_hold(
    orm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = {"kind": "strip"}

    def refusing(*_: bytes) -> None:
        raise GuaranteeBroken("individual_rationality", "a pays more than his limit")

    monkeypatch.setattr(certifying, "clear_document", lambda _: {"awards": {}})
    monkeypatch.setattr(certifying, "check_documents", refusing)

    assert (await certifying.certify(instance)).broken == "individual_rationality"


@pytest.mark.parametrize(("language", "said"), [("zh", "手"), ("en", "lots are outside")])
def test_a_figure_that_the_mechanism_refuses_has_words(language: str, said: str) -> None:
    problem = described(QuantityImpossible("new", 19, 20, 40), language)

    assert said in problem.detail
    assert "new" not in problem.detail
