"""Runs that find drift or repair it: one of each sort at a time, part by part.

A part is saved with the lines that it found before they are appended to the report, and the row
knows how long the report is without them: a worker that continues appends them once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from shared.model.drift import DRIFT_LIFE, DriftJson, DriftKind, DriftReport, DriftStatus
from shared.postgres.database import Database, Row

# How long a worker owns a run; each part renews the lease.
_LEASE = timedelta(minutes=2)

_REPORT_COLUMNS: LiteralString = """
    id, repair_of, kinds, status, created_at, finished_at, counts, samples,
    version > 0 AS has_lines, stage, compared, catalogue_size
"""

# If a run is under way, the update makes the statement return its id.
_START: LiteralString = """
    INSERT INTO drift_runs (stage, catalogue_size)
    VALUES (%(stage)s, (SELECT count(*) FROM clips))
    ON CONFLICT ((repair_of IS NULL)) WHERE finished_at IS NULL
    DO UPDATE SET stage = drift_runs.stage
    RETURNING id
"""

_START_REPAIR: LiteralString = """
    INSERT INTO drift_runs (repair_of, stage, kinds, forced, catalogue_size)
    SELECT id, %(stage)s, %(kinds)s, %(forced)s, catalogue_size
    FROM drift_runs WHERE id = %(id)s
    ON CONFLICT DO NOTHING
    RETURNING id
"""

_GET: LiteralString = f"""
    SELECT {_REPORT_COLUMNS} FROM drift_runs WHERE id = %(id)s AND repair_of IS NULL
"""

_LAST_REPAIR: LiteralString = f"""
    SELECT {_REPORT_COLUMNS} FROM drift_runs
    WHERE repair_of = %(id)s ORDER BY created_at DESC LIMIT 1
"""

_CLIPS_BY_KIND: LiteralString = """
    SELECT clips_by_kind, catalogue_size FROM drift_runs WHERE id = %(id)s
"""

_TASK_COLUMNS: LiteralString = """
    id, repair_of, kinds, forced, stage, marker, after, version, attempts, compared, missing,
    looked_at, counts, clips_by_kind, samples, pending, lines_size
"""

_TAKE: LiteralString = f"""
    UPDATE drift_runs
    SET status = 'running', attempts = attempts + 1, leased_until = now() + %(lease)s
    WHERE id = %(id)s AND finished_at IS NULL
      AND (leased_until IS NULL OR leased_until < now())
    RETURNING {_TASK_COLUMNS}
"""

_SAVE: LiteralString = """
    UPDATE drift_runs
    SET version = version + 1, attempts = 0, leased_until = now() + %(lease)s,
        stage = %(stage)s, marker = %(marker)s, after = %(after)s,
        compared = %(compared)s, missing = %(missing)s, looked_at = %(looked_at)s,
        counts = %(counts)s, clips_by_kind = %(clips_by_kind)s, samples = %(samples)s,
        pending = %(pending)s, lines_size = %(lines_size)s
    WHERE id = %(id)s AND version = %(version)s AND finished_at IS NULL
"""

_RENEW: LiteralString = """
    UPDATE drift_runs SET leased_until = now() + %(lease)s
    WHERE id = %(id)s AND version = %(version)s AND finished_at IS NULL
"""

_RELEASE: LiteralString = """
    UPDATE drift_runs SET leased_until = NULL, attempts = %(attempts)s
    WHERE id = %(id)s AND version = %(version)s
"""

_END: LiteralString = """
    UPDATE drift_runs
    SET status = %(status)s, finished_at = now(), leased_until = NULL, pending = NULL
    WHERE id = %(id)s AND version = %(version)s AND finished_at IS NULL
"""

# Its message had a minute to arrive, and no worker has a lease on it.
_STALLED: LiteralString = """
    SELECT id FROM drift_runs
    WHERE finished_at IS NULL AND created_at < now() - interval '1 minute'
      AND (leased_until IS NULL OR leased_until < now())
