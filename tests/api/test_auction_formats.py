"""Every format in both directions through the whole market, from its draft to its proof."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aggregator.amounts import decimal_text
from aggregator.journal.facts import stamp
from aggregator.laboratory.bundle import verify_bundle
from aggregator.reactions import ON_TIMER
from aggregator.workers.ringing import ring_due
from tests.api.conftest import Served, Visitor
from tests.builders import START, with_cash, with_sugar

FIRMS = ("ann", "bob", "cat")
LOTS = 60
FIRST = 500_000
FOUR_HOURS = timedelta(hours=4)
LAST_ROUND = {"ann": 9, "bob": 2, "cat": 1}
BY_MONTH = ("clock", "packages")
COUNTED = {
    "english": "price",
    "sealed_first": "score",
    "sealed_uniform": "price",
    "second_price": "price",
    "dutch": "dutch",
    "japanese": "rounds",
    "clock": "rounds",
    "packages": "packages",
}


class Fair:
    """One auction of each draft and direction, and three firms that are in all of them."""

    def __init__(self, served: Served, visitors: dict[str, Visitor]) -> None:
        self.served = served
        self.visitors = visitors
        self.drafts: dict[str, dict[str, Any]] = {}
        self.auctions: dict[tuple[str, str], str] = {}
        self.receipts: dict[tuple[str, str], list[Any]] = {}

    async def open_all(self) -> None:
        answer = await self.visitors["mill"].get("/auction-drafts?instrument=SUGAR-W1")
        for draft in answer.json()["drafts"]:
            form = draft["format"]
            self.drafts[form] = draft
            for side, opener in (("sell", "mill"), ("buy", "operator")):
                terms = filled_in(draft, side)
                made = await self.visitors[opener].post("/auctions", terms)
                assert made.status_code == 201, (form, side, made.text)
                self.auctions[form, side] = made.json()["auction_id"]

    async def say(self, name: str, path: str, body: dict[str, Any]) -> Any:
        """Say a word in an auction that its rules accept; return the receipt."""
        answer = await self.visitors[name].post(f"/auctions/{path}", body)
        assert answer.status_code == 201, (name, path, answer.text)
        receipt = answer.json()
        self.receipts.setdefault((name, receipt["auction_id"]), []).insert(0, receipt)
        return receipt

    async def see(self, name: str, key: tuple[str, str]) -> Any:
        answer = await self.visitors[name].get(f"/auctions/{self.auctions[key]}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def bid_once(self) -> None:
        """Cat bids worst, then Bob, then Ann, wherever one word is the whole of it."""
        for (form, side), auction_id in self.auctions.items():
            for better, name in enumerate(reversed(FIRMS)):
                minor = FIRST + 2000 * better * (1 if side == "sell" else -1)
                price = decimal_text(minor, "CNY")
                if form == "packages":
                    whole = {"items": months(), "price": price, "xor": "a"}
                    await self.say(name, f"{auction_id}/packages", whole)
                elif form == "dutch" and name != "cat":
                    share = {"price": decimal_text(FIRST, "CNY"), "lots": LOTS // 2}
                    await self.say(name, f"{auction_id}/bids", share)
                elif not self.drafts[form]["interval_s"]:
                    scored = {"attributes": {"days early": 0}} if self._is_scored(form) else {}
                    lots = LOTS // 2 if form == "sealed_uniform" else LOTS
                    bid = {"price": price, "lots": lots, **scored}
                    await self.say(name, f"{auction_id}/bids", bid)

    async def bid_in_rounds(self) -> None:
        """Ann stays to the end, Bob and Cat leave before."""
        for number in range(1 + max(LAST_ROUND["bob"], LAST_ROUND["cat"])):
            for (form, side), auction_id in self.auctions.items():
                for name in FIRMS:
                    seen = await self.see(name, (form, side))
                    if seen.get("round") != number or number > LAST_ROUND[name]:
                        continue
                    if form == "clock":
                        wanted = {item["id"]: item["lots"] for item in seen["items"]}
                        await self.say(name, f"{auction_id}/demands", {"demand": wanted})
                    else:
                        bid = {"price": seen["items"][0]["price"], "lots": LOTS}
                        await self.say(name, f"{auction_id}/bids", bid)
            await self.pass_by(timedelta(minutes=5))

    async def pass_by(self, time: timedelta) -> None:
        clock: Any = self.served.market.clock
        clock.set(clock.now() + time)
        while await ring_due(self.served.market, ON_TIMER):
            pass

    async def check_receipts(self) -> None:
        """What a firm was told of its words it finds again after the close."""
        for (name, auction_id), told in self.receipts.items():
            found = await self.visitors[name].get(f"/auctions/{auction_id}/receipts")
            assert found.json() == {"receipts": told}, (name, auction_id)

    async def check_proofs(self, auction_id: str) -> None:
        """Every reader's bundle holds; the owner's shows all bids, so the result follows."""
        key = (await self.visitors["nobody"].get("/keys")).json()["signing"]
        for reader in self.visitors:
            answer = await self.visitors[reader].get(f"/auctions/{auction_id}/bundle")
            report = verify_bundle(answer.content, key)
            assert report.auction_id == auction_id
            assert report.replayed or reader != "operator"
            assert report.own_bids > 0 or reader != "ann"

    def _is_scored(self, form: str) -> bool:
        return bool(self.drafts[form]["criteria"])


def months() -> list[str]:
    return ["2027-03", "2027-04", "2027-05"]


def filled_in(draft: dict[str, Any], side: str) -> dict[str, Any]:
    """Return a draft's terms with a person's own figures, as the page's form sends them."""
    form, start = draft["format"], decimal_text(FIRST, "CNY")
    by_month = [{"tenor": one, "lots": LOTS // 3, "start": start} for one in months()]
    shared = {"max_share": 50} if draft["max_share"] else {}
    return {
        "side": side,
        "cell": "SUGAR-W1/GX/2027-03",
        "lots": LOTS,
        "format": form,
        "step": draft["step"],
        "disclosure": draft["disclosure"],
        "closes_at": stamp(START + FOUR_HOURS),
        **({"items": by_month} if form in BY_MONTH else {"start": start}),
        **({"interval_s": 300} if draft["interval_s"] else {}),
        **({"criteria": draft["criteria"]} if draft["criteria"] else {}),
        **shared,
    }


@pytest.fixture
async def fair(served: Served) -> Fair:
    await with_sugar(served.market)
    visitors = {
        "nobody": served.nobody(),
        "operator": await served.operator(),
        "mill": await served.member("Firm mill", "seller", kind="mill"),
    }
    for name in FIRMS:
        visitors[name] = await served.member(f"Firm {name}", "buyer", "seller", kind="trader")
        await with_cash(served.market, visitors[name].organisation_id, 10**11)
    return Fair(served, visitors)


async def test_every_format_goes_both_ways_from_its_draft_to_its_proof(fair: Fair) -> None:
    await fair.open_all()
    await fair.bid_once()
    await fair.bid_in_rounds()
    await fair.pass_by(FOUR_HOURS)

    assert {form for form, _ in fair.auctions} == set(COUNTED)
    for (form, side), auction_id in fair.auctions.items():
        named = f"{form} {side}"
        ann, cat = [await fair.see(name, (form, side)) for name in ("ann", "cat")]
        assert (ann["phase"], ann["my_outcome"]) == ("closed", "won"), named
        assert ann["my_explanation"]["counted"] == COUNTED[form], named
        # Nobody loses a Dutch auction: Cat came after the last lots were taken.
        assert cat["my_outcome"] == (None if form == "dutch" else "outbid"), named
        if form != "dutch":
            assert (cat["my_explanation"]["won_lots"], cat["my_award"]) == (0, None), named
        await fair.check_proofs(auction_id)
    await fair.check_receipts()
    deals = (await fair.visitors["ann"].get("/deals?limit=200")).json()["deals"]
    assert {deal["source_id"] for deal in deals} == set(fair.auctions.values())
