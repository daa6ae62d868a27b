"""What each fact and each timer sets off. Calls go down; facts come up through here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aggregator.market import Market, Reactions

ON_FACT: Reactions = {}

ON_TIMER: Mapping[str, Callable[[Market, str], Awaitable[None]]] = {}
