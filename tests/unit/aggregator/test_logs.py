from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from aggregator import logs


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.configure(stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)


def only_line(output: io.StringIO) -> dict[str, object]:
    (line,) = output.getvalue().splitlines()
    parsed: dict[str, object] = json.loads(line)
    return parsed


def test_a_listed_field_is_logged(output: io.StringIO) -> None:
    logs.logger().info("timer_fired", timer="t1", late_ms=4)

    line = only_line(output)
    assert (line["event"], line["timer"], line["late_ms"]) == ("timer_fired", "t1", 4)


def test_a_price_is_withheld_and_only_its_name_is_told(output: io.StringIO) -> None:
    logs.logger().info("bid_placed", auction="a1", price_minor=499_123, bidder="Guitang")

    assert only_line(output)["withheld"] == ["bidder", "price_minor"]
    assert "499123" not in output.getvalue()
    assert "Guitang" not in output.getvalue()


def test_an_error_is_logged_by_type_and_place_without_its_words(output: io.StringIO) -> None:
    try:
        raise ValueError("row (499123) refused")
    except ValueError:
        logs.logger().exception("closing_failed", auction="a1")

    line = only_line(output)
    assert line["error"] == "builtins.ValueError"
    assert "499123" not in output.getvalue()
    assert "test_an_error_is_logged" in str(line["where"])


def test_another_librarys_text_is_logged_without_its_values(output: io.StringIO) -> None:
    try:
        raise ValueError("row (499123) refused")
    except ValueError:
        logging.getLogger("elsewhere").exception("could not store %s", "499123")

    line = only_line(output)
    assert (line["logger"], line["event"]) == ("elsewhere", "could not store %s")
    assert "499123" not in output.getvalue()


def test_the_web_servers_own_lines_are_readable(output: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("Uvicorn running on %s", "port 8000")

    assert only_line(output)["event"] == "Uvicorn running on port 8000"


def test_statements_are_not_logged_even_when_asked_for_detail(output: io.StringIO) -> None:
    logs.configure(level="debug", stream=output)

    logging.getLogger("tortoise.db_client").debug("insert into bid %s", 499_123)

    assert output.getvalue() == ""
