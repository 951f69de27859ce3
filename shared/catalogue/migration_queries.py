"""Migrations that the API starts: begun, planned, worked off, ended; and what is told of them.

Their files are dealt with in `migration_files`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from shared.catalogue import migration_count_queries as migration_counts
from shared.catalogue.migration_file_queries import LEASE
from shared.model import Failure, Migration, MigrationReport, MigrationStatus, StrayFile
from shared.postgres.database import Database, Row

MAX_PLANNINGS = 5
"""How often the planning of a migration is begun before it is given up."""

MAX_LISTED = 1000
"""How many clips without a file, and files without a clip, are told of."""

# One that is running for the same folder is as good as a new one. The update changes nothing:
# it is there to be told the id.
_START: LiteralString = """
    INSERT INTO migrations (folder, batch_size) VALUES (%(folder)s, %(batch_size)s)
    ON CONFLICT (folder) WHERE status = 'running' DO UPDATE SET folder = excluded.folder
    RETURNING id
"""

_JOB: LiteralString = """
    SELECT id, folder, batch_size, planned_at IS NOT NULL AS planned
    FROM migrations WHERE id = %(id)s AND status = 'running'
"""

# Nobody's, or of the same message: that it is delivered again tells that the run before is over.
_BEGIN_PLANNING: LiteralString = """
    UPDATE migrations
    SET attempts = attempts + 1, leased_by = %(message)s, leased_until = now() + %(lease)s
    WHERE id = %(id)s AND status = 'running' AND planned_at IS NULL
      AND (leased_until IS NULL OR leased_until < now() OR leased_by = %(message)s)
    RETURNING attempts
"""

_STILL_PLANNING: LiteralString = """
    UPDATE migrations SET leased_until = now() + %(lease)s
    WHERE id = %(id)s AND planned_at IS NULL
"""

_PLANNED: LiteralString = f"""
    UPDATE migrations m
    SET planned_at = coalesce(planned_at, now()), leased_by = NULL, leased_until = NULL,
        no_file = %(no_file)s::uuid[], {migration_counts.ALL_COUNTED}
    WHERE id = %(id)s
"""

# Counted once more: what settled a file need not have been this version of the app.
_FINISH: LiteralString = f"""
    UPDATE migrations m
    SET status = 'done', finished_at = now(), {migration_counts.ALL_COUNTED}
    WHERE m.id = %(id)s AND m.status = 'running' AND m.planned_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM migration_items i
                      WHERE i.migration_id = m.id AND i.state = 'waiting')
"""

_FAIL: LiteralString = """
    UPDATE migrations
    SET status = 'failed', failure_code = %(code)s, failure_detail = %(detail)s,
        finished_at = now()
    WHERE id = %(id)s AND status = 'running'
"""

# Nobody works on it, and its first message had a minute to arrive.
_STALLED: LiteralString = """
    SELECT m.id FROM migrations m
    WHERE m.status = 'running' AND m.created_at < now() - interval '1 minute'
      AND (m.leased_until IS NULL OR m.leased_until < now())
      AND NOT EXISTS (SELECT 1 FROM migration_items i
                      WHERE i.migration_id = m.id AND i.state = 'waiting'
                        AND i.leased_until >= now())
    ORDER BY m.created_at
"""

_GET: LiteralString = """
    SELECT id, status, failure_code, failure_detail, created_at, finished_at,
           total, migrated, skipped, failed, no_file
    FROM migrations WHERE id = %(id)s
"""

# The states stand in the text: a prepared statement finds no index of a part by a parameter.
_FAILURES: LiteralString = """
    SELECT path, clip_id, failure_code, failure_detail FROM migration_items
    WHERE migration_id = %(id)s AND state = 'failed' ORDER BY path
"""

_UNMATCHED: LiteralString = """
    SELECT path, clip_id, failure_code, failure_detail FROM migration_items
    WHERE migration_id = %(id)s AND state = 'unmatched' ORDER BY path LIMIT %(limit)s
"""

_FORGET: LiteralString = """
    DELETE FROM migrations WHERE finished_at < now() - interval '90 days'
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A running migration, for whoever works on it."""

    id: UUID
    folder: bytes
    batch_size: int
    planned: bool


class Migrations:
    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, folder: bytes, batch_size: int) -> UUID:
        """A new one, or the one that is running for that folder."""
        row = self._database.one(_START, {"folder": folder, "batch_size": batch_size})
        assert row is not None  # noqa: S101  # the statement always returns a row
        id_: UUID = row["id"]
        return id_

    def job(self, migration_id: UUID) -> Job | None:
        """None if it is over, or never was."""
        row = self._database.one(_JOB, {"id": migration_id})
        return None if row is None else Job(**row)

    def begin_planning(self, migration_id: UUID, message_id: str | None) -> int | None:
        """How many times that makes; None if somebody else is at it."""
        parameters = {"id": migration_id, "message": message_id, "lease": LEASE}
        row = self._database.one(_BEGIN_PLANNING, parameters)
        return None if row is None else int(row["attempts"])

    def still_planning(self, migration_id: UUID) -> None:
        self._database.run(_STILL_PLANNING, {"id": migration_id, "lease": LEASE})

    def planned(self, migration_id: UUID, no_file: Sequence[UUID]) -> None:
        """All its files are known, and the first clips that have none."""
        parameters = {"id": migration_id, "no_file": list(no_file)}
        with self._database.transaction() as connection:
            # Another plan of it may be done already, and its files be settled right now.
            migration_counts.lock(connection, migration_id)
            connection.execute(_PLANNED, parameters)

    def finish(self, migration_id: UUID) -> bool:
        """Ends it if no file waits any more, and says whether it did."""
        return self._database.run(_FINISH, {"id": migration_id}) == 1

    def fail(self, migration_id: UUID, why: Failure) -> None:
        parameters = {"id": migration_id, "code": why.code, "detail": why.detail}
        self._database.run(_FAIL, parameters)

    def stalled(self) -> Sequence[UUID]:
        """Running ones that nobody works on."""
        return [row["id"] for row in self._database.all(_STALLED, {})]

    def forget(self) -> int:
        """Drops those that were over three months ago."""
        return self._database.run(_FORGET, {})

    def get(self, migration_id: UUID) -> MigrationReport | None:
        row = self._database.one(_GET, {"id": migration_id})
        if row is None:
            return None
        listed = {"id": migration_id, "limit": MAX_LISTED}
        return MigrationReport(
            no_file=row.pop("no_file"),
            migration=_migration(row),
            failures=[_stray(each) for each in self._database.all(_FAILURES, listed)],
            unmatched=[_stray(each) for each in self._database.all(_UNMATCHED, listed)],
        )


def _stray(row: Row) -> StrayFile:
    why = Failure(row["failure_code"], row["failure_detail"])
    return StrayFile(row["path"], row["clip_id"], why)


def _migration(row: Row) -> Migration:
    """A row of _GET; takes the row apart."""
    code, detail = row.pop("failure_code"), row.pop("failure_detail")
    return Migration(
        status=MigrationStatus(row.pop("status")),
        failure=None if code is None else Failure(code, detail),
        **row,
    )
