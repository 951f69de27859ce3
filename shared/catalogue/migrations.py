"""Migrations that the API starts: begun, planned, worked off, ended; and what is told of them.

Their files are dealt with in `migration_files`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from shared.catalogue.migration_files import LEASE
from shared.catalogue.rows import THERE
from shared.database import Database, Row
from shared.model import Failure, Migration, MigrationReport, MigrationStatus, StrayFile

MAX_PLANNINGS = 5
"""How often the planning of a migration is begun before it is given up."""

_MOST_LISTED = 1000

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

_PLANNED: LiteralString = """
    UPDATE migrations
    SET planned_at = coalesce(planned_at, now()), leased_by = NULL, leased_until = NULL
    WHERE id = %(id)s
"""

_FINISH: LiteralString = """
    UPDATE migrations m SET status = 'done', finished_at = now()
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

# A clip counts once, however many files are its own; it failed if one of them did. What could
# not be looked at counts by itself.
_GET: LiteralString = """
    SELECT m.id, m.status, m.failure_code, m.failure_detail, m.created_at, m.finished_at,
           c.total, c.migrated, c.skipped, c.failed
    FROM migrations m, LATERAL (
        SELECT count(*) AS total,
               count(*) FILTER (WHERE failed) AS failed,
               count(*) FILTER (WHERE moved AND NOT failed AND NOT waiting) AS migrated,
               count(*) FILTER (WHERE NOT moved AND NOT failed AND NOT waiting) AS skipped
        FROM (
            SELECT bool_or(state = 'waiting') AS waiting, bool_or(state = 'failed') AS failed,
                   bool_or(state = 'migrated') AS moved
            FROM migration_items
            WHERE migration_id = m.id AND state <> 'unmatched'
            GROUP BY clip_id, CASE WHEN clip_id IS NULL THEN path END
        ) AS of_clip
    ) AS c
    WHERE m.id = %(id)s
"""

_STRAYS: LiteralString = """
    SELECT path, clip_id, failure_code, failure_detail FROM migration_items
    WHERE migration_id = %(id)s AND state = %(state)s
    ORDER BY path LIMIT %(limit)s::bigint
"""

_NO_FILE: LiteralString = f"""
    SELECT c.id FROM clips c JOIN videos v ON v.id = c.video_id
    WHERE {THERE} AND c.blob_name IS NULL
      AND NOT EXISTS (SELECT 1 FROM migration_items i
                      WHERE i.migration_id = %(id)s AND i.clip_id = c.id)
    ORDER BY c.id LIMIT %(limit)s
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

    def planned(self, migration_id: UUID) -> None:
        """All its files are known."""
        self._database.run(_PLANNED, {"id": migration_id})

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
        no_file = self._database.all(_NO_FILE, {"id": migration_id, "limit": _MOST_LISTED})
        return MigrationReport(
            migration=_migration(row),
            failures=self._strays(migration_id, "failed", None),
            unmatched=self._strays(migration_id, "unmatched", _MOST_LISTED),
            no_file=[each["id"] for each in no_file],
        )

    def _strays(self, migration_id: UUID, state: str, limit: int | None) -> Sequence[StrayFile]:
        rows = self._database.all(_STRAYS, {"id": migration_id, "state": state, "limit": limit})
        return [
            StrayFile(
                bytes(row["path"]),
                row["clip_id"],
                Failure(row["failure_code"], row["failure_detail"]),
            )
            for row in rows
        ]


def _migration(row: Row) -> Migration:
    """A row of _GET; takes the row apart."""
    code, detail = row.pop("failure_code"), row.pop("failure_detail")
    return Migration(
        status=MigrationStatus(row.pop("status")),
        failure=None if code is None else Failure(code, detail),
        **row,
    )
