"""The checker of a division of members' lots over several suppliers, by its own arithmetic."""

from __future__ import annotations

from matching.clearing.auction_awards import largest_remainders
from matching.clearing.form import Document, exact_fields, member, require

_FIELDS = frozenset({"price_minor", "members", "certificate"})
_OF_A_MEMBER = frozenset({"lots", "due_minor", "level_minor", "levelled_minor"})
_CERTIFICATE = frozenset(
    {"kind", "rules_version", "inputs_sha256", "objective_minor", "bound_minor", "gap"}
)


def check(instance: Document, result: Document) -> None:
    """Check who delivers whom, the one price, and what is levelled between the members.

    Raises:
        GuaranteeBroken: the first guarantee found not to hold.

    """
    exact_fields(result, _FIELDS)
    exact_fields(result["certificate"], _CERTIFICATE)
    suppliers, members = instance["suppliers"], instance["members"]
    wanted = [one[1] for one in members]
    cost = sum(lots * price for _, lots, price in suppliers)
    require(sum(wanted) == sum(one[1] for one in suppliers), "lots", "not as many as are supplied")
    got = member(result, "members", dict)
    require(got.keys() == {one[0] for one in members}, "members", "one part for each member")
    for part in got.values():
        exact_fields(part, _OF_A_MEMBER)
    _check_lots(instance, got)
    price = member(result, "price_minor", int)
    beyond = price * sum(wanted) - cost
    require(0 <= beyond < sum(wanted), "price", f"{price} a lot is not what all cost")
    due = dict(zip(_in_order(instance), largest_remainders(cost, wanted), strict=True))
    level = {}
    for name, part in got.items():
        require(member(part, "due_minor", int) == due[name], "due", f"{name} owes {due[name]}")
        paid = sum(part["lots"][supplier] * own for supplier, _, own in suppliers)
        level[name] = due[name] - paid
        require(member(part, "level_minor", int) == level[name], "level", f"{name}: {level[name]}")
    _check_levelled(instance, got, level)
    certificate = result["certificate"]
    for name, figure in (("objective_minor", cost), ("bound_minor", cost), ("gap", 0)):
        require(member(certificate, name, int) == figure, name, f"must be {figure}")


def _in_order(instance: Document) -> list[str]:
    """Return the members' ids in order of arrival."""
    return [one[0] for one in instance["members"]]


def _check_lots(instance: Document, got: Document) -> None:
    """Check that each supplier serves all in proportion to what is not yet given out."""
    names = [one[0] for one in instance["suppliers"]]
    left = [one[1] for one in instance["members"]]
    shares = [member(got[name], "lots", dict) for name in _in_order(instance)]
    for share in shares:
        require(share.keys() == set(names), "lots", "a part of each supplier")
    for name, lots, _ in instance["suppliers"]:
        expected = largest_remainders(lots, left)
        found = [member(share, name, int) for share in shares]
        require(found == expected, "lots", f"{name} delivers {found}, not {expected}")
        left = [more - less for more, less in zip(left, expected, strict=True)]
    require(not any(left), "lots", "a member lacks lots")


def _check_levelled(instance: Document, got: Document, level: dict[str, int]) -> None:
    """Check that who is to pay pays what he has, and that it reaches who is to receive."""
    paid = {name: member(part, "levelled_minor", int) for name, part in got.items()}
    require(sum(paid.values()) == 0, "adds_up", "what is paid is not what is received")
    have = {one[0]: one[2] for one in instance["members"]}
    received = [name for name in _in_order(instance) if level[name] < 0]
    for name, due in level.items():
        if name not in received:
            most = min(due, have[name])
            require(paid[name] == most, "levelled", f"{name} pays {paid[name]}, not {most}")
    if received:
        total = -sum(paid[name] for name in received)
        parts = largest_remainders(total, [-level[name] for name in received])
        found = [-paid[name] for name in received]
        require(found == parts, "levelled", f"{received} receive {found}, not {parts}")
