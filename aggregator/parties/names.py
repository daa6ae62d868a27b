"""Names that cannot pretend to be another: plain NFC text without control or bidi signs."""

from __future__ import annotations

import unicodedata

from aggregator.errors import InvalidField

MAX_NAME = 120
# Alphabets with letters that look like those of another; a name is written in one of them.
_ALIKE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
_LOOKS = str.maketrans(
    "абвгеікмнорстухјѕһԁɡαβεζηικμνορτυχ01|",
    "a6breikmhopctyxjshdgabezhikmvoptyxoll",
)
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
    mixed = {script for sign in name if (script := _script(sign))}
    if len(mixed) > 1:
        raise InvalidField(pointer, "letters of one alphabet", ", ".join(sorted(mixed)))
    return name


def look_of(name: str) -> str:
    """Return what a name looks like: width, case, spaces and look-alike letters set aside."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in plain if sign.isalnum() or sign == "|").translate(_LOOKS)


def _script(sign: str) -> str | None:
    if not sign.isalpha() or sign.isascii():
        return "LATIN" if sign.isalpha() else None
    found = unicodedata.name(sign, "").removeprefix("FULLWIDTH ").partition(" ")[0]
    return found if found in _ALIKE else None


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
