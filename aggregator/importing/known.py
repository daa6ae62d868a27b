"""What the cells of a file may name: the catalogue, the firm's groups, and the reader's zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from aggregator.catalogue.queries import InstrumentView, instruments, regions
from aggregator.errors import InvalidField
from aggregator.importing.figures import plain
from aggregator.market import Actor
from aggregator.parties.preferring import preferences
from aggregator.standing.privileges import tier_names
from aggregator.supply import audiences


@dataclass(frozen=True, slots=True)
class Known:
    """Ids and names in any writing → what they name; a name that two share names neither."""

    instruments: Mapping[str, str]
    traded: Mapping[str, InstrumentView]
    regions: Mapping[str, str]
    groups: Mapping[str, str]
    tiers: Sequence[str]
    zone: ZoneInfo

    def instrument(self, text: str) -> str:
        found = self.instruments.get(plain(text))
        if found is None:
            raise InvalidField("", "an instrument of the catalogue, by code or name", text)
        return found

    def region(self, text: str) -> str:
        found = self.regions.get(plain(text))
        if found is None:
            raise InvalidField("", "a region of the catalogue, by code or name", text)
        return found

    def group(self, text: str) -> str:
        found = self.groups.get(plain(text))
        if found is None:
            raise InvalidField("", "names one of your groups", text)
        return found

    def tier(self, text: str) -> str:
        higher = {plain(name): name for name in self.tiers[1:]}
        found = higher.get(plain(text))
        if found is None:
            raise InvalidField("", f"one of {', '.join(higher)}", text)
        return found


async def known_to(actor: Actor, now: datetime) -> Known:
    """Read what an actor's file may name."""
    traded, named = await instruments(), await regions()
    groups = await audiences.groups(actor)
    return Known(
        instruments=_index((one.id, (one.name_zh, one.name_en)) for one in traded),
        traded={one.id: one for one in traded},
        regions=_index((one.code, (one.name_zh, one.name_en)) for one in named),
        groups=_index((one["group_id"], (one["name"],)) for one in groups),
        tiers=await tier_names(now),
        zone=ZoneInfo((await preferences(actor))["zone"]),
    )


def _index(named: Iterable[tuple[str, Sequence[str]]]) -> Mapping[str, str]:
    ids: dict[str, str] = {}
    names: dict[str, set[str]] = {}
    for id_, called in named:
        ids[plain(id_)] = id_
        for name in called:
            names.setdefault(plain(name), set()).add(id_)
    return {name: min(found) for name, found in names.items() if len(found) == 1} | ids
