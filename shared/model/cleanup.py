"""Runs of the cleanup, as they are kept on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """What kept an item of a step from being done; `code` is that of an error."""

    item: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class StepFailure:
    """An ItemFailure with the name of its step."""

    step: str
    item: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupRun:
    """One run; `finished_at` is None while it runs, and stays None if it died.

    `counts` are those of docs/architecture.md, `failures` the first ones.
    """

    id: UUID
    started_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, int]
    failures: Sequence[StepFailure]
