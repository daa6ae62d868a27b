from aggregator.market.pace import LEAST_AHEAD, Pace


def test_where_the_disk_is_quick_half_is_decided_while_half_is_written() -> None:
    pace = Pace()
    pace.decided(10, 0.000_4)
    pace.written(0.000_3)
    assert [pace.first_of(count) for count in (512, 33, 24)] == [256, 17, 12]


def test_a_small_number_goes_at_once() -> None:
    pace = Pace()
    pace.decided(10, 0.000_4)
    pace.written(0.000_3)
    assert pace.first_of(7) == 7
    assert [pace.first_of(count) for count in (8, LEAST_AHEAD + 1)] == [8, LEAST_AHEAD]


def test_where_the_disk_is_slow_all_go_at_once() -> None:
    pace = Pace()
    pace.decided(10, 0.000_4)
    pace.written(0.002)
    assert [pace.first_of(count) for count in (512, 50, 32)] == [256, 50, 32]


def test_before_anything_was_seen_all_go_at_once() -> None:
    assert Pace().first_of(256) == 256
