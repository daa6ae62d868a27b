"""Requests and offers from files over HTTP: previewed, imported as a whole, taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from tests.api.conftest import Served, Visitor
from tests.api.test_pools import visitors_of
from web.api.imports import CSV

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


_LATER = "2027-01-05T00:00:00Z"
