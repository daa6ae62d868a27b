"""Acts over the feed: a frame's op, and the HTTP endpoint whose act it is.

A frame carries the endpoint's body, its path parameters under names of their own, and the
command id as `cmd`. So both ways share one schema, one permission, one meaning and one answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.errors import InvalidField
from web.api.routing import ENDPOINTS, Endpoint


@dataclass(frozen=True, slots=True)
class Operation:
    """`named` gives, for each path parameter of the endpoint, the frame's field."""

    op: str
    method: str
    path: str
    named: Mapping[str, str]

    @property
    def endpoint(self) -> Endpoint:
        return ENDPOINTS[self.method, self.path]

    def taken_apart(self, content: dict[str, object]) -> tuple[dict[str, str], object]:
        """Return the path parameters and the body that a frame's fields give; it takes them.

        Raises:
            InvalidField: a field that names the thing acted on is missing or no text.

        """
        path: dict[str, str] = {}
        for parameter, field in self.named.items():
            value = content.pop(field, None)
            if not isinstance(value, str) or not 1 <= len(value) <= 200:
                raise InvalidField(f"/{field}", "required" if value is None else "text")
            path[parameter] = value
        return path, content


OPERATIONS: dict[str, Operation] = {}


def frame_op(op: str, method: str, path: str, **named: str) -> None:
    """Let frames `{"op": op, "cmd": …, …}` act like the keyed endpoint `method path`."""
    operation = Operation(op, method, path, named)
    if OPERATIONS.setdefault(op, operation) != operation:
        raise ValueError(f"two operations are called {op}")


def check_operations() -> None:
    """Refuse to start when an operation has no endpoint to act like.

    Raises:
        LookupError: naming every such operation.

    """
    wrong = sorted(
        op
        for op, operation in OPERATIONS.items()
        if (endpoint := ENDPOINTS.get((operation.method, operation.path))) is None
        or not endpoint.needs_command
        or endpoint.body is None
    )
    if wrong:
        raise LookupError(f"feed operations without a keyed endpoint with a body: {wrong}")
