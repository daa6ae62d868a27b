"""Forward contracts over HTTP: each side's acts, their refusals in words, the paper."""

from __future__ import annotations

import httpx
import pytest

from aggregator.ledger.verifying import verify
from tests.api.conftest import Served, Visitor
from tests.integration.forwards.signing import Signed, a_firm, signed, with_members, with_place

ZH = {"Accept-Language": "zh"}
EN = {"Accept-Language": "en"}


async def visitors(served: Served, world: Signed) -> tuple[Visitor, Visitor, Visitor]:
    """The first buyer's clerk and finance, and the mill's seller."""
    buyer_id = world.buyers[0].organisation_id
    return (
        await served.visitor(buyer_id, "buyer"),
        await served.visitor(buyer_id, "finance"),
        await served.visitor(world.mill.organisation_id, "seller"),
    )


def detail(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


async def test_a_month_is_called_off_confirmed_and_paid(served: Served) -> None:
    world = await signed(served.market, signing_bps=1_000)
    buyer, finance, mill = await visitors(served, world)
    contract = (await buyer.get(f"/contracts/{world.contract_id}")).json()
    [slot] = contract["slots"]
    assert slot["delivery_days"][0] == "2027-03-01"
    path = f"/slots/{slot['slot_id']}/call-offs"

    nominated = (await buyer.post(path, {"lots": 15, "delivery_on": "2027-03-15"})).json()
    confirm = f"/call-offs/{nominated['call_off_id']}/confirm"
    confirmed = (await mill.post(confirm)).json()
    funded = await finance.post(f"/deals/{confirmed['deal_id']}/fund")

    assert funded.json()["state"] == "funded"
    after = (await mill.get(f"/contracts/{world.contract_id}")).json()
    [mine] = [one for one in after["slots"] if one["slot_id"] == slot["slot_id"]]
    assert (mine["called_lots"], mine["left_lots"], mine["deposit"]) == (15, 25, None)
    assert [entry["fact"] for entry in contract["timeline"]] == ["SlotOpened"]
    assert (await verify()).differences == ()


async def test_a_change_is_previewed_proposed_and_consented_to(served: Served) -> None:
    world = await signed(served.market)
    buyer, finance, mill = await visitors(served, world)
    path = f"/slots/{world.slot_ids[0]}"
    wanted = {"kind": "month", "tenor": "2027-04"}

    shown = (await buyer.post(f"{path}/preview", wanted)).json()
    made = (await buyer.post(f"{path}/proposals", wanted)).json()
    [waiting] = (await mill.get("/contracts")).json()["proposals"]
    done = await mill.post(
        f"/proposals/{waiting['proposal_id']}/consent",
        {"terms_sha256": waiting["plan"]["terms_sha256"]},
    )

    assert shown["terms_sha256"] == made["terms_sha256"] == waiting["plan"]["terms_sha256"]
    assert shown["asks"] == 1
    assert waiting["plan"]["deposit"] == {"refunded": "0.00", "taken": "0.00"}
    assert done.json()["state"] == "executed"
    assert detail(await finance.post(f"{path}/proposals", wanted), 403)


async def test_a_change_beyond_a_mandate_is_asked_for_with_its_slot(served: Served) -> None:
    world = await signed(served.market)
    buyer, _, _ = await visitors(served, world)
    boss = await served.visitor(buyer.organisation_id, "owner")
    policy = {"act": "forwards.order", "chain": ["role:owner"]}
    assert (await boss.post("/policies", policy)).status_code == 201
    wanted = {"kind": "month", "tenor": "2027-04"}

    refused = await buyer.post(f"/slots/{world.slot_ids[0]}/proposals", wanted)
    body = {"act": "forwards.order", "subject": world.slot_ids[0], "terms": wanted}
    asked = (await buyer.post("/approvals", body)).json()
    path = f"/approvals/{asked['approval_id']}"
    await boss.post(f"{path}/approve", {"fingerprint": asked["fingerprint"]})

    found = (await boss.get(path)).json()
    assert refused.json()["code"] == "beyond_mandate"
    assert (found["state"], found["terms"]["change"]["tenor"]) == ("executed", "2027-04"), found


async def test_a_slot_is_offered_to_a_firm_outside_the_contract(served: Served) -> None:
    world = await signed(served.market)
    buyer, _, _ = await visitors(served, world)
    firm = await a_firm(served.market, "taker")
    await with_members(firm)
    await with_place(served.market, firm, "柳州库")
    taker = await served.visitor(firm.organisation_id, "buyer")

    await buyer.post(
        f"/slots/{world.slot_ids[0]}/proposals", {"kind": "transfer", "to": "taker", "lots": 10}
    )
    [waiting] = (await taker.get("/contracts")).json()["proposals"]
    assert waiting["slot_id"] is None
    shown = [(row["lots"], row["is_mine"]) for row in waiting["plan"]["after"]]
    assert (waiting["plan"]["before"], shown) == ([], [(10, True)])
    done = await taker.post(
        f"/proposals/{waiting['proposal_id']}/consent",
        {"terms_sha256": waiting["plan"]["terms_sha256"]},
    )

    assert done.json()["state"] == "executed"
    [contract] = (await taker.get("/contracts")).json()["contracts"]
    assert (contract["lots"], contract["counterparty"]) == (10, "mill")
    notices = (await taker.get("/notices")).json()["notices"]
    assert "change_proposed" in [notice["kind"] for notice in notices]


@pytest.mark.parametrize(
    ("body", "status", "zh", "en"),
    [
        (
            {"kind": "swap", "to": "buyer1", "tenor": "2027-03"},
            422,
            "这样会变成纯现金了结：同一月份互换没有货物移动。",
            "This would close into cash: a swap within one month moves no goods.",
        ),
        (
            {"kind": "transfer", "to": "Nobody"},
            422,
            "/to：须为有收货地的买方企业。",
            "/to: a buyer with a receiving place.",
        ),
        (
            {"kind": "lots", "lots": 99},
            422,
            "/lots：须为 36 至 44 手（40 手上下 10%），且与现数不同。",
            "/lots: 36 to 44 lots, 10 % around 40, a change.",
        ),
        (
            {"kind": "month", "tenor": "2027-09"},
            422,
            "/tenor：须为下列之一：2027-04, 2027-05。",
            "/tenor: one of 2027-04, 2027-05.",
        ),
    ],
)
async def test_a_refusal_says_its_rule_in_both_languages(
    served: Served, body: dict, status: int, zh: str, en: str
) -> None:
    world = await signed(served.market)
    buyer, _, _ = await visitors(served, world)
    path = f"/slots/{world.slot_ids[0]}/preview"

    assert detail(await buyer.post(path, body, headers=ZH), status) == zh
    assert detail(await buyer.post(path, body, headers=EN), status) == en


async def test_the_contract_is_a_pdf_in_either_language(served: Served) -> None:
    world = await signed(served.market, month_bps=500)
    buyer, _, mill = await visitors(served, world)
    path = f"/contracts/{world.contract_id}/document"

    papers = [
        await who.get(path, params={"lang": language})
        for who in (buyer, mill)
        for language in ("zh", "en")
    ]

    for paper in papers:
        assert paper.headers["content-type"] == "application/pdf"
        assert paper.content.startswith(b"%PDF-")
        assert 3_000 < len(paper.content) < 100_000
    again = await buyer.get(path, params={"lang": "zh"})
    assert again.content == papers[0].content, "the same contract is the same file"
    stranger = await served.member("Stranger", "buyer")
    assert detail(await stranger.get(path), 404)


async def test_the_operator_edits_the_calendar_and_everybody_reads_it(served: Served) -> None:
    await signed(served.market)
    operator = await served.operator()
    day = {"day": "2028-01-03", "is_open": False, "name_zh": "元旦", "name_en": "New Year"}
    body = {"status": "official", "days": [day]}

    before = (await served.nobody().get("/calendars/GX")).json()
    put = await operator.client.put(
        "/api/v1/calendars/CN/2028",
        json=body,
        headers={"Authorization": f"Bearer {operator.token}", "Idempotency-Key": "calendar-1"},
    )
    after = (await served.nobody().get("/calendars/GX")).json()

    assert put.status_code == 200, put.text
    assert [year["year"] for year in before["years"]] == [2026, 2027]
    assert [(year["year"], year["status"]) for year in after["years"]] == [
        (2026, "official"),
        (2027, "provisional"),
        (2028, "official"),
    ]
    assert after["years"][-1]["days"] == [day]


async def test_the_board_shows_bundles_to_all_and_positions_to_their_firm(served: Served) -> None:
    world = await signed(served.market)
    buyer, _, mill = await visitors(served, world)

    public = (await served.nobody().get("/forwards")).json()
    mine = (await buyer.get("/forwards")).json()
    sold = (await mill.get("/forwards")).json()

    assert set(public) == {"curves", "bundles"}
    assert mine["position"] == [
        {
            "instrument": "SUGAR-W1",
            "region": "GX",
            "tenor": "2027-03",
            "side": "buyer",
            "called_lots": 0,
            "open_lots": 40,
            "goods": "196400.00",
        }
    ]
    assert [row["open_lots"] for row in sold["position"]] == [40, 60, 80]
    [gain] = mine["gains"]
    assert (gain["paid"], gain["single"]) == ("196400.00", "199200.00")


async def test_what_a_replaced_month_called_off_stays_in_the_schedule(served: Served) -> None:
    world = await signed(served.market)
    buyer, _, mill = await visitors(served, world)
    path = f"/slots/{world.slot_ids[0]}"
    called = {"lots": 15, "delivery_on": "2027-03-15"}
    nominated = (await buyer.post(f"{path}/call-offs", called)).json()
    await mill.post(f"/call-offs/{nominated['call_off_id']}/confirm")
    wanted = {"kind": "month", "tenor": "2027-05"}
    made = (await buyer.post(f"{path}/proposals", wanted)).json()
    consent = f"/proposals/{made['proposal_id']}/consent"
    await mill.post(consent, {"terms_sha256": made["terms_sha256"]})

    found = (await buyer.get(f"/contracts/{world.contract_id}")).json()

    bound = {(slot["tenor"], slot["state"]): slot["bound_lots"] for slot in found["slots"]}
    assert bound == {("2027-03", "replaced"): 15, ("2027-05", "open"): 25}
    assert (found["lots"], found["open_lots"]) == (40, 25)


@pytest.mark.parametrize(
    ("language", "conflict", "state"),
    [
        (
            ZH,
            "与已有的内容冲突：价格已定，不能再改。",
            "没有月前定金",
        ),
        (
            EN,
            "This conflicts with what is there: the price is fixed and not amended.",
            "no deposit before the month",
        ),
    ],
)
async def test_a_conflict_and_a_state_are_said_in_words(
    served: Served, language: dict, conflict: str, state: str
) -> None:
    world = await signed(served.market)
    buyer, finance, _ = await visitors(served, world)
    path = f"/slots/{world.slot_ids[0]}"

    refused = await buyer.post(f"{path}/preview", {"kind": "price"}, headers=language)
    unpaid = await finance.post(f"{path}/pay", headers=language)

    assert detail(refused, 409) == conflict
    assert refused.json()["figures"] == {"reason": "price_is_fixed"}
    assert state in detail(unpaid, 409)
