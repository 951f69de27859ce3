"""Runs of the cleanup on record: what each did, and what failed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from shared.catalogue.row_mapping import TimeKey, page_after
from shared.model.cleanup import CleanupRun, StepFailure
from shared.postgres.database import Database, Row

# How long runs are kept, and how many at most.
_LIFE = timedelta(days=30)
_MOST_RUNS = 10_000

_BEGIN: LiteralString = "INSERT INTO cleanup_runs (id, started_at) VALUES (%(id)s, now())"

_FORGET: LiteralString = """
    DELETE FROM cleanup_runs
    WHERE started_at < now() - %(life)s
       OR started_at <= (SELECT started_at FROM cleanup_runs
                        ORDER BY started_at DESC OFFSET %(most)s LIMIT 1)
"""

# If there is no row, the database was unavailable when the run began.
_FINISH: LiteralString = """
    INSERT INTO cleanup_runs AS r (id, started_at, finished_at, counts, failures)
    VALUES (%(id)s, now() - %(took)s, now(), %(counts)s, %(failures)s)
    ON CONFLICT (id) DO UPDATE
    SET finished_at = excluded.finished_at, counts = excluded.counts, failures = excluded.failures
"""

# A keyset page, newest first; without a key the first one.
_PAGE: LiteralString = """
    SELECT id, started_at, finished_at, counts, failures FROM cleanup_runs
    WHERE %(after)s::timestamptz IS NULL
       OR (started_at, id) < (%(after)s, %(after_id)s::uuid)
    ORDER BY started_at DESC, id DESC
    LIMIT %(limit)s
"""


class CleanupRuns:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, run_id: UUID) -> int:
        """Notes a run that begins, and forgets old ones; returns 0, as it counts for nothing."""
        self._database.run(_BEGIN, {"id": run_id})
        self._database.run(_FORGET, {"life": _LIFE, "most": _MOST_RUNS})
        return 0

    def finish(
        self,
        run_id: UUID,
        took: timedelta,
        counts: Mapping[str, int],
        failures: Sequence[StepFailure],
    ) -> int:
        """Notes what a run did, also where its beginning could not be noted; returns 0."""
        self._database.run(
            _FINISH,
            {
                "id": run_id,
                "took": took,
                "counts": json.dumps(counts),
                "failures": json.dumps([asdict(failure) for failure in failures]),
            },
        )
        return 0

    def page(self, limit: int, after: TimeKey | None) -> Sequence[CleanupRun]:
        """Up to `limit` runs, newest first, that come after the one with the key `after`."""
        return [_run(row) for row in self._database.all(_PAGE, page_after(after, limit))]


def _run(row: Row) -> CleanupRun:
    failures = [StepFailure(**failure) for failure in row.pop("failures")]
    return CleanupRun(**row, failures=failures)
