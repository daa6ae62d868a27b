"""Values that are made for every bid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """Make `cls` a dataclass that nobody changes, for what is made many thousand times a second.

    That it is not changed is held by the type checker alone. A dataclass that also looks while
    the program runs takes six times as long to make.
    """
    made: Callable[[type[T]], type[T]] = dataclass(slots=True, unsafe_hash=True)
    return made(cls)
