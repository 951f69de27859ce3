"""What an error of the driver means: an outage, a conflict, or a bug.

The only place where SQLSTATEs are interpreted:
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from enum import Enum, auto

import psycopg

# Connection lost; out of resources; shut down, cancelled or starting; input/output error.
_OUTAGE_CLASSES = {"08", "53", "57", "58"}
# After a failover, or when the server's disk is nearly full.
_READ_ONLY = "25006"
# A deadlock or a failed serialization: Postgres rolled back to let another transaction finish.
_CONFLICT_CLASS = "40"
_LOCK_NOT_AVAILABLE = "55P03"
# The server ends the connection, whatever the reason: a time limit of transactions, for example.
_ENDING = {"FATAL", "PANIC"}
# The function of the server that finds that a prepared statement has become too old: a column that
# it returns has another type now. A new connection prepares it anew.
_STALE_PLAN = "RevalidateCachedQuery"


class Meaning(Enum):
    """What to do about an error of the driver."""

    OUTAGE = auto()  # the server is unavailable: the same call may succeed later
    READ_ONLY = auto()  # the same; other connections may lead to another server
    CONFLICT = auto()  # another transaction was in conflict
    BUG = auto()  # the statement or a value is wrong


def meaning_of(error: psycopg.Error) -> Meaning:
    """By its SQLSTATE. Without one, an OperationalError is a lost or refused connection."""
    state = error.sqlstate
    if state is None:
        return Meaning.OUTAGE if isinstance(error, psycopg.OperationalError) else Meaning.BUG
    if state == _READ_ONLY:
        return Meaning.READ_ONLY
    if state[:2] in _OUTAGE_CLASSES or _is_of_connection(error.diag):
        return Meaning.OUTAGE
    if state[:2] == _CONFLICT_CLASS or state == _LOCK_NOT_AVAILABLE:
        return Meaning.CONFLICT
    return Meaning.BUG


def _is_of_connection(said: psycopg.errors.Diagnostic) -> bool:
    """Whether the same statement would succeed on a new connection."""
    return said.severity_nonlocalized in _ENDING or said.source_function == _STALE_PLAN
