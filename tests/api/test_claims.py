"""Claims and proposals to cancel over HTTP."""

from __future__ import annotations

from tests.api.conftest import Served
from tests.api.test_deals import bank_line, formed, parties
from tests.api.test_identity import invited
from tests.builders import with_account, with_cash


async def test_refused_lots_are_claimed_contested_and_decided(served: Served) -> None:
    found = await parties(served)
    await with_cash(served.market, found["buyer"].organisation_id, 10**9)
    deal_id = await formed(served, found)
    path = f"/deals/{deal_id}"
    for who, act, body in (
        ("finance", "fund", {}),
        ("seller", "ship", {"lots": 1000, "carrier": "China Rail"}),
        ("seller", "deliver", {"lots": 900, "place": "Nanning 3", "document": "WB-17"}),
        ("warehouse", "accept", {"lots": 500}),
    ):
        assert (await found[who].post(f"{path}/{act}", body)).status_code == 200

    seen = (await found["seller"].get(path)).json()
    undelivered, refused = seen["claims"]
    claim = f"{path}/claims/{refused['claim_id']}"
    contested = await found["seller"].post(f"{claim}/contest", {"reason": "dry on arrival"})
    waiting = (await found["operator"].get("/claims")).json()["claims"]
    decided = await found["operator"].post(f"/claims/{refused['claim_id']}/decide", {"lots": 100})
    late = await found["seller"].post(f"{claim}/concede")

    assert (undelivered["cause"], undelivered["state"]) == ("undelivered", "forfeited")
    assert (undelivered["lots"], undelivered["compensation"]) == (100, "49500.00")
    assert (refused["cause"], refused["lots"], refused["deposit"]) == ("refused", 400, "198000.00")
    assert contested.json()["state"] == "contested"
    assert [(one["lots"], one["reason"]) for one in waiting] == [(400, "dry on arrival")]
    assert decided.json() == {"claim_id": refused["claim_id"], "deal_id": deal_id, "lots": 100}
    assert late.status_code == 409
    after = (await found["buyer"].get(path)).json()["claims"]
    assert [one["compensation"] for one in after] == ["49500.00", "49500.00"]
    assert (await found["buyer"].post(f"{claim}/concede")).status_code == 403
    assert (await found["stranger"].post(f"{claim}/concede")).status_code == 404


async def test_who_is_in_a_firm_himself_decides_nothing_of_it_for_the_market(
    served: Served,
) -> None:
    found = await parties(served)
    await with_cash(served.market, found["buyer"].organisation_id, 10**9)
    deal_id = await formed(served, found)
    for who, act, body in (
        ("finance", "fund", {}),
        ("seller", "ship", {"lots": 1000, "carrier": "China Rail"}),
        ("seller", "deliver", {"lots": 1000, "place": "Nanning 3", "document": "WB-17"}),
        ("warehouse", "refuse", {"reason": "wet"}),
    ):
        assert (await found[who].post(f"/deals/{deal_id}/{act}", body)).status_code == 200
    mill = found["seller"].organisation_id
    treasurer = await served.visitor(mill, "finance")
    own_account = await with_account(mill)
    bank = {"amount": "1.00", "payee_account": own_account}
    payment = (await treasurer.post("/payments", bank)).json()
    insider = found["operator"]
    stray = (await insider.post("/bank/lines", {"lines": [bank_line("E9", "5.00", "?")]})).json()
    other = await served.visitor(insider.organisation_id, "operator")

    link = await invited(await served.visitor(mill, "owner"), "viewer")
    assert (await insider.post("/joinings", {"token": link["token"]})).status_code == 201
    acts = (
        (f"/deals/{deal_id}/resolve", {"lots": 1000}),
        (f"/bank/unmatched/{stray['lines'][0]['line_id']}/assign", {"organisation_id": mill}),
        (f"/bank/payments/{payment['payment_id']}/fail", None),
    )
    refused = [await insider.post(path, body) for path, body in acts]
    done = [await other.post(path, body) for path, body in acts]

    assert {answer.text.count("own_matter") for answer in refused} == {1}
    assert [answer.status_code for answer in done] == [200] * 3


async def test_a_proposal_to_cancel_is_withdrawn(served: Served) -> None:
    found = await parties(served)
    path = f"/deals/{await formed(served, found)}"

    proposed = (await found["buyer"].post(f"{path}/cancel")).json()
    other = await found["seller"].post(f"{path}/cancel/withdraw")
    withdrawn = (await found["buyer"].post(f"{path}/cancel/withdraw")).json()

    assert proposed["cancel_until"] == "2027-01-07T01:00:00.000Z"
    assert other.status_code == 409
    assert (withdrawn["cancel_wanted_by"], withdrawn["cancel_until"]) == (None, None)


async def test_a_lot_below_its_grade_is_priced_by_the_published_table(served: Served) -> None:
    found = await parties(served)
    table = "/instruments/SUGAR-W1/adjustments"
    row = {"measure": "moisture_bps", "at_least": 11, "discount_bps": 100}
    published = await found["operator"].post(table, {"rows": [row]})
    await with_cash(served.market, found["buyer"].organisation_id, 10**9)
    path = f"/deals/{await formed(served, found)}"
    for who, act, body in (
        ("finance", "fund", {}),
        ("seller", "ship", {"lots": 1000, "carrier": "China Rail"}),
        ("seller", "deliver", {"lots": 1000, "place": "Nanning 3", "document": "WB-17"}),
    ):
        assert (await found[who].post(f"{path}/{act}", body)).status_code == 200

    unknown = await found["warehouse"].post(f"{path}/accept", {"lots": 1000, "graded": {"ash": 2}})
    accepted = await found["warehouse"].post(
        f"{path}/accept", {"lots": 1000, "graded": {"moisture_bps": 12}}
    )

    assert published.status_code == 201
    assert (await served.nobody().get(table)).json() == {"adjustments": [row]}
    assert unknown.json()["pointer"] == "/graded/ash"
    assert accepted.json()["discount_bps"] == 100
    (claim,) = (await found["seller"].get(path)).json()["claims"]
    assert (claim["cause"], claim["deposit"]) == ("quality", "49500.00")
