"""Which records of an auction that is over its rules open, and to whom.

One reading for whoever writes a bundle and for whoever checks that nothing was kept from him.
"""

from __future__ import annotations

from matching.auctions.rules import Rules

PUBLIC, BIDDER, OWNER, OPERATOR, AUDITOR = "public", "bidder", "owner", "operator", "auditor"
AUDIENCES = (PUBLIC, BIDDER, OWNER, OPERATOR, AUDITOR)

ALWAYS_OPEN = frozenset(
    [
        "listed",
        "rules",
        "round",
        "extended",
        "paused",
        "resumed",
        "withdrawn",
        "closed",
        "cancelled",
    ],
)
OF_BIDDERS = frozenset(["bid", "demand", "package", "proof", "award", "left_out"])
KINDS = ALWAYS_OPEN | OF_BIDDERS | {"reserve", "standing", "result"}


def shown_kinds(rules: Rules, audience: str, *, is_cancelled: bool) -> frozenset[str]:
    """Return the kinds of which a reader sees every record; of the others he sees his own."""
    is_insider = audience in (OWNER, OPERATOR, AUDITOR)
    word = rules.to_observers if audience == PUBLIC else rules.disclosure
    is_open = word == "full" and not (rules.is_sealed and is_cancelled)
    found = set(ALWAYS_OPEN)
    # A cancellation ends nothing that was hidden: nobody won, so nobody need be shown.
    if is_open or audience == AUDITOR or (is_insider and not is_cancelled):
        found |= OF_BIDDERS
    if is_insider or word in ("full", "best"):
        found.add("result")
    if rules.reserve_is_public or audience in (OWNER, AUDITOR):
        found.add("reserve")
    return frozenset(found)
