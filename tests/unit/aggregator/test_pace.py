from aggregator.market.pace import LEAST_AHEAD, Pace

ACT_NS = 40_000


def seen(commit_ns: int) -> Pace:
    pace = Pace()
    pace.written(10, worked_ns=10 * ACT_NS, took_ns=commit_ns)
    return pace


def test_where_the_disk_is_quick_half_is_decided_while_half_is_written() -> None:
    assert [seen(300_000).first_of(count) for count in (512, 33, 24)] == [256, 17, 12]


def test_a_small_number_goes_at_once() -> None:
    assert seen(300_000).first_of(7) == 7
    assert [seen(300_000).first_of(count) for count in (8, LEAST_AHEAD + 1)] == [8, LEAST_AHEAD]


def test_where_the_disk_is_slow_all_go_at_once() -> None:
    assert [seen(2_000_000).first_of(count) for count in (512, 50, 32)] == [256, 50, 32]


def test_the_latest_commit_alone_counts() -> None:
    pace = seen(300_000)
    pace.written(50, worked_ns=50 * ACT_NS, took_ns=2_000_000)
    assert pace.first_of(32) == 32


def test_before_anything_was_seen_all_go_at_once() -> None:
    assert Pace().first_of(256) == 256
