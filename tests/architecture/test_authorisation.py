"""Every act has its row: roles, relation and state; every route and frame is written twice."""

from __future__ import annotations

from aggregator.parties.permissions import ACTS, FINANCE, MARKET_ROLES, PERSONAL
from aggregator.parties.relations import RELATIONS
from tests.architecture.permitting import coded, private_things, whose, written
from web.api.routing import ENDPOINTS

COMMITTING = {"auctions.bid", "forwards.offer", "forwards.order", "pools.pledge", "supply.offer"}
RELEASING = {"deals.fund", "forwards.pay", "settlement.pay_out"}


def test_every_act_relates_to_something() -> None:
    assert set(ACTS) == set(RELATIONS)


def test_every_route_and_frame_is_written_by_hand_as_the_code_has_it() -> None:
    by_hand, by_code = written(), coded()

    assert set(by_hand) == set(by_code), "add the row to authorisation.txt"
    assert {key: sorted(kinds) for key, kinds in by_hand.items() if kinds != by_code[key]} == {}


def test_whose_a_thing_is_was_written_by_hand_as_its_act_relates_to_it() -> None:
    coded()
    to = {"self": {"self"}, "firm": {"firm", "event", "market"}}
    wrong = {
        key: (of, relation.to)
        for key, of in whose().items()
        if private_things(key[1]) and (relation := RELATIONS.get(ENDPOINTS[key].act))
        if relation.to not in to.get(of, {"party"})
    }

    assert wrong == {}


def test_who_commits_a_firm_never_releases_its_money() -> None:
    for act in COMMITTING:
        assert FINANCE not in ACTS[act]
    for act in RELEASING:
        assert ACTS[act] == {FINANCE}


def test_the_market_s_own_people_never_act_for_a_firm() -> None:
    wrong = [
        act
        for act, row in RELATIONS.items()
        if row.to in ("firm", "party")
        and act not in ("auctions.open", "commands.read", "notices.read", "parties.read")
        and not act.startswith("people.")
        and ACTS[act] & MARKET_ROLES
    ]

    assert wrong == []


def test_no_program_holds_an_act_that_only_a_person_does() -> None:
    assert set(ACTS) >= PERSONAL
