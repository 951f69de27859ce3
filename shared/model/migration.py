"""Migrations: clips of the old service whose files are brought into storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.model.failure import Failure


class MigrationStatus(StrEnum):
    """`done`: every file is settled, if only by a failure; `failed`: it could not be planned."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Files of a folder that become the bytes of clips, and how far that is.

    The counts are of clips, with all files of theirs; 0 until the folder has been read.
    `skipped` are those whose bytes were all in storage before. `failure` is why it was given up.
    """

    id: UUID
    status: MigrationStatus
    total: int
    migrated: int
    skipped: int
    failed: int
    failure: Failure | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class StrayFile:
    """A file that was not moved: it failed, or belongs to no clip. `path` is below the folder."""

    path: bytes
    clip_id: UUID | None
    why: Failure


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """A migration with what to look at: all failed files, some files and clips without a match."""

    migration: Migration
    failures: Sequence[StrayFile]
    unmatched: Sequence[StrayFile]
    no_file: Sequence[UUID]
