"""The feed's phase of a window whose buyers are asked."""

from datetime import timedelta
from typing import Any

from aggregator.forwards.facts import StripOpened, TalksBegan, TermsAnswered, TermsAsked
from aggregator.forwards.topic import State, StripTopic
from aggregator.journal.reading import Entry
from aggregator.market import PUBLIC
from tests.builders import START

UNTIL = START + timedelta(hours=1)


def asked(order_id: str) -> TermsAsked:
    return TermsAsked("stp_1", order_id, "org_1", 495_000, "0" * 64, UNTIL)


def answered(order_id: str) -> TermsAnswered:
    return TermsAnswered("stp_1", order_id, "org_1", "approved")


def view(*facts: Any) -> dict[str, Any]:
    topic, state = StripTopic(), State()
    opened = StripOpened("stp_1", "远期", "SUGAR-W1", "GX", ("2027-03",), START, UNTIL)
    for number, fact in enumerate((opened, TalksBegan("stp_1", "counter", "org_9"), *facts)):
        state = topic.evolve(state, Entry("strip:stp_1", number, START, fact, "system", b""))
    return topic.view(state, PUBLIC)


def test_a_window_asks_until_the_last_buyer_has_answered() -> None:
    said = (asked("ord_1"), asked("ord_2"), answered("ord_2"), answered("ord_1"))

    phases = [view(*said[:count])["phase"] for count in range(len(said) + 1)]

    assert phases == ["talking", "asking", "asking", "asking", "closing"]


def test_who_is_asked_and_beyond_which_limit_leaves_no_trace() -> None:
    assert "495000" not in str(view(asked("ord_1")))
    assert view(asked("ord_1")) == view(asked("ord_1"), asked("ord_2"))
