"""The timer's work: deletes what is due, and keeps storage and catalogue consistent.

The steps are independent of each other, and so are the items of a step: what fails is logged with
its name and counted, and all others still run.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta

from clips.bin.sweep import Sweep
from clips.bin.worker import DeletionSender
from clips.cutting.source_ingest import SourceIngest
from clips.cutting.worker import CutWorker
from clips.drift.jobs import DriftJobs
from clips.ingest.ingest import Ingest
from clips.migration.jobs import MigrationJobs
from clips.rebuild.daily_pass import SidecarCheck
from clips.rebuild.writer import SidecarWriter
from clips.renditions.renditions import RenditionJobs
from clips.upkeep.checksums import Checksums
from clips.upkeep.dates import Dates
from clips.upkeep.items import Tally, each, from_batches
from clips.upkeep.reconciliation import Reconciliation
from clips.upkeep.step_runner import Counts, Step, StepRunner
from clips.upkeep.temporary import Temporary
from shared import telemetry
from shared.blob_names.containers import Containers
from shared.catalogue.links.grant_queries import Grants
from shared.catalogue.row_mapping import TimeKey
from shared.catalogue.upkeep.run_queries import CleanupRuns
from shared.catalogue.upkeep.upkeep_queries import AwaitedClip, Upkeep
from shared.clock import Clock
from shared.errors import Unavailable
from shared.model.cleanup import CleanupRun
from shared.model.clip import UPLOAD_LIFE
from shared.storage.sdk.blobs import Blobs

_log = logging.getLogger(__name__)

# How long a clip may wait for its upload after the link to it has ended.
UPLOAD_GRACE = timedelta(hours=24)
# How long a grant stays on record after its link has expired.
GRANT_LIFE = timedelta(days=30)

# Seconds that one step may take: the other steps wait meanwhile.
_STEP_SECONDS = 60.0
_BATCH = 500
_GRANTS_AT_ONCE = 5000


class Cleanup:
    def __init__(
        self,
        clock: Clock,
        blobs: Blobs,
        containers: Containers,
        upkeep: Upkeep,
        runs: CleanupRuns,
        grants: Grants,
        dates: Dates,
        deletions: DeletionSender,
        sweep: Sweep,
        ingest: Ingest,
        reconciliation: Reconciliation,
        checksums: Checksums,
        migrations: MigrationJobs,
        sources: SourceIngest,
        cuts: CutWorker,
        renditions: RenditionJobs,
        drift: DriftJobs,
        sidecars: SidecarWriter,
        sidecar_check: SidecarCheck,
        temporary: Temporary,
    ) -> None:
        self._clock = clock
        self._blobs = blobs
        self._containers = containers
        self._upkeep = upkeep
        self._runs = runs
        self._runner = StepRunner(runs)
        self._grants = grants
        self._ingest = ingest
        self._sources = sources
        # Steps that may take minutes come last.
        self._steps: Mapping[str, Step] = {
            "clips_expired": dates.hide_expired,
            "clips_past_retention": dates.hide_past_retention,
            "uploads_abandoned": self._drop_abandoned_uploads,
            "bin_purged": deletions.purge,
            "deletions_resumed": deletions.resume,
            "deletions_swept": sweep.run,
            "copies_found_in_bin": sweep.wake_owners_of_copies,
            "deletions_forgotten": sweep.forget,
            "grants_forgotten": self._forget_grants,
            "temp_blobs_deleted": temporary.delete_blobs,
            "temp_files_deleted": temporary.delete_files,
            "sources_processed": self._process_sources,
            "cuts_resumed": cuts.resume,
            "renditions_resumed": renditions.resume,
            "drift_resumed": drift.resume,
            "migrations_resumed": migrations.resume,
            "migrations_forgotten": migrations.forget,
            "sidecars_settled": lambda: sidecars.drain(_STEP_SECONDS),
            "sidecars_queued": lambda: sidecar_check.run(_STEP_SECONDS),
            "blobs_reconciled": reconciliation.run,
            "checksums_noted": checksums.run,
        }

    def run(self) -> Counts:
        """Runs every step and returns the counts.

        If another run is at work, this one ends at once with an empty report: a run may take longer
        than the schedule, and an operator may start one at any time. Raises Unavailable if a step
        or an item met an outage, when all steps have run.
        """
        with ExitStack() as stack:
            try:
                is_alone = stack.enter_context(self._upkeep.alone())
            except Unavailable:
                is_alone = True  # the steps that need no database still run, and others report it
            if is_alone:
                return self._runner.run(self._steps)
        _log.warning("Another cleanup is at work: this one ends")
        telemetry.CLEANUP_RUNS.add(outcome="skipped")
        return {}

    def runs(self, limit: int, after: TimeKey | None) -> Sequence[CleanupRun]:
        """Up to `limit` runs on record, newest first, after the one with that key."""
        return self._runs.page(limit, after)

    def _drop_abandoned_uploads(self) -> Tally:
        before = self._clock() - UPLOAD_LIFE - UPLOAD_GRACE

        def next_batch(given: Sequence[AwaitedClip]) -> Sequence[AwaitedClip]:
            but = [clip.clip_id for clip in given]
            return self._upkeep.abandoned_uploads(before, but, _BATCH)

        clips = from_batches(next_batch)
        return each(clips, self._drop_abandoned, _named, may_go_on=_time_limit())

    def _drop_abandoned(self, clip: AwaitedClip) -> int:
        name = clip.blob_name
        if self._blobs.exists(self._containers.clips, name):
            # The upload did arrive, but its event was lost.
            self._ingest.landed(name)
            return 0
        return self._upkeep.hide_abandoned(clip.clip_id)

    def _process_sources(self) -> Tally:
        def process(blob_name: str) -> int:
            self._sources.landed(blob_name)
            return 1

        return each(
            self._sources.stalled(),
            process,
            lambda blob_name: f"source {blob_name}",
            may_go_on=_time_limit(),
        )

    def _forget_grants(self) -> int:
        before, may_go_on = self._clock() - GRANT_LIFE, _time_limit()
        forgotten = 0
        while may_go_on() and (more := self._grants.forget(before, _GRANTS_AT_ONCE)) > 0:
            forgotten += more
        return forgotten


def _time_limit() -> Callable[[], bool]:
    """True for as long as one step may take."""
    deadline = time.monotonic() + _STEP_SECONDS
    return lambda: time.monotonic() < deadline


def _named(clip: AwaitedClip) -> str:
    return f"clip {clip.clip_id}"
