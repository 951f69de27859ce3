"""The time of day, handed to whatever needs it so that tests can set it."""

from collections.abc import Callable
from datetime import UTC, datetime

type Clock = Callable[[], datetime]
"""Gives the present moment, timezone-aware."""


def utc_now() -> datetime:
    return datetime.now(UTC)
