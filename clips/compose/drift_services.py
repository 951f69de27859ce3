"""Makes the service that writes drift reports and repairs what they list."""

from typing import TYPE_CHECKING

from clips.drift.comparison import Comparison
from clips.drift.jobs import DriftJobs
from clips.drift.repair import Repair
from clips.drift.repairs.deleted_repair import DeletedRepair
from clips.drift.repairs.image_repair import ImageRepair
from clips.drift.repairs.stored_repair import StoredRepair
from clips.upkeep.deletion import Deletion
from shared.catalogue.bin.deletion_queries import Deletions
from shared.catalogue.drift.drift_queries import DriftRows
from shared.catalogue.drift.drift_repair_queries import DriftRepairs
from shared.catalogue.drift.drift_run_queries import DriftRuns
from shared.catalogue.upkeep.upkeep_queries import Upkeep
from shared.settings.schedules import next_moment
from shared.storage.sdk.append_blob import AppendBlobs
from shared.storage.sdk.queue import Queue

if TYPE_CHECKING:
    from clips.compose.services import Services


def make_drift(services: "Services") -> DriftJobs:
    backends, settings = services.backends, services.settings
    blobs, containers = backends.blobs, backends.containers
    rows, missing_clips = DriftRows(backends.database), services.missing_clips
    return DriftJobs(
        clock=backends.clock,
        next_cleanup=lambda now: next_moment(settings.cleanup_schedule, now),
        containers=containers,
        runs=DriftRuns(backends.database),
        queue=Queue(backends.account, containers.drift_queue),
        blobs=blobs,
        reports=AppendBlobs(backends.account),
        links=services.account_links,
        make_comparison=lambda: Comparison(blobs, containers, rows, missing_clips.would_hold),
        repair=_repair(services, rows),
    )


def _repair(services: "Services", rows: DriftRows) -> Repair:
    blobs, containers = services.backends.blobs, services.backends.containers
    database = services.backends.database
    repairs = DriftRepairs(database)
    deletion = Deletion(blobs, containers, Deletions(database))
    return Repair(
        blobs,
        containers,
        StoredRepair(
            blobs,
            containers,
            rows,
            repairs,
            Upkeep(database),
            services.missing_clips,
            services.ingest,
            services.source_ingest,
            lambda clip_id: services.cuts_queue.send([str(clip_id)]),
        ),
        ImageRepair(blobs, rows, repairs, services.ingest, services.source_ingest),
        DeletedRepair(blobs, containers, rows, deletion),
    )