"""

_FORGET: LiteralString = "DELETE FROM drift_runs WHERE created_at < now() - %(life)s"


@dataclass(slots=True, kw_only=True)
class DriftTask:
    """A run that a worker has leased, and its progress; `pending` lines are not appended yet."""

    id: UUID
    repair_of: UUID | None
    kinds: Sequence[DriftKind]
    forced: bool
    stage: str
    marker: str | None
    after: str
    version: int
    attempts: int
    compared: int
    missing: int
    looked_at: int
    counts: dict[str, int]
    clips_by_kind: dict[str, int]
    samples: dict[str, list[DriftJson]]
    pending: bytes | None
    lines_size: int


class DriftRuns:
    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, stage: str) -> UUID:
        """The id of a new run that finds drift, or of the one that is under way."""
        row = self._database.one(_START, {"stage": stage})
        assert row is not None  # noqa: S101 - the statement always returns a row
        id_: UUID = row["id"]
        return id_

    def start_repair(
        self, drift_id: UUID, stage: str, kinds: Sequence[DriftKind], *, forced: bool
    ) -> UUID | None:
        """The id of a new repair of what a run found; None while another repair is under way."""
        values = {"id": drift_id, "stage": stage, "kinds": list(kinds), "forced": forced}
        row = self._database.one(_START_REPAIR, values)
        return None if row is None else row["id"]

    def get(self, drift_id: UUID) -> DriftReport | None:
        """A run that finds drift."""
        row = self._database.one(_GET, {"id": drift_id})
        return None if row is None else _report(row)

    def last_repair(self, drift_id: UUID) -> DriftReport | None:
        row = self._database.one(_LAST_REPAIR, {"id": drift_id})
        return None if row is None else _report(row)

    def clips_by_kind(self, drift_id: UUID) -> tuple[Mapping[str, int], int]:
        """How many clips each kind concerns, and how many there were in all."""
        row = self._database.one(_CLIPS_BY_KIND, {"id": drift_id})
        return ({}, 0) if row is None else (row["clips_by_kind"], row["catalogue_size"])

    def take(self, run_id: UUID) -> DriftTask | None:
        """Leases a run; None if it has ended, or another worker has it."""
        row = self._database.one(_TAKE, {"id": run_id, "lease": _LEASE})
        if row is None:
            return None
        kinds = [DriftKind(kind) for kind in row.pop("kinds")]
        return DriftTask(kinds=kinds, **row)

    def save(self, task: DriftTask) -> bool:
        """Saves how far a run is; False if another worker has saved more."""
        values = {
            "id": task.id,
            "version": task.version,
            "lease": _LEASE,
            "stage": task.stage,
            "marker": task.marker,
            "after": task.after,
            "compared": task.compared,
            "missing": task.missing,
            "looked_at": task.looked_at,
            "counts": json.dumps(task.counts),
            "clips_by_kind": json.dumps(task.clips_by_kind),
            "samples": json.dumps(task.samples),
            "pending": task.pending,
            "lines_size": task.lines_size,
        }
        saved = self._database.run(_SAVE, values) == 1
        task.version += 1
        return saved

    def renew(self, task: DriftTask) -> bool:
        """Prolongs the lease; False if another worker has saved more."""
        values = {"id": task.id, "version": task.version, "lease": _LEASE}
        return self._database.run(_RENEW, values) == 1

    def release(self, task: DriftTask, attempts: int = 0) -> None:
        """Lets another worker continue at once; `attempts` are those that saved no part."""
        values = {"id": task.id, "version": task.version, "attempts": attempts}
        self._database.run(_RELEASE, values)

    def end(self, task: DriftTask, status: DriftStatus) -> None:
        self._database.run(_END, {"id": task.id, "version": task.version, "status": status})

    def stalled(self) -> Sequence[UUID]:
        """Runs on which no worker has a lease."""
        return [row["id"] for row in self._database.all(_STALLED, {})]

    def forget(self) -> int:
        """Deletes runs whose reports can no longer be read; returns how many."""
        return self._database.run(_FORGET, {"life": DRIFT_LIFE})


def _report(row: Row) -> DriftReport:
    return DriftReport(
        kinds=[DriftKind(kind) for kind in row.pop("kinds")],
        status=DriftStatus(row.pop("status")),
        **row,
    )
