"""Photographs over HTTP: for the two parties, cleaned, and never changed."""

from __future__ import annotations

import hashlib

import httpx

from aggregator.fulfilment.photographing import MAX_PHOTOGRAPHS
from aggregator.journal.reading import Pool
from tests.api.conftest import Served, Visitor
from tests.api.test_deals import formed, parties
from tests.builders import with_cash
from tests.unit.aggregator.test_pictures import a_photograph, shown


async def sent(visitor: Visitor, deal_id: str, content: bytes, **options: str) -> httpx.Response:
    headers = {"Content-Type": "image/jpeg"}
    path = f"/deals/{deal_id}/photographs"
    return await visitor._ask("POST", path, content=content, headers=headers, **options)


async def test_a_photograph_is_for_the_parties_of_its_deal(served: Served) -> None:
    found = await parties(served)
    await with_cash(served.market, found["buyer"].organisation_id, 10**9)
    deal_id = await formed(served, found)
    path = f"/deals/{deal_id}"
    for who, act, body in (
        ("finance", "fund", {}),
        ("seller", "ship", {"lots": 1000, "carrier": "China Rail"}),
    ):
        assert (await found[who].post(f"{path}/{act}", body)).status_code == 200
    picture = a_photograph("JPEG")

    added = await sent(found["warehouse"], deal_id, picture, key="first-photograph")
    again = await sent(found["warehouse"], deal_id, picture, key="first-photograph")
    same = await sent(found["seller"], deal_id, picture)
    seen = (await found["seller"].get(path)).json()["photographs"]
    file = await found["seller"].get(f"{path}/photographs/{added.json()['photograph_id']}")

    assert added.status_code == 201, added.text
    assert again.json() == added.json()
    assert same.json()["code"] == "conflict"
    assert [one["sha256"] for one in seen] == [hashlib.sha256(file.content).hexdigest()]
    assert seen[0]["step"] == "shipping"
    assert shown(file.content) == shown(picture)
    assert b"SecretCamera" not in file.content
    assert file.headers["content-type"] == "image/jpeg"
    for who, status in (("stranger", 404), ("operator", 403)):
        other = await found[who].get(f"{path}/photographs/{added.json()['photograph_id']}")
        assert other.status_code == status
    assert (await sent(found["stranger"], deal_id, picture)).status_code == 404
    assert (await sent(found["finance"], deal_id, picture)).status_code == 403


async def test_what_is_no_picture_or_too_much_is_refused(served: Served) -> None:
    found = await parties(served)
    await with_cash(served.market, found["buyer"].organisation_id, 10**9)
    deal_id = await formed(served, found)
    early = await sent(found["seller"], deal_id, a_photograph("JPEG"))
    await found["finance"].post(f"/deals/{deal_id}/fund")
    await found["seller"].post(f"/deals/{deal_id}/ship", {"lots": 1000, "carrier": "Rail"})

    disguised = await sent(found["seller"], deal_id, b"<script>1</script>")
    heavy = await sent(found["seller"], deal_id, bytes(4 * 1024 * 1024 + 1))
    for number in range(MAX_PHOTOGRAPHS):
        picture = a_photograph("JPEG", quality=20 + number)
        assert (await sent(found["seller"], deal_id, picture)).status_code == 201
    more = await sent(found["seller"], deal_id, a_photograph("JPEG", quality=90))
    other_side = await sent(found["warehouse"], deal_id, a_photograph("JPEG", quality=91))

    assert early.json()["code"] == "wrong_state"
    assert (disguised.status_code, disguised.json()["rule"]) == (422, "picture")
    assert heavy.status_code == 413
    assert more.json()["code"] == "conflict"
    assert other_side.status_code == 201
    (row,) = await Pool().rows("select count(*) as n from photograph")
    assert row["n"] == MAX_PHOTOGRAPHS + 1
