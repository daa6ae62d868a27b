"""Checking a quantity that an act names against what there is."""

from __future__ import annotations

from aggregator.errors import InvalidField
from aggregator.parties.names import checked_note

MAX_WEIGHT_KG = 10**12


def check_lots(lots: int, *, at_most: int, at_least: int = 1) -> None:
    """Raise InvalidField unless `lots` lies in the range, both ends included."""
    if lots < at_least:
        raise InvalidField("/lots", "at_least", at_least)
    if lots > at_most:
        raise InvalidField("/lots", "at_most", at_most)


def check_weight(weight_kg: int | None) -> None:
    """Raise InvalidField unless a weight, where one is told, is one that goods may have."""
    if weight_kg is None:
        return
    if weight_kg < 1:
        raise InvalidField("/weight_kg", "at_least", 1)
    if weight_kg > MAX_WEIGHT_KG:
        raise InvalidField("/weight_kg", "at_most", MAX_WEIGHT_KG)


def check_text(text: str, pointer: str, *, max_length: int) -> str:
    """Return a note of 1 to `max_length` characters, or raise InvalidField."""
    found = checked_note(text, pointer, longest=max_length)
    if not found:
        raise InvalidField(pointer, "min_length", 1)
    return found
