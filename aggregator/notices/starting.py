"""What is left to do for a firm that is new here, and which of it the asker can do himself.

For the operator it is what a new market lacks before anything can be traded in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aggregator.journal.reading import Pool
from aggregator.market import Actor
from aggregator.notices import letters
from aggregator.parties.permissions import MARKET_ROLES, OPERATOR

By = Literal["self", "owner", "finance", "trader", "host"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: who does it, and at which path of the pages.

    The `host` is who starts the server: what is a setting of it no page can do.
    """

    name: str
    by: By
    path: str
    is_done: bool
    is_mine: bool


# What anybody of the firm did, the asker sees; of how persons sign in, his own alone.
_DONE = """
select
  exists (select from person p where p.id = $2 and p.totp_since is not null)
    or exists (select from passkey k where k.person_id = $2) as second_factor,
  exists (select from mail_address a where a.person_id = $2 and a.verified_at is not null) as mail,
  exists (select from organisation o
          where o.id = $1 and coalesce(o.uscc, o.vat) is not null) as identity,
  exists (select from membership m where m.organisation_id = $1 and 'finance' = any(m.roles))
    and exists (select from membership m
                where m.organisation_id = $1 and m.roles && array['buyer', 'seller']) as people,
  exists (select from account a join posting p on p.account_id = a.id
          where a.organisation_id = $1 and a.purpose = 'cash') as money,
  exists (select from mandate_policy y where y.organisation_id = $1)
    or exists (select from mandate m where m.organisation_id = $1) as mandate,
  exists (select from command c where c.organisation_id = $1 and c.outcome = 'done'
          and c.act = any($3::text[])) as trade
"""
_TRADES = ("auctions.bid", "auctions.open", "forwards.offer", "forwards.order")
_TRADED = [*_TRADES, "pools.pledge", "supply.offer"]


_FOUNDED = """
select
  exists (select from region) as regions,
  exists (select from instrument) as products,
  exists (select from organisation o where o.kind <> all($1::text[])) as firm
"""


async def steps(actor: Actor, *, has_account: bool) -> list[Step]:
    """Return what a new firm does first, in that order, or for the operator what a market lacks.

    `has_account` says that the market's own bank account is entered, which firms pay in to.
    """
    if OPERATOR in actor.roles:
        return await _of_the_market(has_account=has_account)
    if actor.roles & MARKET_ROLES:
        return []
    [done] = await Pool().rows(_DONE, actor.organisation_id, actor.person_id, _TRADED)
    trades_at = "/offers" if "seller" in actor.roles else "/pools"
    found: list[tuple[str, By, str, str]] = [
        ("second_factor", "self", "/account#factor", "identity.manage"),
        ("mail", "self", "/account#mail", "notices.choose"),
        ("identity", "owner", "/account#company", "parties.declare"),
        ("people", "owner", "/people", "people.manage"),
        ("money", "finance", "/money", "settlement.pay_out"),
        ("mandate", "owner", "/mandates", "mandates.grant"),
        ("trade", "trader", trades_at, "auctions.bid"),
    ]
    return [
        Step(name, by, path, bool(done[name]), act in actor.grants)
        for name, by, path, act in found
        if name != "mail" or letters.is_on()
    ]


async def _of_the_market(*, has_account: bool) -> list[Step]:
    [done] = await Pool().rows(_FOUNDED, sorted(MARKET_ROLES))
    return [
        Step("regions", "self", "/desk#catalogue", done["regions"], is_mine=True),
        Step("products", "self", "/desk#catalogue", done["products"], is_mine=True),
        Step("account", "host", "", has_account, is_mine=False),
        Step("firm", "self", "/desk#register", done["firm"], is_mine=True),
    ]
