"""The current time, as a parameter of the code that needs it, so that tests can set it."""

from collections.abc import Callable
from datetime import UTC, datetime

# Gives the present moment, timezone-aware.
type Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)
