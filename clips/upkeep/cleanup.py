"""The timer's work: deletes what is due, and keeps storage and catalogue consistent.

The steps are independent: one that meets an outage is reported, and the others still run.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clips.cutting.worker import CutWorker
from clips.ingest.ingest import Ingest
from clips.links.access import UPLOAD_LIFE
from clips.migration.jobs import MigrationJobs
from clips.renditions.renditions import RenditionJobs
from clips.upkeep.checksums import Checksums
from clips.upkeep.deletion import Deletion
from clips.upkeep.reconciliation import Reconciliation
from shared import telemetry
from shared.blob_names import Containers
from shared.catalogue import DeletedClip, Grants, Upkeep
from shared.clock import Clock
from shared.errors import DatabaseUnavailable, Unavailable
from shared.storage import Blobs

_log = logging.getLogger(__name__)

UPLOAD_GRACE = timedelta(hours=24)
"""How long a clip may wait for its upload after the link to it has ended."""

GRANT_LIFE = timedelta(days=30)
"""How long a grant stays on record after its link has expired."""

_TEMP_FILE_LIFE = timedelta(hours=24)
_BATCH = 500
_GRANTS_AT_ONCE = 5000

type Report = dict[str, int]
"""Counts of a run, by the names of its steps."""


class Cleanup:
    def __init__(
        self,
        clock: Clock,
        blobs: Blobs,
        containers: Containers,
        upkeep: Upkeep,
        grants: Grants,
        deletion: Deletion,
        ingest: Ingest,
        reconciliation: Reconciliation,
        checksums: Checksums,
        migrations: MigrationJobs,
        cuts: CutWorker,
        renditions: RenditionJobs,
        temp_dir: Path,
    ) -> None:
        self._clock = clock
        self._blobs = blobs
        self._containers = containers
        self._upkeep = upkeep
        self._grants = grants
        self._deletion = deletion
        self._ingest = ingest
        self._reconciliation = reconciliation
        self._checksums = checksums
        self._migrations = migrations
        self._cuts = cuts
        self._renditions = renditions
        self._temp_dir = temp_dir

    def run(self) -> Report:
        """Runs every step and returns the counts; raises Unavailable if any step met an outage.

        While another run is at work this one ends at once, and its report is empty: the host
        starts one at once after a run that took longer than the schedule, and one by hand at any
        time.
        """
        with ExitStack() as stack:
            try:
                is_alone = stack.enter_context(self._upkeep.alone())
            except DatabaseUnavailable:
                is_alone = True  # the steps that need no database still run, and others report it
            if is_alone:
                return self._run_steps()
        _log.warning("Another cleanup is at work: this one ends")
        telemetry.CLEANUP_RUNS.add(outcome="skipped")
        return {}

    def _run_steps(self) -> Report:
        steps: dict[str, Callable[[], int]] = {
            "clips_expired": self._upkeep.hide_expired_clips,
            "uploads_abandoned": self._drop_abandoned_uploads,
            "clips_deleted": self._finish_clips,
            "videos_deleted": self._finish_videos,
            "deletions_swept": self._sweep_deleted,
            "grants_forgotten": self._forget_grants,
            "temp_blobs_deleted": self._drop_temp_blobs,
            "temp_files_deleted": self._drop_temp_files,
            "blobs_reconciled": self._reconciliation.run,
            "checksums_noted": self._checksums.run,
            "cuts_resumed": self._cuts.resume,
            "renditions_resumed": self._renditions.resume,
            "migrations_resumed": self._migrations.resume,
            "migrations_forgotten": self._migrations.forget,
        }
        report: Report = {}
        outages: list[Unavailable] = []
        for name, step in steps.items():
            try:
                with telemetry.span(f"cleanup.{name}"):
                    report[name] = step()
            except Unavailable as error:
                _log.warning("Cleanup step %s met an outage: %s", name, error.detail)
                outages.append(error)
        _tell(report, len(outages))
        if outages:
            raise outages[0]
        return report

    def _drop_abandoned_uploads(self) -> int:
        dropped = 0
        before = self._clock() - UPLOAD_LIFE - UPLOAD_GRACE
        for clip in self._upkeep.abandoned_uploads(before, _BATCH):
            name = clip.blob_name
            if name is not None and self._blobs.exists(self._containers.clips, name):
                # The upload did arrive, but its event was lost.
                self._ingest.landed(name)
            elif self._upkeep.hide_abandoned(clip.clip_id):
                self._deletion.finish_clip(clip)
                dropped += 1
        return dropped

    def _finish_clips(self) -> int:
        return _each(self._upkeep.hidden_clips(_BATCH), self._deletion.finish_clip)

    def _finish_videos(self) -> int:
        return _each(self._upkeep.hidden_videos(_BATCH), self._deletion.finish_video)

    def _sweep_deleted(self) -> int:
        def sweep(clip: DeletedClip) -> None:
            self._deletion.remove_blobs(clip)
            self._upkeep.swept(clip.clip_id)

        return _each(self._upkeep.due_for_sweep(_BATCH), sweep)

    def _forget_grants(self) -> int:
        before = self._clock() - GRANT_LIFE
        forgotten = 0
        while (more := self._grants.forget(before, _GRANTS_AT_ONCE)) > 0:
            forgotten += more
        return forgotten

    def _drop_temp_blobs(self) -> int:
        container, now = self._containers.temp, self._clock()
        dropped = 0
        for page in self._blobs.pages(container, metadata=True):
            for blob in page:
                if _is_past(blob.metadata.get("expires_at"), now):
                    dropped += self._blobs.delete(container, blob.name)
        return dropped

    def _drop_temp_files(self) -> int:
        oldest = time.time() - _TEMP_FILE_LIFE.total_seconds()
        dropped = 0
        for path in _files_below(self._temp_dir):
            try:
                if path.lstat().st_mtime < oldest:
                    path.unlink()
                    dropped += 1
            except OSError as error:  # in use, or deleted by another run
                _log.warning("Could not delete the temporary file %s: %s", path.name, error)
        return dropped


def _tell(report: Report, outages: int) -> None:
    """Logs the counts, in one line and as its fields, and adds them to the metrics."""
    counts = " ".join(f"{name}={count}" for name, count in report.items())
    _log.info("Cleanup done: %s outages=%d", counts, outages, extra=report | {"outages": outages})
    for name, count in report.items():
        telemetry.CLEANUP_ITEMS.add(count, kind=name)
    # An alert watches for their absence: then the timer has stopped.
    telemetry.CLEANUP_RUNS.add(outcome="outage" if outages else "done")


def _each[Item](items: Iterable[Item], finish: Callable[[Item], None]) -> int:
    """Finishes every item it can and returns how many; then raises the first outage it met."""
    finished = 0
    outages: list[Unavailable] = []
    for item in items:
        try:
            finish(item)
        except Unavailable as error:
            outages.append(error)
        else:
            finished += 1
    if outages:
        raise outages[0]
    return finished


def _is_past(text: str | None, now: datetime) -> bool:
    """Whether an `expires_at` (ISO 8601, UTC unless it says otherwise) lies before `now`."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= now


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file in a folder, without following links out of it.

    Nothing where the folder itself is a link: in /tmp anybody may have put one in its place.
    """
    if folder.is_symlink():
        return
    for parent, _, names in folder.walk(follow_symlinks=False):
        yield from (parent / name for name in names)
