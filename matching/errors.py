"""What a mechanism refuses, and why.

A class says which rule was broken; its fields carry the figures. The wording a person
reads is made in `web`, from `code` and the fields.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import ClassVar


class Figured(Exception):
    """An expected failure; its dataclass has a stable `code`, and the figures as fields."""

    code: ClassVar[str]

    def figures(self) -> dict[str, object]:
        """Return the fields by name."""
        if not is_dataclass(self):
            return {}
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.figures().items())
        return f"{self.code}({shown})"


class RuleViolation(Figured):
    """A well-formed request that a market rule refuses.

    Its figures are what a person needs to mend the request. Subclasses live beside the
    mechanism that raises them.
    """

    code = "rule_violation"
