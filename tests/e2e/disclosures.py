"""Who else may know what a firm says in an act: the declared disclosures, each with its clause.

Whatever an act says that is not here stays between its firm and the market, and the market's own
people are no exception. A rule is given the value and what the test's acts tell of the firms, and
returns who may know it besides, from an instant on or from ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from tests.e2e.canaries import EVERYBODY, Knows, Rule, Said, Scene

_SHARED = ("call_off_id", "proposal_id")
"""What only the parties of a contract act on."""
_AT_THE_CLOSE = ("sealed_first", "sealed_uniform", "second_price", "packages")


def everybody(_said: Said, _scene: Scene) -> Knows:
    return {EVERYBODY: None}


def the_firm_named(said: Said, scene: Scene) -> Knows:
    """The firm of the path, which the market's desk speaks of."""
    return {said.path["organisation_id"]: None}


def whom_it_names(said: Said, _scene: Scene) -> Knows:
    """The firm whose id it is, which knows its own and learns nothing else of the act."""
    return {str(said.value): None}


def the_payee(said: Said, scene: Scene) -> Knows:
    """The firm that goes by the reference on the bank's line."""
    return dict.fromkeys(_referred_to(scene, str(said.beside.get("remittance"))))


def the_payees(said: Said, scene: Scene) -> Knows:
    """The firms of all lines that were taken in together."""
    return dict.fromkeys(_referred_to(scene, said.act.asked.text))


def the_firm_and_who_meets_it(said: Said, scene: Scene) -> Knows:
    """A firm's name and number: the other side of its trades, and all where it offers."""
    answer: Mapping[str, Any] = said.act.told.json
    firm = str(answer.get("organisation_id", ""))
    met = {other for firms in _traded(scene) if firm in firms for other in firms}
    shown = {EVERYBODY} if firm in _public(scene) else set()
    return dict.fromkeys({firm} | met | shown)


def partners(said: Said, scene: Scene) -> Knows:
    """Whoever trades with the firm: acts on the same deal, contract or auction."""
    return dict.fromkeys(
        firm for firms in _traded(scene) if firms & said.act.firms for firm in firms
    )


def both_parties(said: Said, scene: Scene) -> Knows:
    """The buyer and the seller of the deal."""
    return dict.fromkeys(scene.deals.get(said.path["deal_id"], ()))


def both_parties_and_the_desk(said: Said, scene: Scene) -> Knows:
    """The buyer and the seller, and the market's people, who are to decide."""
    return {**both_parties(said, scene), **dict.fromkeys(scene.desks)}


def the_two_sides(said: Said, scene: Scene) -> Knows:
    """Who talks of the bundle and who sells: the desk and the mills; not another buyer."""
    mills = _accepting(scene, said.path["strip_id"]) | _sellers_to(said.act.firms, scene)
    return dict.fromkeys(mills | scene.desks)


def the_supplier(said: Said, scene: Scene) -> Knows:
    """Who sells to the firm, once the pool is closed: only he learns who takes what."""
    for act, route, _ in scene.acts:
        if route == "POST /pools" and act.told.json["pool_id"] == said.path["pool_id"]:
            closes_at = _instant(act.asked.json["closes_at"])
            return dict.fromkeys(_sellers_to(said.act.firms, scene), closes_at)
    return {}


def the_desk(said: Said, scene: Scene) -> Knows:
    return dict.fromkeys(scene.desks)


def all_in_the_window(said: Said, scene: Scene) -> Knows:
    """Whoever orders or offers in the window, and whom they hand a month on to."""
    inside = _acting(scene, "strip_id", said.path["strip_id"])
    taking = [firms for firms in _traded(scene) if firms & inside]
    return dict.fromkeys(inside.union(*taking))


def as_the_auction_says(said: Said, scene: Scene) -> Knows:
    """A bid: to all at once or to the auction's owner, as its rules say; sealed, at the close."""
    rules = _rooms(scene).get(said.path["auction_id"])
    if rules is None:
        return {}
    owners = _owners(said.path["auction_id"], scene)
    if rules["format"] in _AT_THE_CLOSE:
        return dict.fromkeys((*owners, EVERYBODY), _instant(rules["closes_at"]))
    if rules["disclosure"] in ("rank", "blind"):
        return dict.fromkeys(owners, _instant(rules["closes_at"]))
    return {EVERYBODY: None}


