"""Runs that find drift or repair it, step by step: by messages of a queue, or by the command.

    POST -> row -> message -> a step: parts are compared or repaired, and saved -> next message

A message may come twice, late or never. Only the worker that holds the lease works; the cleanup
sends a new message for a run without a worker.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from clips.drift.comparison import CLIPS, STAGES, Comparison
from clips.drift.comparison_times import ComparisonTimes
from clips.drift.lines import encode
from clips.drift.repair import REPAIR, Repair
from clips.upkeep.leases import LeaseLost
from shared import blob_names, telemetry
from shared.blob_names.containers import Containers
from shared.catalogue.drift.drift_run_queries import DriftRuns, DriftTask
from shared.clock import Clock
from shared.errors import BlobChanged, NeedsForce, NotFound, Unavailable, WrongState
from shared.model.drift import (
    DRIFT_LIFE,
    DriftJson,
    DriftKind,
    DriftReport,
    DriftStatus,
    ShownDrift,
    ShownRun,
)
from shared.storage.sdk.append_blob import AppendBlobs
from shared.storage.sdk.blobs import Blobs
from shared.storage.sdk.queue import Queue
from shared.storage.signing.signed_links import Links

_log = logging.getLogger(__name__)

# Seconds of a step: far less than the host gives a function.
_STEP_SECONDS = 60.0
# Steps without a part that was saved, in a row. An outage does not count.
_MAX_ATTEMPTS = 5
_LINK_LIFE = timedelta(hours=1)
_PIECE = 1024 * 1024
# A repair that concerns more of the catalogue than this needs `force`.
_LARGEST_SHARE = 0.2


class DriftJobs:
    def __init__(
        self,
        *,
        clock: Clock,
        next_cleanup: Callable[[datetime], datetime],
        containers: Containers,
        runs: DriftRuns,
        queue: Queue,
        blobs: Blobs,
        reports: AppendBlobs,
        links: Links,
        make_comparison: Callable[[], Comparison],
        repair: Repair,
    ) -> None:
        self._clock = clock
        self._next_cleanup = next_cleanup
        self._container = containers.temp
        self._runs = runs
        self._queue = queue
        self._blobs = blobs
        self._reports = reports
        self._links = links
        self._make_comparison = make_comparison
        self._repair = repair

    def start(self) -> ShownDrift:
        """Starts a run, or returns the one that is under way; raises StorageUnavailable."""
        run_id = self._runs.start(CLIPS)
        self._queue.send([str(run_id)])
        return self.get(run_id)

    def get(self, drift_id: UUID) -> ShownDrift:
        """Raises NotFound."""
        found = self._runs.get(drift_id)
        if found is None:
            raise NotFound("There is no such drift report, or it is older than 30 days.")
        repair = self._runs.last_repair(drift_id)
        return ShownDrift(self._shown(found), None if repair is None else self._shown(repair))

    def start_repair(
        self, drift_id: UUID, kinds: Sequence[DriftKind], *, force: bool
    ) -> ShownDrift:
        """Starts the repair of what a run found.

        Raises NotFound, WrongState while the run or another repair is under way, NeedsForce,
        StorageUnavailable.
        """
        drift = self.get(drift_id)
        if drift.run.report.status is not DriftStatus.DONE:
            raise WrongState(
                f"The drift report has the status {drift.run.report.status}. It must be done first."
            )
        concerned, clip_count = self._runs.clips_by_kind(drift_id)
        concerned_count = sum(concerned.get(kind, 0) for kind in kinds)
        if concerned_count > _LARGEST_SHARE * clip_count and not force:
            raise NeedsForce(
                f"The repair concerns {concerned_count} items, "
                f"and the catalogue has {clip_count} clips. "
                "If this is intended, repeat the call with `force`."
            )
        repair_id = self._runs.start_repair(drift_id, REPAIR, kinds, forced=force)
        if repair_id is None:
            raise WrongState("Another repair is already running.")
        self._queue.send([str(repair_id)])
        return self.get(drift_id)

    def lines(self, run_id: UUID) -> Iterator[bytes]:
        """All lines of a run, in pieces; raises BlobMissing if it has not begun."""
        blob = self._blobs.get(self._container, blob_names.drift_lines(run_id))
        reader = self._blobs.reader(self._container, blob)
        for offset in range(0, blob.size, _PIECE):
            yield reader.read(offset, _PIECE)

    def work(self, message: str) -> Sequence[str]:
        """Does a step of a run; returns the messages to send next.

        Any exception means that the message is to be delivered again.
        """
        return [message] if self.step(UUID(message)) else []

    def step(self, run_id: UUID, seconds: float = _STEP_SECONDS) -> bool:
        """Works on a run for so many seconds; returns whether this worker has more to do."""
        task = self._runs.take(run_id)
        if task is None:
            _log.info("The drift run %s has ended, or another worker has leased it", run_id)
            return False
        if task.attempts > _MAX_ATTEMPTS:
            _log.error("The drift run %s failed after its last attempt", run_id)
            self._runs.end(task, DriftStatus.FAILED)
            return False
        try:
            with telemetry.span("drift.step"):
                is_over = self._work_on(task, time.monotonic() + seconds)
        except Unavailable:
            self._runs.release(task, attempts=0)
            raise
        except LeaseLost:
            _log.info("Another worker continues the drift run %s", run_id)
            return False
        if is_over:
            self._runs.end(task, DriftStatus.DONE)
            _log.info("Drift run %s done: %s", run_id, task.counts)
            return False
        self._runs.release(task)
        return True

    def resume(self) -> int:
        """Sends a message for every run that no worker holds; returns their number."""
        self._runs.forget()
        stalled = self._runs.stalled()
        self._queue.send([str(run_id) for run_id in stalled])
        return len(stalled)

    def _work_on(self, task: DriftTask, deadline: float) -> bool:
        """Returns whether the run is over; False if the time is up first."""
        name = blob_names.drift_lines(task.id)
        if task.version == 0:
            until = (self._clock() + DRIFT_LIFE).isoformat()
            self._reports.create(
                self._container, name, "application/x-ndjson", {"expires_at": until}
            )
        self._append_pending(task, name)
        next_part = self._parts_of(task)
        while time.monotonic() < deadline:
            lines = next_part()
            if lines is None:
                return True
            task.pending = encode(lines) or None
            self._save(task)
            self._append_pending(task, name)
        return False

    def _parts_of(self, task: DriftTask) -> Callable[[], Sequence[DriftJson] | None]:
        now = self._clock()
        if task.repair_of is not None:
            return lambda: self._repair.part(task, lambda: self._renew(task))
        comparison, times = self._make_comparison(), ComparisonTimes(now, self._next_cleanup(now))
        return lambda: comparison.part(task, times)

    def _append_pending(self, task: DriftTask, name: str) -> None:
        """Appends what the last saved part found, unless that was done before a crash."""
        if task.pending is None:
            return
        try:
            self._reports.append(self._container, name, task.lines_size, task.pending)
        except BlobChanged:
            self._renew(task)  # another worker may have appended more
            raise
        task.lines_size += len(task.pending)
        task.pending = None
        self._save(task)

    def _save(self, task: DriftTask) -> None:
        if not self._runs.save(task):
            raise LeaseLost

    def _renew(self, task: DriftTask) -> None:
        if not self._runs.renew(task):
            raise LeaseLost

    def _shown(self, report: DriftReport) -> ShownRun:
        progress = _progress(report)
        if not report.has_lines:
            return ShownRun(report, progress, None)
        name = blob_names.drift_lines(report.id)
        return ShownRun(report, progress, self._links.to_read(self._container, name, _LINK_LIFE))


def _progress(report: DriftReport) -> float:
    """From 0 to 1; of a repair 0 until its end."""
    if report.finished_at is not None:
        return 1.0
    if report.stage not in STAGES:
        return 0.0
    of_stage = min(1.0, report.compared / max(1, report.catalogue_size))
    return (STAGES.index(report.stage) + of_stage) / len(STAGES)
