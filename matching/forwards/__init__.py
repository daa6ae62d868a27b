"""Forward bundling: different buyers' months, one negotiation with the suppliers."""

from matching.forwards.clearing import Result, clear

__all__ = ["Result", "clear"]