def once_approved(said: Said, scene: Scene) -> Knows:
    """What waits for a yes is the firm's own; then it is a bid, or a purchase, as any other."""
    body, approval_id = said.act.asked.json, said.act.told.json["approval_id"]
    for act, route, path in scene.acts:
        is_yes = route == "POST /approvals/{approval_id}/approve" and act.asked.at is not None
        if not is_yes or path["approval_id"] != approval_id or body["act"] != "auctions.bid":
            continue
        if body["subject"] == "market":
            is_public = said.name.removeprefix("terms/") in _RULES_OF_AN_AUCTION
            return {EVERYBODY: act.asked.at} if is_public else {}
        bid = replace(said, path={"auction_id": body["subject"]})
        shown = as_the_auction_says(bid, scene)
        return {firm: since or act.asked.at for firm, since in shown.items()}
    return {}


def as_the_offer_says(said: Said, scene: Scene) -> Knows:
    """An offer: to everybody, unless it is for some alone."""
    body: Mapping[str, Any] = said.act.asked.json
    is_public = body.get("is_public", True) and not body.get("audience")
    return {EVERYBODY: None} if is_public else {}


def _referred_to(scene: Scene, text: str) -> set[str]:
    """Return the firms whose deposit reference is in a text; not one that several claim."""
    firms: dict[str, set[str]] = {}
    for one in scene.heard.exchanges:
        answer = one.told.json
        reference = answer.get("deposit_reference") if isinstance(answer, dict) else None
        if reference and reference in text:
            named = answer.get("organisation_id") or answer.get("organisation")
            known = {str(named)} if named else one.firms
            firms.setdefault(reference, set()).update(known)
    return {firm for known in firms.values() if len(known) == 1 for firm in known}


def _owners(auction_id: str, scene: Scene) -> frozenset[str]:
    """Return who has opened an auction; nobody, where a pool has."""
    for act, route, _ in scene.acts:
        if route == "POST /auctions" and act.told.json["auction_id"] == auction_id:
            return act.firms
    return frozenset()


@lru_cache(maxsize=1)
def _rooms(scene: Scene) -> dict[str, Mapping[str, Any]]:
    """Return the rules of each auction, as it was opened or as it was shown first."""
    usual = {"format": "english", "disclosure": "auto"}
    shown: dict[str, Mapping[str, Any]] = {
        act.told.json["auction_id"]: {**usual, **act.asked.json}
        for act, route, _ in scene.acts
        if route == "POST /auctions"
    }
    for one in scene.heard.exchanges:
        answer = one.told.json
        if isinstance(answer, dict) and {"auction_id", "format", "disclosure"} <= answer.keys():
            shown.setdefault(answer["auction_id"], answer)
    return shown


def _acting(scene: Scene, name: str, thing: str) -> set[str]:
    return {firm for act, _, path in scene.acts if path.get(name) == thing for firm in act.firms}


def _accepting(scene: Scene, strip_id: str) -> set[str]:
    return {
        firm
        for act, route, path in scene.acts
        if route == "POST /strips/{strip_id}/rounds/accept" and path["strip_id"] == strip_id
        for firm in act.firms - scene.desks
    }


@lru_cache(maxsize=1)
def _traded(scene: Scene) -> list[set[str]]:
    """Return the firms of each trade: of a deal, of a contract, and a bidder with the owner."""
    met = [set(firms) for firms in scene.deals.values()]
    sharing: dict[str, set[str]] = {}
    for act, route, path in scene.acts:
        answer = act.told.json or {}
        for name in _SHARED:
            thing = path.get(name) or answer.get(name)
            if thing:
                sharing.setdefault(str(thing), set()).update(act.firms)
        owners = _owners(path["auction_id"], scene) if "auction_id" in path else None
        if owners:
            met.append({*owners, *act.firms})
        if route == "POST /strips/{strip_id}/orders":
            met += [{mill, *act.firms} for mill in _accepting(scene, path["strip_id"])]
    return [*met, *sharing.values()]


def _sellers_to(firms: frozenset[str], scene: Scene) -> set[str]:
    return {seller for buyer, seller in scene.deals.values() if buyer in firms}


def _public(scene: Scene) -> set[str]:
    """Return the firms that stand before everybody: with an offer or with an auction."""
    shown = ("POST /offers", "POST /auctions")
    return {firm for act, route, _ in scene.acts if route in shown for firm in act.firms}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


_RULES_OF_AN_AUCTION = ("answer.auction_id", "cell", "items", "lots", "start", "step", "title")
_PUBLISHED: Mapping[str, Rule] = {"*": everybody}
_DEAL: Mapping[str, Rule] = {"*": both_parties}
_TICKET: Mapping[str, Rule] = {"*": both_parties_and_the_desk}
_PLEDGE: Mapping[str, Rule] = {
    "answer.pool_id": everybody,
    "lots": the_supplier,
    # 7: of a contract's price each part is shown, and the freight is one.
    "freight": the_supplier,
}
_CONTRACT: Mapping[str, Rule] = {"*": partners, "to": everybody, "terms_sha256": partners}

