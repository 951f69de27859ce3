"""The files of migrations that the API starts: added, taken a batch at a time, finished.

A worker that takes files has a lease on them and renews it while it works. Files are free when
their lease has run out, or when its message is delivered again: the run before has ended then.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import batched
from typing import LiteralString
from uuid import UUID

from shared.catalogue.migration import migration_count_queries as migration_counts
from shared.model.failure import Failure
from shared.postgres.database import Database, QueryValues

LEASE = timedelta(minutes=1)
# How often a file is taken before it is given up.
MAX_ATTEMPTS = 5

_AT_A_TIME = 1000

# An interrupted plan is made again: files that are stored already stay as they are. JSON costs a
# third of arrays to write; it has no bytes, so paths are hexadecimal.
_ADD: LiteralString = """
    INSERT INTO migration_items
        (migration_id, path, clip_id, video_id, blob_name, size, there, twins)
    SELECT %(migration_id)s, decode(path, 'hex'), clip_id, video_id, blob_name, size,
           already_stored,
           ARRAY(SELECT decode(other, 'hex')
                 FROM unnest(duplicates) WITH ORDINALITY AS t (other, place) ORDER BY place)
    FROM json_to_recordset(%(files)s)
         AS planned (path text, clip_id uuid, video_id uuid, blob_name text, size bigint,
                     already_stored boolean, duplicates text[])
    ON CONFLICT (migration_id, path) DO NOTHING
"""

_ADD_UNMATCHED: LiteralString = """
    INSERT INTO migration_items
        (migration_id, path, size, state, failure_code, failure_detail)
    SELECT %(migration_id)s, path, 0, state, code, detail
    FROM unnest(%(paths)s::bytea[], %(states)s::text[], %(codes)s::text[], %(details)s::text[])
         AS unmatched (path, state, code, detail)
    ON CONFLICT (migration_id, path) DO NOTHING
"""

_FREE: LiteralString = """
    migration_id = %(migration_id)s AND state = 'waiting'
    AND (leased_until IS NULL OR leased_until < now())
"""

_GIVE_BACK: LiteralString = """
    UPDATE migration_items SET leased_by = NULL, leased_until = NULL
    WHERE migration_id = %(migration_id)s AND leased_by = %(message)s AND state = 'waiting'
