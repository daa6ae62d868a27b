"""Every route, asked by ten kinds of actor of an own, a traded, a foreign and an absent thing.

Who may do what, and whose a thing is, was written by hand (`authorisation.txt`), beside the code's
own table. Who is not in it is refused, in words that do not tell the four apart. Who is in it
cannot tell a foreign firm's thing from one that does not exist, and reaches what is his.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.api.test_deals import formed
from tests.api.world import FIRM_KINDS, FIRMS, SOON, World, edge_limits, world
from tests.architecture.permitting import KINDS, NOBODY, PLACE, private_things, whose, written
from web.api.routing import ENDPOINTS, Endpoint

__all__ = ["edge_limits", "world"]

# The other side of a trade knows of the thing, but the act is not his.
SIDES = {"party": ("own", "partner"), "buyer": ("own",), "seller": ("partner",)}
TRADED = {"party", "buyer", "seller"}
UNINVITED = {"auction_id": ["rival"], "pool_id": ["partner", "rival"]}
_TURNS = {"GET": 0, "POST": 1, "PUT": 1, "PATCH": 1, "DELETE": 2}


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_nobody_does_or_learns_what_is_not_his(world: World) -> None:
    named = {name for _, path in ENDPOINTS for name in PLACE.findall(path)}
    assert named <= {place.rpartition("/")[2] for place in world.ids}

    assert await _wrongly_refused(world) == []
    assert await _told_from_absent(world) == []
    assert await _reached_through_another(world) == []
    assert await _seen_uninvited(world) == []
    assert world.asked > 4_000


@pytest.mark.slow
async def test_each_side_reaches_what_is_its_own(world: World) -> None:
    by_hand, of = written(), whose()
    things = [
        (endpoint, SIDES.get(of[key], ("own",)), sorted(by_hand[key] & set(FIRM_KINDS)))
        for key, endpoint in sorted(ENDPOINTS.items(), key=lambda one: (_TURNS[one[0][0]], one[0]))
        if private_things(key[1])
    ]
    # Who may not do a thing leaves it as it is, so all of them ask first.
    let_in = [
        f"{endpoint.method} {endpoint.path} lets {firm} in: {found}"
        for endpoint, allowed, kinds in things
        for firm in sorted({"own", "partner"} - set(allowed))
        if set((found := await _found(world, firm, kinds, endpoint)).values()) - {403, 404}
    ]
    kept_out = []
    for endpoint, allowed, kinds in things:
        for firm in allowed if kinds else ():
            found = await _found(world, firm, kinds, endpoint)
            reached = {kind for kind, status in found.items() if status not in (401, 403, 404)}
            # A thing is changed or ended once, but read by all who may.
            is_shown = endpoint.method != "GET" or reached == set(kinds) - _unasked(endpoint.path)
            if not reached or not is_shown:
                kept_out.append(f"{endpoint.method} {endpoint.path} keeps {firm} out: {found}")

    assert (let_in, kept_out) == ([], [])


async def _wrongly_refused(world: World) -> list[str]:
    """Let whoever may not ask for everything, and return what he is told."""
    by_hand, wrong = written(), list[str]()
    for (method, path), endpoint in sorted(ENDPOINTS.items()):
        there, absent = world.named(path), world.named(path, absent=True)
        for kind in sorted(set(KINDS.values()) - by_hand[method, path]):
            askers = [world.people[firm][kind] for firm in FIRMS]
            answers = {await world.ask(asker, endpoint, there) for asker in askers}
            answers.add(await world.ask(askers[-1], endpoint, absent))
            statuses = {answer.status for answer in answers}
            if statuses != {401 if kind == NOBODY else 403}:
                wrong.append(f"{method} {path} answers {kind} with {sorted(statuses)}")
            elif len(answers) != 1:
                wrong.append(f"{method} {path} tells {kind} the four apart")
    return wrong


async def _told_from_absent(world: World) -> list[str]:
    """Let those of other firms, and colleagues, ask for what is not theirs."""
    by_hand, of, wrong = written(), whose(), list[str]()
    for (method, path), endpoint in sorted(ENDPOINTS.items()):
        for kind in sorted(by_hand[method, path] & set(FIRM_KINDS)) if private_things(path) else ():
            strangers = ["rival"] if of[method, path] in TRADED else ["partner", "rival"]
            if of[method, path] == "self" and kind != "owner":
                strangers.append("own")
            absent = await world.ask(world.rival[kind], endpoint, world.named(path, absent=True))
            for firm in strangers:
                foreign = await world.ask(world.people[firm][kind], endpoint, world.named(path))
                if foreign != absent or absent.status != 404:
                    wrong.append(f"{method} {path} tells {firm} {kind} {foreign} from {absent}")
    return wrong


async def _reached_through_another(world: World) -> list[str]:
    """Let who may see another parent, or both, ask for a child through the wrong one."""
    parties = {"buyer": world.rival["buyer"], "seller": world.partner["seller"]}
    parents = {
        "deal_id": await formed(world.served, parties, lots=10),
        "pool_id": await world.pool(SOON),
        "strip_id": await world.strip(SOON),
    }
    by_hand, wrong = written(), list[str]()
    for (method, path), endpoint in sorted(ENDPOINTS.items()):
        parent, *children = PLACE.findall(path) or [""]
        if parent not in parents or not children or endpoint.path.startswith("/parked-deals"):
            continue
        for kind in sorted(by_hand[method, path] & {*FIRM_KINDS, "operator"}):
            for firm in FIRMS:
                crossed, absent = [
                    await world.ask(world.people[firm][kind], endpoint, named | parents)
                    for named in (world.named(path), world.named(path, absent=True))
                ]
                if crossed != absent or crossed.status not in (403, 404):
                    wrong.append(f"{method} {path} tells {firm} {kind} {crossed} from {absent}")
    return wrong


async def _seen_uninvited(world: World) -> list[str]:
    """Let those who may ask for events ask for one that is not for their firm's eyes."""
    by_hand, wrong = written(), list[str]()
    for (method, path), endpoint in sorted(ENDPOINTS.items()):
        for event in world.hidden.keys() & set(PLACE.findall(path)):
            named = world.named(path, absent=True)
            for kind in sorted(by_hand[method, path] & {*FIRM_KINDS, NOBODY}):
                for firm in UNINVITED[event]:
                    asker = world.people[firm][kind]
                    absent = await world.ask(asker, endpoint, named | {event: f"{event}_none"})
                    hidden = await world.ask(asker, endpoint, named | world.hidden)
                    if hidden != absent or absent.status != 404:
                        wrong.append(f"{method} {path} tells {firm} {kind} {hidden} from {absent}")
    return wrong


async def _found(
    world: World, firm: str, kinds: Sequence[str], endpoint: Endpoint
) -> dict[str, int]:
    named = world.named(endpoint.path)
    return {
        kind: (await world.ask(world.people[firm][kind], endpoint, named)).status for kind in kinds
    }


def _unasked(path: str) -> set[str]:
    """Return who of the firm is shown no approval: neither who asks nor who may be asked."""
    return {"logistics", "seller", "viewer"} if path == "/approvals/{approval_id}" else set()
