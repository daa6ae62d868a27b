"""The authorisation table's other half: to what an act relates, and in which state it may be.

`permissions.ACTS` says which roles hold an act; here stands whose thing it is done to. The act
itself checks relation and state, and answers for a foreign thing as for an absent one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

To = Literal["self", "firm", "party", "event", "catalogue", "market"]
"""Oneself, one's own firm's thing, a thing one's firm is a party to, an event that is open to
one's firm, what is the same for everybody, or any firm's thing in the market's name."""


class Relation(NamedTuple):
    to: To
    states: str = "any"


RELATIONS: Mapping[str, Relation] = {
    "approvals.ask": Relation("firm", "none, waiting"),
    "approvals.decide": Relation("firm", "waiting"),
    "approvals.read": Relation("firm"),
    "approvals.substitute": Relation("self"),
    "audit.read": Relation("market", "ended"),
    "auctions.bid": Relation("event", "open"),
    "auctions.cancel": Relation("market", "scheduled, open, paused"),
    "auctions.open": Relation("firm", "none"),
    "auctions.pause": Relation("market", "open, paused"),
    "auctions.read": Relation("event"),
    "catalogue.define": Relation("catalogue"),
    "catalogue.read": Relation("catalogue"),
    "commands.read": Relation("firm"),
    "deals.answer_claim": Relation("party", "claimed"),
    "deals.cancel": Relation("party", "formed, funded"),
    "deals.decide_claim": Relation("market", "contested"),
    "deals.fund": Relation("party", "formed"),
    "deals.read": Relation("party"),
    "demand.read": Relation("firm"),
    "demand.request": Relation("firm", "draft, sent"),
    "feed.connect": Relation("self"),
    "forwards.accept": Relation("event", "talking"),
    "forwards.amend": Relation("party", "signed"),
    "forwards.call": Relation("party", "signed"),
    "forwards.confirm": Relation("party", "called"),
    "forwards.contracts": Relation("party"),
    "forwards.negotiate": Relation("market", "talking"),
    "forwards.offer": Relation("event", "open, talking"),
    "forwards.open": Relation("market", "none"),
    "forwards.order": Relation("event", "open, asking"),
    "forwards.pay": Relation("party", "signed"),
    "forwards.read": Relation("event"),
    "forwards.receive": Relation("firm"),
    "fulfilment.accept": Relation("party", "delivered"),
    "fulfilment.answer_ticket": Relation("party", "open"),
    "fulfilment.concede_ticket": Relation("party", "open"),
    "fulfilment.decide_ticket": Relation("market", "open"),
    "fulfilment.deliver": Relation("party", "shipping"),
    "fulfilment.photograph": Relation(
        "party", "shipping, delivered, disputed, accepted, invoiced, settled"
    ),
    "fulfilment.raise_ticket": Relation(
        "party", "funded, shipping, delivered, disputed, accepted, invoiced, settled"
    ),
    "fulfilment.resolve": Relation("market", "disputed"),
    "fulfilment.return": Relation("party", "settled"),
    "fulfilment.review": Relation("party", "settled, returned"),
    "fulfilment.ship": Relation("party", "funded, shipping"),
    "identity.manage": Relation("self"),
    "invoices.file": Relation("party", "invoiced, settled, returned"),
    "invoices.issue": Relation("party", "accepted"),
    "invoices.read": Relation("party"),
    "ledger.read": Relation("firm"),
    "mandates.grant": Relation("firm", "none"),
    "mandates.read": Relation("firm"),
    "mandates.reserve": Relation("firm", "unfunded"),
    "mandates.revoke": Relation("firm", "unfunded, open"),
    "mandates.rule": Relation("firm"),
    "notices.choose": Relation("self"),
    "notices.direct": Relation("firm"),
    "notices.read": Relation("firm"),
    "parties.agree": Relation("market", "waiting"),
    "parties.declare": Relation("firm"),
    "parties.read": Relation("party"),
    "parties.register": Relation("market"),
    "people.manage": Relation("firm"),
    "people.read": Relation("firm"),
    "people.stop_recovery": Relation("firm", "waiting, approved, open"),
    "pools.open": Relation("event", "none"),
    "pools.pledge": Relation("event", "gathering, firming"),
    "pools.read": Relation("event"),
    "pools.shortfall": Relation("party", "awarded"),
    "pools.stop": Relation("market", "gathering, firming"),
    "pools.substitute": Relation("firm", "offered"),
    "prices.audit": Relation("market"),
    "prices.review": Relation("market", "parked"),
    "reports.read": Relation("firm"),
    "settlement.assign": Relation("market", "unmatched"),
    "settlement.declare_account": Relation("firm", "none, proposed, unverified, verified"),
    "settlement.fail_payment": Relation("market", "ordered"),
    "settlement.file_payments": Relation("market", "ordered"),
    "settlement.import": Relation("market"),
    "settlement.pay_out": Relation("firm"),
    "settlement.read": Relation("market"),
    "standing.read": Relation("firm"),
    "standing.rule": Relation("market"),
    "supply.offer": Relation("firm", "none, standing"),
    "supply.read": Relation("event"),
    "support.grant": Relation("firm"),
    "support.use": Relation("market", "granted"),
    "trail.read": Relation("firm"),
}
