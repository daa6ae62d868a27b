"""Names that cannot pretend to be another: plain NFC text without control or bidi signs."""

from __future__ import annotations

import unicodedata

from aggregator.errors import InvalidField

MAX_NAME = 120
_REFUSED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def checked_name(text: str, pointer: str, *, at_least: int = 1) -> str:
    """Return `text` in NFC, trimmed.

    Raises:
        InvalidField: too short or long, or it holds control, bidi or invisible signs.

    """
    name = unicodedata.normalize("NFC", text.strip())
    if not at_least <= len(name) <= MAX_NAME:
        raise InvalidField(pointer, f"{at_least} to {MAX_NAME} characters", len(name))
    for character in name:
        if unicodedata.category(character) in _REFUSED:
            raise InvalidField(
                pointer, "no control, bidi or invisible signs", f"U+{ord(character):04X}"
            )
    return name


def checked_note(text: str, pointer: str, *, longest: int = 2000) -> str:
    """Return a note of any lines in NFC, trimmed.

    Raises:
        InvalidField: too long, or it holds control, bidi or invisible signs.

    """
    note = unicodedata.normalize("NFC", text.strip())
    if len(note) > longest:
        raise InvalidField(pointer, "max_length", longest)
    for character in note:
        if character != "\n" and unicodedata.category(character) in _REFUSED:
            raise InvalidField(
                pointer, "no control, bidi or invisible signs", f"U+{ord(character):04X}"
            )
    return note
