"""What an approval asks for, as its row keeps it: sealed, in boxes of one size.

A bid that waits for a colleague, a pledge's limit, are read by the firm's own people through
this program; the row tells neither figures nor note. The fingerprint is keyed, so that nobody
guesses terms by hashing them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from aggregator.journal.facts import canonical
from aggregator.journal.reading import decoded
from aggregator.vault import derived, vault

_SEALED = "sealed"
_PURPOSE = "approval"
_BOX_BYTES = 4096
NO_AMOUNT_MINOR = 1
"""What stands in the row where the amount is sealed."""


def sealed(content: object) -> dict[str, str]:
    """Return a JSON value as a row keeps it."""
    written = canonical(content)
    padded = written.ljust(-(-len(written) // _BOX_BYTES) * _BOX_BYTES)
    return {_SEALED: vault().wrap(padded, _PURPOSE)}


def opened(kept: Any) -> Any:
    """Return what `sealed` hid; a value that was never sealed comes back as it is.

    Raises:
        KeyLost: another installation sealed it.

    """
    found = decoded(kept)
    if not isinstance(found, dict) or found.keys() != {_SEALED}:
        return found
    return json.loads(vault().unwrap(found[_SEALED], _PURPOSE))


def readable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of `approval` with its terms, amount, note and outcome opened."""
    found = opened(row["terms"])
    asked = dict(row)
    if decoded(row["terms"]) != found:
        asked |= {"amount_minor": found["amount_minor"], "note": found["note"]}
        found = found["terms"]
    asked["terms"] = found
    if "outcome" in asked:
        asked["outcome"] = opened(row["outcome"])
    return asked


def keyed(content: bytes) -> bytes:
    """Return a fingerprint from which the content cannot be guessed."""
    key = derived(vault().sealing, _PURPOSE)
    return hashlib.blake2b(content, key=key, digest_size=32).digest()
