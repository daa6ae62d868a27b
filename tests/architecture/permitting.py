"""Who may ask what: as it is written by hand, and as the code's table has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from aggregator.parties.permissions import ACTS, FIRM, ROLES
from aggregator.topics import TOPICS
from web import api
from web.api.routing import ENDPOINTS, PUBLIC, SIGNED_IN
from web.feed.operations import OPERATIONS
from web.feed.protocol import ANONYMOUS_PREFIX

NOBODY = "nobody"
KINDS = {
    "A": "approver",
    "B": "buyer",
    "F": "finance",
    "L": "logistics",
    "N": NOBODY,
    "O": "owner",
    "S": "seller",
    "U": "auditor",
    "V": "viewer",
    "X": "operator",
}
PLACE = re.compile(r"\{(\w+)\}")
PUBLIC_THINGS = {
    *("act", "auction_id", "instrument", "number", "pool_id", "region", "strip_id", "tenor"),
    "year",
}
_WRITTEN = Path(__file__).with_name("authorisation.txt")
_GROUPS = {
    "all": ROLES | {NOBODY},
    "firm": FIRM,
    "people": ROLES,
}


def written() -> dict[tuple[str, str], frozenset[str]]:
    """Return the kinds of actor by method and path, by `FEED` and operation, or by `TOPIC`."""
    return {
        (method, path): _GROUPS.get(kinds) or frozenset(KINDS[sign] for sign in kinds)
        for method, path, kinds, _ in _rows()
    }


def whose() -> dict[tuple[str, str], str]:
    """Return whose the thing in a path is by method and path; `firm` where it is not said."""
    return {(method, path): of for method, path, _, of in _rows()}


def private_things(path: str) -> set[str]:
    """Return the names in a path that stand for what not everybody may know."""
    return set(PLACE.findall(path)) - PUBLIC_THINGS


def coded() -> dict[tuple[str, str], frozenset[str]]:
    """Return the same of what is served."""
    api.load()
    found = {key: _holders(endpoint.act) for key, endpoint in ENDPOINTS.items()}
    for op, operation in OPERATIONS.items():
        found["FEED", op] = _holders(operation.endpoint.act)
    for topic in TOPICS:
        found["TOPIC", topic] = _holders(PUBLIC if topic == ANONYMOUS_PREFIX else SIGNED_IN)
    return found


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for line in _WRITTEN.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            method, path, kinds, *of = line.split()
            yield method, path, kinds, "".join(of) or "firm"


def _holders(act: str) -> frozenset[str]:
    if act == PUBLIC:
        return _GROUPS["all"]
    return ROLES if act == SIGNED_IN else ACTS[act]
