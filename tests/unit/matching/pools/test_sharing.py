from random import Random

from matching.pools.sharing import Claim, ration, reduced_to


def literal_ration(claims: list[Claim], capacity: int) -> list[int]:
    """Hand out lot by lot in rounds; drop a claim below its minimum and start again."""
    standing = list(range(len(claims)))
    while True:
        awards = [0] * len(claims)
        left = capacity
        while left and any(awards[i] < claims[i].lots for i in standing):
            for i in standing:
                if left and awards[i] < claims[i].lots:
                    awards[i] += 1
                    left -= 1
        unmet = [i for i in standing if awards[i] < claims[i].min_lots]
        if not unmet:
            return [awards[i] if i in standing else 0 for i in range(len(claims))]
        standing.remove(min(unmet, key=lambda i: (claims[i].lots, -i)))


def test_equal_awards_are_those_of_handing_out_lot_by_lot() -> None:
    random = Random(1)
    for _ in range(500):
        claims = []
        for _ in range(random.randrange(1, 8)):
            lots = random.randrange(0, 12)
            claims.append(Claim(lots, random.choice([0, 1, random.randrange(0, lots + 1)])))
        capacity = random.randrange(0, 40)

        assert ration(claims, capacity) == literal_ration(claims, capacity)


def test_odd_lots_go_one_each_in_list_order_to_claims_not_yet_full() -> None:
    assert ration([Claim(100), Claim(200), Claim(300)], 302) == [100, 101, 101]


def test_the_smallest_claim_below_its_minimum_is_dropped_and_the_latest_among_equals() -> None:
    claims = [Claim(50, 50), Claim(50, 50), Claim(80, 60)]

    assert ration(claims, 110) == [50, 0, 60]


def test_claiming_more_than_one_wants_gains_nothing() -> None:
    random = Random(2)
    for _ in range(300):
        wants = [random.randrange(1, 10) for _ in range(random.randrange(2, 6))]
        capacity = random.randrange(1, 25)
        honest = ration([Claim(want) for want in wants], capacity)
        liar = random.randrange(len(wants))
        told = [*wants]
        told[liar] = random.randrange(1, 30)

        found = min(ration([Claim(want) for want in told], capacity)[liar], wants[liar])

        assert found <= honest[liar]


def test_pro_rata_adds_up_and_exceeds_no_claim() -> None:
    random = Random(3)
    for _ in range(300):
        claims = [Claim(random.randrange(0, 50)) for _ in range(random.randrange(1, 8))]
        capacity = random.randrange(0, 100)

        awards = ration(claims, capacity, "pro_rata")

        assert sum(awards) == min(capacity, sum(claim.lots for claim in claims))
        assert all(award <= claim.lots for award, claim in zip(awards, claims, strict=True))


def test_a_shortfall_reduces_members_pro_rata_to_firm_quantity() -> None:
    assert reduced_to([100, 50, 51], 150) == [75, 37, 38]
    assert reduced_to([100, 50], 150) == [100, 50]
