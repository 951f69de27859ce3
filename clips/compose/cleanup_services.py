"""Makes the cleanup, and what knows about lost blobs."""

from typing import TYPE_CHECKING

from clips.bin.sweep import Sweep
from clips.upkeep.checksums import Checksums
from clips.upkeep.cleanup import Cleanup
from clips.upkeep.dates import Dates
from clips.upkeep.deletion import Deletion
from clips.upkeep.differences import DifferenceFinder
from clips.upkeep.health import HealthCheck
from clips.upkeep.missing import MissingClips
from clips.upkeep.reconciliation import Reconciliation
from clips.upkeep.temporary import Temporary
from shared.catalogue.bin.deletion_queries import Deletions
from shared.catalogue.bin.sweep_queries import Sweeps
from shared.catalogue.upkeep.loss_queries import BulkLosses
from shared.catalogue.upkeep.retention_queries import Retentions
from shared.catalogue.upkeep.run_queries import CleanupRuns
from shared.catalogue.upkeep.upkeep_queries import Upkeep

if TYPE_CHECKING:
    from clips.compose.services import Services


def make_cleanup(services: "Services") -> Cleanup:
    backends = services.backends
    clock, database = backends.clock, backends.database
    blobs, containers = backends.blobs, backends.containers
    upkeep = Upkeep(database)
    deletion = Deletion(blobs, containers, Deletions(database))
    finder = DifferenceFinder(blobs, containers, upkeep)
    return Cleanup(
        clock=clock,
        blobs=blobs,
        containers=containers,
        upkeep=upkeep,
        runs=CleanupRuns(database),
        grants=services.grants,
        dates=Dates(Retentions(database)),
        deletions=services.deletion_sender,
        sweep=Sweep(Sweeps(database), deletion, blobs, containers),
        ingest=services.ingest,
        reconciliation=Reconciliation(
            clock, finder, upkeep, services.ingest, services.missing_clips
        ),
        checksums=Checksums(clock, blobs, containers, upkeep),
        migrations=services.migrations,
        sources=services.source_ingest,
        cuts=services.cut_worker,
        renditions=services.renditions,
        drift=services.drift,
        sidecars=services.sidecars,
        sidecar_check=services.sidecar_check,
        temporary=Temporary(clock, blobs, containers, services.settings.temp_dir),
    )


def make_missing_clips(services: "Services") -> MissingClips:
    backends = services.backends
    upkeep, losses = Upkeep(backends.database), BulkLosses(backends.database)
    return MissingClips(backends.blobs, backends.containers, upkeep, losses)


def make_health(services: "Services") -> HealthCheck:
    backends = services.backends
    losses = BulkLosses(backends.database)
    return HealthCheck(backends.database, backends.api_blobs, backends.containers, losses)
