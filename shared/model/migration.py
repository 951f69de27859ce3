"""Migrations: files that become the bytes of clips of the old service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.model.failure import Failure


class MigrationStatus(StrEnum):
    """`done`: every file was migrated, skipped or failed; `failed`: it could not be planned."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A migration of a folder, and its progress.

    The counts are of clips, each with all its files; 0 until the folder has been read.
    `skipped` are those whose bytes were all in storage before. `failure` is why it failed.
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
class FileProblem:
    """A file that failed, or that belongs to no clip. `path` is below the folder."""

    path: bytes
    clip_id: UUID | None
    failure: Failure


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """A migration with all failed files, and the first 1000 files and clips without a match."""

    migration: Migration
    failures: Sequence[FileProblem]
    unmatched: Sequence[FileProblem]
    no_file: Sequence[UUID]
