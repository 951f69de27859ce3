"""Migrations that the API starts: started, planned, finished; and their reports.

Their files are in `migration_file_queries`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from shared.catalogue.migration import migration_count_queries as migration_counts
from shared.catalogue.migration.migration_file_queries import LEASE
from shared.model.failure import Failure
from shared.model.migration import FileProblem, Migration, MigrationReport, MigrationStatus
from shared.postgres.database import Database, Row

# How often the planning of a migration is begun before it is given up.
MAX_PLANNINGS = 5

# How many clips without a file, and how many files without a clip, a report lists.
MAX_LISTED = 1000

# A migration that is running for the same folder is used instead of a new one. The update changes
# nothing: with it the statement returns the id.
_START: LiteralString = """
    INSERT INTO migrations (folder, batch_size) VALUES (%(folder)s, %(batch_size)s)
    ON CONFLICT (folder) WHERE status = 'running' DO UPDATE SET folder = excluded.folder
    RETURNING id
"""

_JOB: LiteralString = """
    SELECT id, folder, batch_size, planned_at IS NOT NULL AS planned
    FROM migrations WHERE id = %(id)s AND status = 'running'
"""

# No lease, or that of the same message: it is delivered again only when its run before has ended.
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

# Counted once more: another version of the app may have finished some of the files.
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

# No worker has a lease on it, and its first message had a minute to arrive.
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

# The states are literals: with a parameter, a prepared statement would not use the partial index.
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
    """A running migration, for its worker."""

    id: UUID
    folder: bytes
    batch_size: int
    planned: bool


class Migrations:
    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, folder: bytes, batch_size: int) -> UUID:
        """The id of a new migration, or of the one that is running for that folder."""
        row = self._database.one(_START, {"folder": folder, "batch_size": batch_size})
        assert row is not None  # noqa: S101 - the statement always returns a row
        id_: UUID = row["id"]
        return id_

    def job(self, migration_id: UUID) -> Job | None:
        """None if it has ended, or never existed."""
        row = self._database.one(_JOB, {"id": migration_id})
        return None if row is None else Job(**row)

    def begin_planning(self, migration_id: UUID, message_id: str | None) -> int | None:
        """Leases the planning; returns how often it was begun, or None if another worker has it."""
        parameters = {"id": migration_id, "message": message_id, "lease": LEASE}
        row = self._database.one(_BEGIN_PLANNING, parameters)
        return None if row is None else int(row["attempts"])

    def still_planning(self, migration_id: UUID) -> None:
        """Extends the lease on the planning."""
        self._database.run(_STILL_PLANNING, {"id": migration_id, "lease": LEASE})

    def planned(self, migration_id: UUID, no_file: Sequence[UUID]) -> None:
        """Records that all files are stored, and the first clips without a file."""
        parameters = {"id": migration_id, "no_file": list(no_file)}
        with self._database.transaction() as connection:
            # Another run of the plan may have ended, and its files may be finished right now.
            migration_counts.lock(connection, migration_id)
            connection.execute(_PLANNED, parameters)

    def finish(self, migration_id: UUID) -> bool:
        """Ends it if no file is waiting; returns whether it did."""
        return self._database.run(_FINISH, {"id": migration_id}) == 1

    def fail(self, migration_id: UUID, failure: Failure) -> None:
        parameters = {"id": migration_id, "code": failure.code, "detail": failure.detail}
        self._database.run(_FAIL, parameters)

    def stalled(self) -> Sequence[UUID]:
        """Running migrations that no worker has a lease on."""
        return [row["id"] for row in self._database.all(_STALLED, {})]

    def forget(self) -> int:
        """Deletes migrations that ended 90 days ago; returns how many."""
        return self._database.run(_FORGET, {})

    def get(self, migration_id: UUID) -> MigrationReport | None:
        row = self._database.one(_GET, {"id": migration_id})
        if row is None:
            return None
        listed = {"id": migration_id, "limit": MAX_LISTED}
        return MigrationReport(
            no_file=row.pop("no_file"),
            migration=_migration(row),
            failures=[_problem(each) for each in self._database.all(_FAILURES, listed)],
            unmatched=[_problem(each) for each in self._database.all(_UNMATCHED, listed)],
        )


def _problem(row: Row) -> FileProblem:
    failure = Failure(row["failure_code"], row["failure_detail"])
    return FileProblem(row["path"], row["clip_id"], failure)


def _migration(row: Row) -> Migration:
    """From a row of _GET, which is emptied."""
    code, detail = row.pop("failure_code"), row.pop("failure_detail")
    return Migration(
        status=MigrationStatus(row.pop("status")),
        failure=None if code is None else Failure(code, detail),
        **row,
    )