"""

# Right after a plan the statistics do not include its files: Postgres would sort them all for
# every batch instead of reading the first few from the index. For one transaction.
_IN_ORDER: LiteralString = "SELECT set_config('enable_sort', 'off', true)"

_TAKE: LiteralString = f"""
    WITH batch AS (
        SELECT migration_id, path FROM migration_items
        WHERE {_FREE} AND attempts BETWEEN %(least)s AND %(most)s
        ORDER BY path LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE migration_items i
    SET attempts = i.attempts + 1, leased_by = %(message)s, leased_until = now() + %(lease)s
    FROM batch WHERE i.migration_id = batch.migration_id AND i.path = batch.path
    RETURNING i.path, i.clip_id, i.video_id, i.blob_name, i.size,
              i.there AS already_stored, i.twins AS duplicates, i.attempts
"""

_ANY_LEFT: LiteralString = f"""
    SELECT 1 FROM migration_items WHERE {_FREE} AND attempts < %(most)s LIMIT 1
"""

_RENEW: LiteralString = """
    UPDATE migration_items SET leased_until = now() + %(lease)s
    WHERE migration_id = %(migration_id)s AND path = ANY(%(paths)s::bytea[])
      AND state = 'waiting'
"""

# The first result of a file counts: a run whose lease has ended may be late. The paths are given
# twice: without statistics Postgres would scan all waiting files instead of finding these.
_RECORD_RESULTS: LiteralString = """
    UPDATE migration_items i
    SET state = result.state, failure_code = result.code, failure_detail = result.detail,
        leased_by = NULL, leased_until = NULL
    FROM unnest(%(paths)s::bytea[], %(states)s::text[], %(codes)s::text[], %(details)s::text[])
         AS result (path, state, code, detail)
    WHERE i.migration_id = %(migration_id)s AND i.path = ANY(%(paths)s::bytea[])
      AND i.path = result.path AND i.state = 'waiting'
    RETURNING i.path, i.clip_id, i.state
"""

_GIVE_UP: LiteralString = f"""
    UPDATE migration_items
    SET state = 'failed', failure_code = %(code)s, failure_detail = %(detail)s,
        leased_by = NULL, leased_until = NULL
    WHERE {_FREE} AND attempts >= %(most)s
    RETURNING path, clip_id, state
"""


class FileState(StrEnum):
    WAITING = "waiting"
    MIGRATED = "migrated"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file and its blob; `already_stored`: the clip's row has a blob.

    Paths are below the migration's folder; `duplicates` match the clip just as well.
    """

    path: bytes
    clip_id: UUID
    video_id: UUID
    blob_name: str
    size: int
    already_stored: bool
    duplicates: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile(PlannedFile):
    """A file to be moved now; `attempts` includes this one."""

    attempts: int


@dataclass(frozen=True, slots=True)
class FileResult:
    """The result of a file; one that is still `WAITING` can be taken again."""

    path: bytes
    state: FileState
    failure: Failure | None = None


class MigrationFiles:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, migration_id: UUID, files: Iterable[PlannedFile]) -> None:
        """Adds files to be moved, many in a transaction; may be repeated."""
        for some in batched(files, _AT_A_TIME, strict=False):
            described = json.dumps([_described(file) for file in some])
            self._database.run(_ADD, {"migration_id": migration_id, "files": described})

    def add_unmatched(self, migration_id: UUID, files: Iterable[FileResult]) -> None:
        """Adds files that are not to be moved: unreadable ones, and those without a clip."""
        for some in batched(files, _AT_A_TIME, strict=False):
            self._database.run(_ADD_UNMATCHED, {"migration_id": migration_id, **_columns(some)})

    def take(self, migration_id: UUID, message_id: str | None, limit: int) -> Sequence[TakenFile]:
        """Files for a batch: new ones, or else one whose earlier attempt was interrupted.

        Only one, because it may be the file that crashes the process, and others should not fail
        with it. Files that the same message took before are given back first.
        """
        if message_id is not None:
            parameters = {"migration_id": migration_id, "message": message_id}
            self._database.run(_GIVE_BACK, parameters)
        found = self._take(migration_id, message_id, limit, least=0, most=0)
        return found or self._take(migration_id, message_id, 1, least=1, most=MAX_ATTEMPTS - 1)

    def any_left(self, migration_id: UUID) -> bool:
        """Whether there are files to take."""
        parameters = {"migration_id": migration_id, "most": MAX_ATTEMPTS}
        return self._database.one(_ANY_LEFT, parameters) is not None

    def renew(self, migration_id: UUID, paths: Sequence[bytes]) -> None:
        """Extends the lease of files."""
        parameters = {"migration_id": migration_id, "paths": list(paths), "lease": LEASE}
        self._database.run(_RENEW, parameters)

    def record_results(self, migration_id: UUID, results: Sequence[FileResult]) -> None:
        """Records results, and gives back files that wait."""
        self._finish(migration_id, _RECORD_RESULTS, _columns(results))

    def give_up(self, migration_id: UUID, failure: Failure) -> int:
        """Fails free files without an attempt left; returns how many."""
        parameters = {"most": MAX_ATTEMPTS, "code": failure.code, "detail": failure.detail}
        return self._finish(migration_id, _GIVE_UP, parameters)

    def _finish(self, migration_id: UUID, statement: LiteralString, parameters: QueryValues) -> int:
        """Finishes files, updates the counts of their migration, and returns how many they are."""
        named = {"migration_id": migration_id, **parameters}
        with self._database.transaction() as connection:
            rows = connection.execute(statement, named, binary=True).fetchall()
            over = [row for row in rows if row["state"] != FileState.WAITING]
            migration_counts.add_finished(
                connection, migration_id, [(row["path"], row["clip_id"]) for row in over]
            )
        return len(over)

    def _take(
        self, migration_id: UUID, message_id: str | None, limit: int, *, least: int, most: int
    ) -> Sequence[TakenFile]:
        parameters = {
            "migration_id": migration_id,
            "message": message_id,
            "limit": limit,
            "lease": LEASE,
            "least": least,
            "most": most,
        }
        with self._database.transaction() as connection:
            connection.execute(_IN_ORDER)
            rows = connection.execute(_TAKE, parameters, binary=True).fetchall()
        return [TakenFile(**row) for row in rows]


def _columns(results: Sequence[FileResult]) -> dict[str, object]:
    return {
        "paths": [result.path for result in results],
        "states": [result.state for result in results],
        "codes": [result.failure and result.failure.code for result in results],
        "details": [result.failure and result.failure.detail for result in results],
    }


def _described(file: PlannedFile) -> dict[str, object]:
    return {
        "path": file.path.hex(),
        "clip_id": str(file.clip_id),
        "video_id": str(file.video_id),
        "blob_name": file.blob_name,
        "size": file.size,
        "already_stored": file.already_stored,
        "duplicates": [path.hex() for path in file.duplicates],
    }
