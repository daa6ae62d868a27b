"""What the story has brought about so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from web.demonstration.founding import Registered

INSTRUMENT = "SUGAR-W1"


@dataclass
class Told:
    """What the story has brought about so far."""

    firms: Mapping[str, Registered]
    tenors: Sequence[str]
    pool: str = ""
    pool_auction: str = ""
    tranches: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    strip: str = ""

    @property
    def pool_cell(self) -> str:
        return f"{INSTRUMENT}/GX/{self.tenors[0]}"

    @property
    def mill_cell(self) -> str:
        return f"{INSTRUMENT}/YN/{self.tenors[0]}"
