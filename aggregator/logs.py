"""Logs: one JSON object a line, and only fields that are on the list.

A log is read by people who may not know a price, a bid or a name, and is kept where the market's
own rules do not reach. So a field that is not listed is withheld (its name is logged, its value is
not), texts of other libraries are logged without their arguments, and an error is logged by its
type and where it happened, because its message may quote a row.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, TextIO, cast

import orjson
import structlog

ALLOWED_FIELDS = frozenset(
    {
        # the line itself
        *("at", "level", "event", "logger", "withheld", "error", "where"),
        # which process, request and act
        *("pid", "worker", "environment", "version", "request", "route", "method", "status"),
        *("command", "action", "code", "transport", "close_code"),
        # opaque names of things
        *("organisation", "stream", "seq", "timer", "kind", "topic", "deal", "auction", "pool"),
        *("cell", "instrument", "region", "tenor"),
        # sizes and times of the work, never of the trade
        *("count", "queued", "bytes", "attempt", "delay_ms", "elapsed_ms", "late_ms", "sockets"),
        *("host", "port", "files"),
    }
)
"""The fields a line may have. Prices, amounts, lots, bids, names and addresses of people never."""

# These loggers speak of servers and sockets only, so their whole text may be shown.
_PLAIN_SPEAKERS = ("uvicorn.error", "asyncio")
_LONGEST_TEXT = 300

Event = MutableMapping[str, Any]


def configure(*, level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line of this process, ours and other libraries', to one stream."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _without_error_text,
        allow_listed,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    output = logging.StreamHandler(stream or sys.stderr)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_template_only, structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_json],
        )
    )
    root = logging.getLogger()
    root.handlers = [output]
    root.setLevel(_number(level))
    # Each request is logged by our own middleware, without its query.
    logging.getLogger("uvicorn.access").disabled = True
    # These log every statement, or every request, when they are let.
    for name in ("tortoise", "asyncpg", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)


def logger() -> structlog.typing.FilteringBoundLogger:
    """Return the logger; `logger().info("timer_fired", timer=…, late_ms=…)`."""
    return cast(structlog.typing.FilteringBoundLogger, structlog.get_logger())


def allow_listed(_: Any, __: str, event: Event) -> Event:
    """Keep the listed fields and name the others."""
    kept = {name: value for name, value in event.items() if name in ALLOWED_FIELDS | _OWN}
    withheld = sorted(name for name in event if name not in kept)
    return {**kept, "withheld": withheld} if withheld else kept


# The library's own marks on a line, which its formatter removes.
_OWN = frozenset({"_record", "_from_structlog", "exc_info"})


def _without_error_text(_: Any, __: str, event: Event) -> Event:
    """Replace an error by its type and its place."""
    given = event.pop("exc_info", None)
    error = _error(given)
    if error is not None:
        event["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
        event["where"] = _places(error.__traceback__)
    event.pop("stack_info", None)
    return event


def _error(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return cast(BaseException | None, given[1])
    return sys.exc_info()[1] if given else None


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-8:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]


def _template_only(_: Any, __: str, event: Event) -> Event:
    """Take the values out of another library's text."""
    record = cast(logging.LogRecord, event["_record"])
    if not record.name.startswith(_PLAIN_SPEAKERS):
        event["event"] = str(record.msg)
    event["event"] = str(event["event"])[:_LONGEST_TEXT]
    if record.exc_info:
        event["exc_info"] = record.exc_info
        # Without this, the standard formatter would add the whole text again.
        record.exc_info, record.exc_text = None, None
    return event


def _as_json(_: Any, __: str, event: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(event), default=str, option=orjson.OPT_SORT_KEYS).decode()


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
