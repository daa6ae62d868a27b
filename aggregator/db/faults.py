"""Which of the driver's errors are nobody's fault, and what each lets the caller conclude."""

from __future__ import annotations

from asyncpg import exceptions as pg
from tortoise.exceptions import DBConnectionError, IntegrityError

BUSY = (
    pg.DeadlockDetectedError,
    pg.SerializationError,
    pg.LockNotAvailableError,
    pg.IntegrityConstraintViolationError,
    IntegrityError,
)
"""Another transaction was in the way: run it again."""

FULL = (pg.DiskFullError,)
"""No room on the disk, found before the commit: nothing was done."""

LOST = (
    pg.PostgresConnectionError,
    pg.InterfaceError,
    # The driver's own complaint when a socket breaks between two of its states.
    pg.InternalClientError,
    pg.OperatorInterventionError,
    pg.InsufficientResourcesError,
    pg.IdleInTransactionSessionTimeoutError,
    DBConnectionError,
    OSError,
)
"""The connection broke, or none was to be had: what was under way may or may not be done."""
