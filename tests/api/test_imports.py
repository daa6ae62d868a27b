"""Requests and offers from files over HTTP: previewed, imported as a whole, taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from tests.api.conftest import Served, Visitor
from tests.api.test_deals import formed
from tests.api.test_pools import OFFER as OFFERED
from tests.api.test_pools import opened, pass_to, visitors_of
from web.api.imports import CSV, XLSX

NEED = "Product,Region,First month,Lots,Limit\n"
OFFER = "Offer,Product,Region,Month,From lots,Price,Capacity\n"


async def preview(
    visitor: Visitor, kind: str, content: bytes | str, media_type: str = CSV, **options: Any
) -> httpx.Response:
    raw = content.encode() if isinstance(content, str) else content
    headers = {"Content-Type": media_type, **options.pop("headers", {})}
    path = f"/imports/{kind}/preview"
    return await visitor._ask("POST", path, content=raw, headers=headers, **options)


async def bring_in(
    visitor: Visitor, kind: str, content: bytes | str, shown: Mapping[str, Any], **options: Any
) -> httpx.Response:
    raw = content.encode() if isinstance(content, str) else content
    path = f"/imports/{kind}?digest={shown['digest']}&ends_at={shown['ends_at']}"
    headers = {"Content-Type": CSV}
    return await visitor._ask("POST", path, content=raw, headers=headers, **options)


async def imported(visitor: Visitor, kind: str, content: str) -> dict[str, Any]:
    shown = (await preview(visitor, kind, content)).json()
    assert shown["faults"] == [], shown
    answer = await bring_in(visitor, kind, content, shown)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def cells(shown: Mapping[str, Any]) -> Sequence[tuple[int, str, str]]:
    return [(fault["row"], fault["column"], fault["header"]) for fault in shown["faults"]]


async def test_needs_are_previewed_imported_once_and_taken_back(served: Served) -> None:
    ann = (await visitors_of(served))["ann"]
    file = f'{NEED}SUGAR-W1,GX,2027-03,"1,200",5100.00\nＳugar-w1,GX,2027年4月,３０,\n'

    shown = (await preview(ann, "requests", file)).json()
    nothing = (await ann.get("/requests")).json()["requests"]
    made = await bring_in(ann, "requests", file, shown, key="import-1")
    again = await bring_in(ann, "requests", file, shown, key="import-1")
    twice = await bring_in(ann, "requests", file, shown)
    drafts = (await ann.get("/requests?state=draft")).json()["requests"]
    listed = (await ann.get("/imports/requests")).json()["imports"]
    gone = await ann.delete(f"/imports/requests/{made.json()['import_id']}")
    left = (await ann.get("/requests?state=draft")).json()["requests"]
    fresh = (await preview(ann, "requests", file)).json()

    assert [item["meaning"]["limit"] for item in shown["items"]] == ["5100.00", None]
    assert nothing == []
    assert made.status_code == 201, made.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == made.json()
    assert (twice.status_code, twice.json()["figures"]["reason"]) == (409, "already_imported")
    assert sorted((one["lots"], one["first_tenor"]) for one in drafts) == [
        (30, "2027-04"),
        (1200, "2027-03"),
    ]
    assert [(one["made"], one["state"]) for one in listed] == [(2, "standing")]
    assert gone.json()["state"] == "withdrawn"
    assert left == []
    assert fresh["earlier"] is None


async def test_each_bad_cell_is_named_and_nothing_is_made(served: Served) -> None:
    ann = (await visitors_of(served))["ann"]
    file = (
        f"{NEED}SUGAR-W1,GX,2027-03,100,5100.00\n"
        "SALT,ZZ,2027-13,1.5,5100.001\n"
        "SUGAR-W1,GX,2026-01,100,5100.00\n"
        "SUGAR-W1,GX,2027-03,0,5100.37\n"
        'SUGAR-W1,GX,2027-03,=1+1,"5100,00"\n'
    )

    shown = (await preview(ann, "requests", file)).json()
    said = (await preview(ann, "requests", file, headers={"Accept-Language": "zh"})).json()
    made = await bring_in(ann, "requests", file, {"digest": "0" * 64, "ends_at": _LATER})

    assert shown["digest"] is None
    assert cells(shown) == [
        *(
            (3, letter, header)
            for letter, header in zip("ABCDE", NEED[:-1].split(","), strict=True)
        ),
        (4, "C", "First month"),
        (5, "D", "Lots"),
        (6, "D", "Lots"),
        (6, "E", "Limit"),
    ]
    assert "不得使用公式" in said["faults"][-2]["text"]
    assert (made.status_code, made.json()["code"]) == (422, "import_refused")
    assert made.json()["figures"]["row"] == 3
    assert (await ann.get("/requests")).json()["requests"] == []


async def test_a_header_that_is_unknown_doubled_or_missing_is_named(served: Served) -> None:
    ann = (await visitors_of(served))["ann"]
    file = "Product,Rеgion,Lots,数量（手）,First month\nSUGAR-W1,GX,1,1,2027-03\n"

    shown = (await preview(ann, "requests", file)).json()
    reshuffled = await preview(
        ann, "requests", "lots;地区;PRODUCT;First month\n1;gx;sugar-w1;2027/3"
    )

    # The second header is written with a letter of another alphabet.
    assert cells(shown) == [(1, "B", "Rеgion"), (1, "D", "数量（手）"), (1, "", "地区 / Region")]
    assert reshuffled.json()["faults"] == []
    assert reshuffled.json()["items"][0]["meaning"]["first_tenor"] == "2027-03"


async def test_what_was_previewed_is_what_is_imported(served: Served) -> None:
    visitors = await visitors_of(served)
    ann, bob = visitors["ann"], visitors["bob"]
    file = f"{NEED}SUGAR-W1,GX,2027-03,10,5100.00\n"
    shown = (await preview(ann, "requests", file)).json()

    other = await bring_in(ann, "requests", file.replace("10", "11"), shown)
    another = await bring_in(bob, "requests", file, shown)
    longer = await bring_in(ann, "requests", file, {**shown, "ends_at": _LATER})
    await pass_to(served, shown["ends_at"])
    late = await bring_in(ann, "requests", file, shown)

    codes = [answer.json()["code"] for answer in (other, another, longer, late)]
    assert codes == ["preview_differs", "preview_differs", "preview_differs", "term_over"]
    assert (await ann.get("/requests")).json()["requests"] == []


async def test_templates_and_ones_own_come_out_and_go_in_again(served: Served) -> None:
    visitors = await visitors_of(served)
    ann, mill = visitors["ann"], visitors["mill"]
    await imported(ann, "requests", f"{NEED}SUGAR-W1,GX,2027-03,10,5100.00\n")
    offer = "1,SUGAR-W1,GX,2027-03,1,5000.00,1000\n1,,,,300,4950.00,\n"
    await imported(mill, "offers", OFFER + offer)

    for visitor, kind in ((ann, "requests"), (mill, "offers")):
        for language in ("zh", "en"):
            for form, media_type in (("csv", CSV), ("xlsx", XLSX)):
                asked = f"?format={form}&lang={language}"
                empty = await visitor.get(f"/imports/{kind}/template{asked}")
                own = await visitor.get(f"/imports/{kind}/own{asked}")
                nothing = await preview(visitor, kind, empty.content, media_type)
                again = (await preview(visitor, kind, own.content, media_type)).json()
                assert nothing.json()["rule"] == "a header and at least one row"
                assert (again["faults"], len(again["items"])) == ([], 1), (kind, form, again)


async def test_for_whom_an_offer_is_comes_out_and_goes_in_again(served: Served) -> None:
    visitors = await visitors_of(served)
    mill = visitors["mill"]
    await formed(served, {"buyer": visitors["ann"], "seller": mill})
    groups = []
    # Some names would be read as everybody, as two groups, or as one another.
    for name in ("Friends", "all", "North; South", "VIP", "vip"):
        body = {"name": name, "members": [visitors["ann"].organisation_id]}
        made = await mill._ask("PUT", "/counterparty-groups", json=body)
        groups.append(made.json()["group_id"])
    narrowed: dict[str, dict[str, Any]] = {
        "SUGAR-W1/GX/2027-03": {},
        "SUGAR-W1/GX/2027-04": {"for_kind": "factory"},
        "SUGAR-W1/GX/2027-05": {"for_kind": "factory", "for_size": "small"},
        "SUGAR-W1/GX/2027-06": {"from_tier": "proven", "shown_to": groups[:1]},
        "SUGAR-W1/GX/2027-07": {"for_size": "middle", "shown_to": groups[1:2]},
        "SUGAR-W1/GX/2027-08": {"shown_to": sorted(groups)},
    }
    for cell, terms in narrowed.items():
        answer = await mill.post("/offers", {**OFFERED, "cell": cell, "is_public": False, **terms})
        assert answer.status_code == 201, answer.text

    for language in ("zh", "en"):
        own = await mill.get(f"/imports/offers/own?format=csv&lang={language}")
        shown = (await preview(mill, "offers", own.content)).json()

        assert shown["faults"] == []
        found = {item["meaning"].pop("cell"): item["meaning"] for item in shown["items"]}
        assert {cell: _narrowing(meaning) for cell, meaning in found.items()} == narrowed


async def test_offers_are_published_within_the_mandate_and_asked_for_beyond(served: Served) -> None:
    mill = (await visitors_of(served))["mill"]
    firm = mill.organisation_id
    boss = await served.visitor(firm, "owner")
    clerk = await served.visitor(firm, "seller")
    policy = {"act": "supply.offer", "chain": ["role:owner"], "free_up_to": "1000000.00"}
    answer = await boss.post("/policies", policy)
    assert answer.status_code == 201, answer.text
    small = "a,SUGAR-W1,GX,2027-03,1,5000.00,100\n"
    large = "b,SUGAR-W1,GX,2027-04,1,5000.00,1000\nb,,,,300,4950.00,\n"

    made = await imported(clerk, "offers", OFFER + small + large)
    standing = (await clerk.get("/offers")).json()["offers"]
    asked = (await clerk.get("/approvals")).json()["approvals"]
    gone = await clerk.delete(f"/imports/offers/{made['import_id']}")
    after = (await clerk.get("/offers")).json()["offers"]

    assert (made["made"], made["asked"]) == (2, 1)
    assert [offer["cell"] for offer in standing] == ["SUGAR-W1/GX/2027-03"]
    assert [one["state"] for one in asked] == ["waiting"]
    assert gone.status_code == 200, gone.text
    assert [offer["state"] for offer in after] == ["withdrawn"]


async def test_one_offer_too_many_and_none_is_published(served: Served) -> None:
    mill = (await visitors_of(served))["mill"]
    rows = "".join(f"{n},SUGAR-W1,GX,2027-03,1,5000.00,100\n" for n in range(6))
    dear = "1,SUGAR-W1,GX,2027-03,1,5000.00,100000\n2,SUGAR-W1,GX,2027-04,1,9999.00,100000\n"
    torn = "1,SUGAR-W1,GX,2027-03,1,5000.00,100\n1,,ZZ,2027-04,1,5001.00,100\n2,,,,1,5000.00,\n"

    crowded = (await preview(mill, "offers", OFFER + rows)).json()
    short = (await preview(mill, "offers", OFFER + dear)).json()
    split = (await preview(mill, "offers", OFFER + torn)).json()

    assert [(fault["row"], fault["code"]) for fault in crowded["faults"]] == [
        (7, "too_many_offers")
    ]
    assert [(fault["row"], fault["code"]) for fault in short["faults"]] == [
        (3, "insufficient_funds")
    ]
    assert cells(split)[0] == (3, "C", "Region")
    assert {row for row, _, _ in cells(split)} == {3, 4}
    assert (await mill.get("/offers")).json()["offers"] == []


async def test_an_import_of_which_something_came_stays(served: Served) -> None:
    visitors = await visitors_of(served)
    ann, bob = visitors["ann"], visitors["bob"]
    made = await imported(ann, "requests", f"{NEED}SUGAR-W1,GX,2027-03,100,5100.00\n")
    pool_id = await opened(visitors)
    (draft,) = (await ann.get("/requests")).json()["requests"]
    sent = await ann.post(f"/requests/{draft['request_id']}/send", {"pool_id": pool_id})
    assert sent.status_code == 201, sent.text

    foreign = await bob.delete(f"/imports/requests/{made['import_id']}")
    kept = await ann.delete(f"/imports/requests/{made['import_id']}")

    assert foreign.status_code == 404
    assert (kept.status_code, kept.json()["code"]) == (409, "wrong_state")
    assert (await ann.get("/imports/requests")).json()["imports"][0]["state"] == "standing"


async def test_five_thousand_rows_are_one_import(served: Served) -> None:
    ann = (await visitors_of(served))["ann"]
    file = NEED + "".join(f"SUGAR-W1,GX,2027-03,{n},5100.00\n" for n in range(1, 5001))

    made = await imported(ann, "requests", file)
    gone = await ann.delete(f"/imports/requests/{made['import_id']}")

    assert made["made"] == 5000
    assert gone.json()["state"] == "withdrawn"
    assert (await ann.get("/requests?state=draft")).json()["requests"] == []


def _narrowing(meaning: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return for whom an offer is, where it is said."""
    names = ("for_kind", "for_size", "from_tier", "is_public")
    said = {name: meaning[name] for name in names if meaning[name]}
    return said | ({"shown_to": sorted(meaning["shown_to"])} if meaning["shown_to"] else {})


_LATER = "2027-01-05T00:00:00Z"
