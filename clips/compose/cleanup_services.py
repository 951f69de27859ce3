"""Makes the cleanup, the guard against loss in bulk, and the health check."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from clips.bin.sweep import Sweep
from clips.upkeep.abandoned_uploads import AbandonedUploads
from clips.upkeep.checksums import Checksums
from clips.upkeep.cleanup import Cleanup
from clips.upkeep.deletion import Deletion
from clips.upkeep.differences import DifferenceFinder
from clips.upkeep.expiry import Expiry
from clips.upkeep.health import HealthCheck
from clips.upkeep.missing import MissingClips
from clips.upkeep.old_grants import forget_grants
from clips.upkeep.reconciliation import Reconciliation
from clips.upkeep.stalled_sources import process_sources
from clips.upkeep.step_runner import Step
from clips.upkeep.temporary import Temporary
from clips.upkeep.time_limit import STEP_SECONDS
from shared.catalogue.bin.deletion_queries import Deletions
from shared.catalogue.bin.sweep_queries import Sweeps
from shared.catalogue.upkeep.loss_queries import BulkLosses
from shared.catalogue.upkeep.retention_queries import Retentions
from shared.catalogue.upkeep.run_queries import CleanupRuns
from shared.catalogue.upkeep.upkeep_queries import Upkeep

if TYPE_CHECKING:
    from clips.compose.services import Services


def make_cleanup(services: "Services") -> Cleanup:
    database = services.backends.database
    return Cleanup(Upkeep(database), CleanupRuns(database), _steps(services))


def _steps(services: "Services") -> Mapping[str, Step]:
    """Every step by the name of its count; those that may take minutes come last."""
    backends = services.backends
    clock, database = backends.clock, backends.database
    blobs, containers = backends.blobs, backends.containers
    upkeep, expiry = Upkeep(database), Expiry(Retentions(database))
    uploads = AbandonedUploads(clock, blobs, containers, upkeep, services.ingest)
    deletions = services.deletion_sender
    deletion = Deletion(blobs, containers, Deletions(database))
    sweep = Sweep(Sweeps(database), deletion, blobs, containers)
    temporary = Temporary(clock, blobs, containers, services.settings.temp_dir)
    finder = DifferenceFinder(blobs, containers, upkeep)
    return {
        "clips_expired": expiry.hide_expired,
        "clips_past_retention": expiry.hide_past_retention,
        "uploads_abandoned": uploads.run,
        "bin_purged": deletions.purge,
        "deletions_resumed": deletions.resume,
        "deletions_swept": sweep.run,
        "copies_found_in_bin": sweep.wake_owners_of_copies,
        "deletions_forgotten": sweep.forget,
        "grants_forgotten": lambda: forget_grants(clock, services.grants),
        "temp_blobs_deleted": temporary.delete_blobs,
        "temp_files_deleted": temporary.delete_files,
        "sources_processed": lambda: process_sources(services.source_ingest),
        "cuts_resumed": services.cut_worker.resume,
        "renditions_resumed": services.renditions.resume,
        "drift_resumed": services.drift.resume,
        "migrations_resumed": services.migrations.resume,
        "migrations_forgotten": services.migrations.forget,
        "sidecars_settled": lambda: services.sidecars.drain(STEP_SECONDS),
        "sidecars_queued": lambda: services.sidecar_check.run(STEP_SECONDS),
        "blobs_reconciled": Reconciliation(
            clock, finder, upkeep, services.ingest, services.missing_clips
        ).run,
        "checksums_noted": Checksums(clock, blobs, containers, upkeep).run,
    }


def make_missing_clips(services: "Services") -> MissingClips:
    backends = services.backends
    upkeep, losses = Upkeep(backends.database), BulkLosses(backends.database)
    return MissingClips(backends.blobs, backends.containers, upkeep, losses)


def make_health(services: "Services") -> HealthCheck:
    backends = services.backends
    losses = BulkLosses(backends.database)
    return HealthCheck(backends.database, backends.api_blobs, backends.containers, losses)