DISCLOSURES: Mapping[str, Mapping[str, Rule]] = {
    # 1: instruments, regions and their calendars are published.
    "POST /instruments": _PUBLISHED,
    "POST /regions": _PUBLISHED,
    "PUT /calendars/{region}/{year}": _PUBLISHED,
    "POST /instruments/{instrument}/adjustments": _PUBLISHED,
    # 2: an offer is visible to everybody, to a class or to named firms.
    "POST /offers": {"*": as_the_offer_says},
    # 3, 5: the rules of a group buy and of a window are shown to all who may join.
    "POST /pools": _PUBLISHED,
    "POST /pools/{pool_id}/pledges": _PLEDGE,
    "PATCH /pools/{pool_id}/pledges/{pledge_id}": _PLEDGE,
    "DELETE /pools/{pool_id}/pledges/{pledge_id}": _PLEDGE,
    "POST /pools/{pool_id}/preview": _PLEDGE,
    "POST /strips": _PUBLISHED,
    "POST /strips/{strip_id}/orders": {"answer.strip_id": everybody, "lots": the_two_sides},
    "POST /strips/{strip_id}/offers": {"answer.strip_id": everybody},
    # 5: each round's terms are recorded, and a buyer is asked where they pass his limit.
    "POST /strips/{strip_id}/rounds": {"*": all_in_the_window},
    "POST /strips/{strip_id}/rounds/accept": {"*": all_in_the_window},
    "POST /strips/{strip_id}/orders/{order_id}/approve": {
        "answer.strip_id": everybody,
        "terms_sha256": all_in_the_window,
    },
    # 5: months move between firms with the consent of all who are touched.
    "POST /slots/{slot_id}/preview": _CONTRACT,
    "POST /slots/{slot_id}/proposals": _CONTRACT,
    "POST /proposals/{proposal_id}/consent": _CONTRACT,
    # 4: an auction's rules are frozen and public, but for a secret reserve; bids as they say.
    "POST /auctions": {
        **dict.fromkeys(_RULES_OF_AN_AUCTION, everybody),
        "criteria": everybody,
        # Who is invited learns that he is, and of nobody else.
        "invited": whom_it_names,
    },
    "POST /auctions/{auction_id}/bids": {
        "answer.auction_id": everybody,
        "answer.bid_id": as_the_auction_says,
        "price": as_the_auction_says,
        "lots": as_the_auction_says,
    },
    "POST /auctions/{auction_id}/packages": {
        "answer.auction_id": everybody,
        "answer.bid_id": as_the_auction_says,
        "price": as_the_auction_says,
        "attributes": as_the_auction_says,
    },
    "POST /auctions/{auction_id}/demands": {"answer.auction_id": everybody},
    "POST /auctions/{auction_id}/standing": {"answer.auction_id": everybody},
    "POST /approvals": {"terms": once_approved, "subject": everybody},
    "POST /auctions/{auction_id}/pause": _PUBLISHED,
    "POST /auctions/{auction_id}/motions/{motion_id}/approve": _PUBLISHED,
    # 7: what is done with a deal is both parties', and a bank line is its payee's.
    "POST /bank/lines": {"lines": the_payee, "answer.lines": the_payees, "file": the_payees},
    # 7: money leaves by a payment file, which the market's people hand to the bank.
    "POST /payments": {"*": the_desk},
    **{
        f"POST /deals/{{deal_id}}/{act}": _DEAL
        for act in (
            "accept",
            "deliver",
            "documents/{document_id}/tax-number",
            "fund",
            "invoice",
            "photographs",
            "refuse",
            "return",
            "ship",
        )
    },
    # 7: a ticket opens all desks of its matter, the market's too.
    "POST /deals/{deal_id}/tickets": _TICKET,
    "POST /deals/{deal_id}/tickets/{ticket_id}/answers": _TICKET,
    # 9: support access is by a grant, which its owner makes and the market's people see.
    "POST /support-grants": {"reason": the_desk, "answer.grant_id": the_desk},
    "POST /support-sessions": {"answer.organisation_id": whom_it_names},
    # 10: a policy names counterparties.
    "POST /policies": {"counterparties": whom_it_names},
    # 10: the market's desk registers a firm and its first people; who trades learns with whom.
    "POST /organisations": {"*": the_firm_and_who_meets_it},
    "POST /organisations/{organisation_id}/people": {
        "answer.organisation_id": the_firm_named,
        "*": the_firm_named,
    },
}
