"""The mechanism's answer for one close, believed only after the independent checker.

Clearing may take minutes, so it runs in a thread and outside every transaction. A result that
the checker refuses awards nothing, and neither does a mechanism that fails: the same inputs
would end the same way for ever, with every deposit held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from aggregator.laboratory.clearing import (
    GuaranteeBroken,
    canonical_json,
    check_documents,
    clear_document,
)

CRASHED = "crashed"

log = structlog.get_logger("forwards")


@dataclass(frozen=True, slots=True)
class Certified:
    """A bundle and its result; `broken` names the guarantee for which nothing is awarded.

    `gathered` is the bundle as it stood, where another price rule was cleared in the end.
    """

    gathered: Mapping[str, Any]
    instance: Mapping[str, Any]
    result: Mapping[str, Any]
    broken: str | None = None


async def certify(instance: Mapping[str, Any]) -> Certified:
    """Clear a bundle once and have the result checked."""
    text = canonical_json(instance).encode()
    result: Mapping[str, Any] = {}
    try:
        result = await asyncio.to_thread(clear_document, text)
        await asyncio.to_thread(check_documents, text, canonical_json(result).encode())
    except GuaranteeBroken as refused:
        log.error("strip_not_certified", guarantee=refused.name, detail=refused.detail)
        return Certified(instance, instance, result, refused.name)
    except Exception as error:
        log.error("strip_not_certified", guarantee=CRASHED, exc_info=error)
        return Certified(instance, instance, result, CRASHED)
    return Certified(instance, instance, result)
