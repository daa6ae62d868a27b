"""What the demonstration prints: the story line by line, and the checks it stands on."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Check:
    """A statement of the story and whether it held."""

    chapter: str
    statement: str
    holds: bool
    found: str


@dataclass
class Report:
    """Lines and checks, in the order they came. `quiet` keeps the lines unprinted."""

    is_quiet: bool = False
    lines: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    def tell(self, text: str) -> None:
        self.lines.append(text)
        if not self.is_quiet:
            print(text, flush=True)  # noqa: T201 - the command's own output

    def check(self, chapter: str, statement: str, *, holds: bool, found: object = "") -> None:
        self.checks.append(Check(chapter, statement, holds, str(found)))
        mark = "✓" if holds else "✗"
        self.tell(f"  {mark} {statement}" + (f" — {found}" if found != "" else ""))

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.holds]

    def as_json(self) -> dict[str, object]:
        return {
            "holds": not self.failed,
            "checks": [
                {"chapter": c.chapter, "statement": c.statement, "holds": c.holds, "found": c.found}
                for c in self.checks
            ],
        }
