"""The authorisation table: which roles hold which act. What is not here, nobody may do.

Buying and paying are separate: a role that commits the firm never releases its money.
Whether the thing acted on is the actor's own is checked by the act itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

BUYER, SELLER, FINANCE, LOGISTICS = "buyer", "seller", "finance", "logistics"
APPROVER, OWNER, VIEWER = "approver", "owner", "viewer"
OPERATOR, AUDITOR = "operator", "auditor"

ROLES = frozenset({BUYER, SELLER, FINANCE, LOGISTICS, APPROVER, OWNER, VIEWER, OPERATOR, AUDITOR})
MARKET_ROLES = frozenset({OPERATOR, AUDITOR})
FIRM = frozenset({BUYER, SELLER, FINANCE, LOGISTICS, APPROVER, OWNER, VIEWER})
ANYONE = ROLES


def _roles(*names: str) -> frozenset[str]:
    return frozenset(names)


ACTS: Mapping[str, frozenset[str]] = {
    "approvals.ask": _roles(BUYER, SELLER),
    "approvals.decide": _roles(APPROVER, BUYER, FINANCE, OWNER, SELLER),
    "approvals.read": FIRM,
    "approvals.substitute": _roles(APPROVER, BUYER, FINANCE, OWNER, SELLER),
    "audit.read": _roles(AUDITOR),
    "auctions.bid": _roles(BUYER, SELLER),
    "auctions.cancel": _roles(OPERATOR),
    "auctions.open": _roles(BUYER, SELLER, OPERATOR),
    "auctions.pause": _roles(OPERATOR),
    "auctions.read": ANYONE,
    "catalogue.define": _roles(OPERATOR),
    "catalogue.read": ANYONE,
    "commands.read": ANYONE,
    "deals.answer_claim": _roles(SELLER),
    "deals.cancel": _roles(BUYER, SELLER),
    "deals.decide_claim": _roles(OPERATOR),
    "deals.fund": _roles(FINANCE),
    "deals.read": FIRM,
    "demand.read": _roles(BUYER, APPROVER, OWNER),
    "demand.request": _roles(BUYER),
    "feed.connect": ANYONE,
    "forwards.accept": _roles(SELLER, OPERATOR),
    "forwards.amend": _roles(BUYER, SELLER),
    "forwards.call": _roles(BUYER, LOGISTICS),
    "forwards.confirm": _roles(SELLER, LOGISTICS),
    "forwards.contracts": FIRM,
    "forwards.negotiate": _roles(OPERATOR),
    "forwards.offer": _roles(SELLER),
    "forwards.open": _roles(OPERATOR),
    "forwards.order": _roles(BUYER),
    "forwards.pay": _roles(FINANCE),
    "forwards.read": ANYONE,
    "forwards.receive": _roles(BUYER, LOGISTICS),
    "fulfilment.accept": _roles(BUYER, LOGISTICS),
    "fulfilment.answer_ticket": _roles(BUYER, SELLER, FINANCE, LOGISTICS),
    "fulfilment.concede_ticket": _roles(SELLER),
    "fulfilment.decide_ticket": _roles(OPERATOR),
    "fulfilment.deliver": _roles(SELLER, LOGISTICS),
    "fulfilment.photograph": _roles(BUYER, SELLER, LOGISTICS),
    "fulfilment.raise_ticket": _roles(BUYER, SELLER, FINANCE, LOGISTICS),
    "fulfilment.resolve": _roles(OPERATOR),
    "fulfilment.return": _roles(BUYER, LOGISTICS),
    "fulfilment.review": _roles(BUYER, SELLER),
    "fulfilment.ship": _roles(SELLER, LOGISTICS),
    "identity.manage": ANYONE,
    "invoices.file": _roles(SELLER, FINANCE),
    "invoices.issue": _roles(SELLER, FINANCE),
    "invoices.read": FIRM,
    "ledger.read": _roles(FINANCE, OWNER, BUYER, SELLER, APPROVER),
    "mandates.grant": _roles(OWNER),
    "mandates.read": FIRM,
    "mandates.reserve": _roles(FINANCE),
    "mandates.revoke": _roles(FINANCE, OWNER),
    "mandates.rule": _roles(OWNER),
    "notices.choose": ANYONE,
    "notices.direct": _roles(OWNER),
    "notices.read": ANYONE,
    "parties.agree": _roles(OPERATOR),
    "parties.declare": _roles(OWNER),
    "parties.read": ANYONE,
    "parties.register": _roles(OPERATOR),
    "people.manage": _roles(OWNER),
    "people.read": ANYONE,
    "people.stop_recovery": ANYONE,
    "pools.open": _roles(BUYER, OPERATOR),
    "pools.pledge": _roles(BUYER),
    "pools.read": ANYONE,
    "pools.shortfall": _roles(SELLER),
    "pools.stop": _roles(OPERATOR),
    "pools.substitute": _roles(BUYER),
    "prices.audit": _roles(OPERATOR, AUDITOR),
    "prices.review": _roles(OPERATOR),
    "reports.read": _roles(OWNER),
    "settlement.assign": _roles(OPERATOR),
    "settlement.declare_account": _roles(FINANCE, OWNER),
    "settlement.fail_payment": _roles(OPERATOR),
    "settlement.file_payments": _roles(OPERATOR),
    "settlement.import": _roles(OPERATOR),
    "settlement.pay_out": _roles(FINANCE),
    "settlement.read": _roles(OPERATOR),
    "standing.read": FIRM,
    "standing.rule": _roles(OPERATOR),
    "supply.offer": _roles(SELLER),
    "supply.read": ANYONE,
    "support.grant": _roles(OWNER),
    "support.use": _roles(OPERATOR),
    "trail.read": _roles(OWNER),
}


PERSONAL = frozenset(
    {
        "approvals.decide",
        "approvals.substitute",
        "identity.manage",
        "mandates.grant",
        "mandates.rule",
        "notices.choose",
        "notices.direct",
        "parties.agree",
        "parties.declare",
        "people.manage",
        "people.stop_recovery",
        "settlement.declare_account",
        "settlement.pay_out",
        "support.grant",
        "support.use",
    }
)
"""Acts that only a person does, never a program's token."""


def grants_of(roles: Iterable[str]) -> frozenset[str]:
    """Return the acts that any of `roles` holds: for the same roles the very same set."""
    return _grants_of(frozenset(roles))


@lru_cache(maxsize=512)
def _grants_of(held: frozenset[str]) -> frozenset[str]:
    # One set for all who hold them: what looks a set up need not compare it act by act.
    return frozenset(act for act, allowed in ACTS.items() if held & allowed)
