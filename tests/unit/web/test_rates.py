"""Token buckets: bursts, refill, and who is counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.auth.rates import Bucket, Buckets, Rate, RateLimited


def test_a_burst_passes_and_the_next_waits_for_its_share_of_a_second() -> None:
    bucket = Bucket(Rate(per_s=20, burst=40), at_ms=0)

    assert [bucket.wait_ms(0) for _ in range(40)] == [0] * 40
    assert bucket.wait_ms(0) == 50
    assert bucket.wait_ms(49) == 1
    assert bucket.wait_ms(50) == 0


@given(st.lists(st.integers(0, 400), max_size=200))
def test_never_more_than_the_burst_and_the_rate_pass(gaps_ms: list[int]) -> None:
    rate = Rate(per_s=5, burst=10)
    bucket, now_ms, passed = Bucket(rate, 0), 0, 0

    for gap_ms in gaps_ms:
        now_ms += gap_ms
        passed += bucket.wait_ms(now_ms) == 0

    assert passed * 1000 <= rate.burst * 1000 + now_ms * rate.per_s


def test_a_slow_rate_fills_one_request_in_many_seconds() -> None:
    bucket = Bucket(Rate(per_s=1, burst=2, in_s=20), at_ms=0)

    assert [bucket.wait_ms(0) for _ in range(3)] == [0, 0, 20_000]
    assert [bucket.wait_ms(now_ms) for now_ms in (7_000, 19_999, 20_000)] == [13_000, 1, 0]


def test_a_costly_request_counts_for_many() -> None:
    bucket = Bucket(Rate(per_s=100, burst=40), at_ms=0)

    assert [bucket.wait_ms(0, cost=10) for _ in range(5)] == [0, 0, 0, 0, 100]


def test_time_that_stands_still_or_goes_back_fills_nothing() -> None:
    bucket = Bucket(Rate(per_s=1, burst=1), at_ms=1000)

    assert bucket.wait_ms(1000) == 0
    assert bucket.wait_ms(0) == 1000


def test_each_key_has_its_own_rate_and_the_oldest_is_forgotten() -> None:
    buckets = Buckets(Rate(per_s=1, burst=1), max_keys=2)
    buckets.take("a", 0)
    with pytest.raises(RateLimited) as refused:
        buckets.take("a", 0)
    assert refused.value.retry_after_s == 1

    buckets.take("b", 0)
    buckets.take("c", 0)

    buckets.take("a", 0)
