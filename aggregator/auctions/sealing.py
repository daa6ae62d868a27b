"""What nobody may read before the close: sealed in the journal, in answers and in refusals.

Sealed formats write bids as boxes of one size, and standing limits are boxes in every format.
The mechanism alone opens them, in memory. Receipts and refusals that name a sealed figure are
kept sealed under their command ids too, and opened for who asked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from aggregator.auctions.facts import ActSealed
from aggregator.auctions.keys import key_of, sealing_key
from aggregator.errors import MarketError, RecordedRefusal
from aggregator.journal.facts import body_of, canonical, fact_of
from aggregator.journal.reading import Entry
from aggregator.market import Answer, Command
from aggregator.refusals import Refusal, plain_figures, refusal_code
from aggregator.vault import derived, keyed, seal, unseal, vault
from matching.auctions.events import BidPlaced, PackagePlaced

_BOX_BYTES = 512
# Ten scored terms with names of forty letters, of four bytes each, and twenty items.
_LONG_BOX_BYTES = 3072
_ANSWER_BYTES = 1024
_ANSWER = "answer"
_SEALED = "sealed"


@dataclass
class SealedRefusal(MarketError):
    """A refusal as its command keeps it; `refusal` is what the asker is told."""

    code = "sealed_refusal"
    sealed: str
    refusal: Refusal

    def figures(self) -> dict[str, object]:
        return {_SEALED: self.sealed}


def sealed(key: bytes, auction_id: str, fact: object) -> ActSealed:
    """Return a fact in a box; boxes have one size, so that none tells a figure by its length."""
    content = canonical([type(fact).__name__, body_of(fact)])
    is_scored = isinstance(fact, BidPlaced) and bool(fact.attributes)
    is_long = is_scored or isinstance(fact, PackagePlaced)
    size = _LONG_BOX_BYTES if is_long else _BOX_BYTES
    return ActSealed(seal(sealing_key(key), _padded(content, size), auction_id))


def opened(key: bytes, auction_id: str, fact: Any) -> Any:
    """Return what a box holds, and any other fact as it is.

    Raises:
        KeyLost: the box was made with another key, or changed since.

    """
    if not isinstance(fact, ActSealed):
        return fact
    kind, body = json.loads(unseal(sealing_key(key), fact.box, auction_id))
    return fact_of(kind, body)


def history(auction_id: str, found: Sequence[Entry]) -> list[Entry]:
    """Return a journal's entries with their boxes opened."""
    key = key_of(auction_id, (entry.fact for entry in found))
    return [replace(entry, fact=opened(key, auction_id, entry.fact)) for entry in found]


def fingerprinted(command: Command) -> Command:
    """Return the command with a fingerprint from which its content cannot be guessed."""
    mac = _fingerprinting(vault().sealing).copy()
    mac.update(command.fingerprint)
    return Command(command.id, mac.digest())


@lru_cache(maxsize=8)
def _fingerprinting(sealing: bytes) -> blake2b:
    return keyed(derived(sealing, "fingerprint"))


def sealed_answer(answer: Answer) -> Answer:
    return {_SEALED: _wrapped(answer)}


def sealed_refusal(refusal: Refusal) -> SealedRefusal:
    told = {"code": refusal_code(refusal), "figures": plain_figures(refusal)}
    return SealedRefusal(_wrapped(told), refusal)


def readable(answer: Answer) -> Answer:
    """Return an answer, or the code and figures of a refusal, as the asker may read them."""
    figures = answer.get("figures")
    kept = figures if isinstance(figures, dict) and _SEALED in figures else answer
    if _SEALED not in kept:
        return answer
    found: Answer = json.loads(vault().unwrap(kept[_SEALED], _ANSWER))
    return found


def readable_refusal(refusal: RecordedRefusal) -> RecordedRefusal:
    """Return a refusal that is given again as it was given the first time."""
    told = readable({"code": refusal.refusal_code, "figures": refusal.figures()})
    return RecordedRefusal(told["code"], told["figures"])


def _wrapped(answer: Answer) -> str:
    """Return an answer as its command keeps it, of one size like the boxes."""
    return vault().wrap(_padded(canonical(answer), _ANSWER_BYTES), _ANSWER)


def _padded(content: bytes, size: int) -> bytes:
    return content.ljust(-(-len(content) // size) * size)
