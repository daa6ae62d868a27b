"""Who may ask what: as it is written by hand, and as the code's table has it."""

from __future__ import annotations

from pathlib import Path

from aggregator.parties.permissions import ACTS, FIRM, ROLES
from web import api
from web.api.routing import ENDPOINTS, PUBLIC, SIGNED_IN
from web.feed.operations import OPERATIONS

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
_WRITTEN = Path(__file__).with_name("authorisation.txt")
_GROUPS = {
    "all": ROLES | {NOBODY},
    "firm": FIRM,
    "people": ROLES,
}


def written() -> dict[tuple[str, str], frozenset[str]]:
    """Return the kinds of actor by method and path, or by `FEED` and operation."""
    found = {}
    for line in _WRITTEN.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        method, path, kinds = line.split()
        found[method, path] = _GROUPS.get(kinds) or frozenset(KINDS[sign] for sign in kinds)
    return found


def coded() -> dict[tuple[str, str], frozenset[str]]:
    """Return the same of what is served."""
    api.load()
    found = {key: _holders(endpoint.act) for key, endpoint in ENDPOINTS.items()}
    for op, operation in OPERATIONS.items():
        found["FEED", op] = _holders(operation.endpoint.act)
    return found


def _holders(act: str) -> frozenset[str]:
    if act == PUBLIC:
        return _GROUPS["all"]
    return ROLES if act == SIGNED_IN else ACTS[act]
