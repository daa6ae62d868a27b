"""Words in the languages of the market; Chinese first.

`zh.json` and `en.json` hold the same keys, sorted. A text names the figures it shows in
braces: `"at most {at_most}"`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = ("zh", "en")

_FIGURE = re.compile(r"\{([a-z_0-9]+)\}")
_WEIGHTED = re.compile(r"\s*([A-Za-z*-]+)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?\Z")


def words(language: str, key: str, figures: Mapping[str, object] | None = None) -> str | None:
    """Return the text of `key` with its figures filled in, or None when there is none."""
    text = _texts(language).get(key)
    if text is None:
        return None
    shown = figures or {}
    return _FIGURE.sub(lambda found: str(shown.get(found[1], "…")), text)


def keys(language: str) -> frozenset[str]:
    return frozenset(_texts(language))


def preferred(accept_language: str) -> str:
    """Return the language of ours that an Accept-Language header likes best.

    Chinese when it names neither or both alike.
    """
    best, best_weight = LANGUAGES[0], 0
    for part in accept_language.split(",")[:20]:
        found = _WEIGHTED.match(part)
        if found is None:
            continue
        language = found[1].partition("-")[0].lower()
        weight = _thousandths(found[2])
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _thousandths(text: str | None) -> int:
    if text is None:
        return 1000
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(3, "0"))


@cache
def _texts(language: str) -> dict[str, str]:
    file = Path(__file__).with_name(f"{language}.json")
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return found
