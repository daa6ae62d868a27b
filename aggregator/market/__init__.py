"""The running marketplace: one way to act, and the one transaction that an act runs in.

A use case hands `Market.perform` a step. `perform` authorises the actor, lines the step up
in its stream's turnstile, answers a command id seen before with the answer it got then,
runs the step and stores its answer in one transaction, and wakes the bus after commit.
"""

from aggregator.market.acts import (
    PUBLIC,
    Actor,
    Answer,
    Audience,
    Command,
    MaySee,
    Outcome,
    Seen,
)
from aggregator.market.desk import Asked, Desk
from aggregator.market.place import Market
from aggregator.market.unit import Reaction, Reactions, Step, Unit

__all__ = [
    "PUBLIC",
    "Actor",
    "Answer",
    "Asked",
    "Audience",
    "Command",
    "Desk",
    "Market",
    "MaySee",
    "Outcome",
    "Reaction",
    "Reactions",
    "Seen",
    "Step",
    "Unit",
]
