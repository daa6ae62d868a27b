"""Random small changes to a result: what a mistaken or dishonest operator might publish."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

Path = tuple[str | int, ...]


def mutated(document: dict[str, Any], random: Random) -> dict[str, Any]:
    """Return a copy that differs in one place: a figure, a name, an entry lost, doubled, moved."""
    while True:
        changed = json.loads(json.dumps(document))
        path = random.choice([*_paths(changed)])
        holder = changed
        for step in path[:-1]:
            holder = holder[step]
        _change(holder, path[-1], random, [*_strings(document)])
        if changed != document:
            return changed


def _change(holder: Any, key: Any, random: Random, strings: list[str]) -> None:
    value = holder[key]
    if isinstance(holder, list) and random.random() < 0.5:
        act = random.choice(["lose", "double", "move"])
        if act == "lose":
            del holder[key]
        elif act == "double":
            holder.insert(key, value)
        else:
            holder.insert(random.randrange(len(holder)), holder.pop(key))
        return
    if isinstance(holder, dict) and random.random() < 0.1:
        del holder[key]
    elif isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, int):
        holder[key] = random.choice([value + 1, value - 1, -value, value * 2, 0, value + 100, None])
    elif isinstance(value, str):
        holder[key] = random.choice([*strings, value + "x", ""])
    elif isinstance(value, list):
        holder[key] = value[:-1] if value else [None]
    elif isinstance(value, dict):
        value["unexpected"] = 1
    else:
        holder[key] = 1


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _paths(part, (*path, name))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _paths(part, (*path, place))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
