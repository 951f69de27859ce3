"""The services of the app, one line each; a service and its modules are loaded at its first use.

An instance serves one kind of trigger, and needs few of them: see docs/adr/0020-late-imports.md.
"""

import threading
from typing import TYPE_CHECKING

from clips.compose.at_first_use import at_first_use
from clips.compose.backends import Backends
from clips.compose.shared_parts import SharedParts
from shared.outages import LONGEST_WAIT, OutageWait
from shared.settings import Settings

if TYPE_CHECKING:
    from clips.bin.bin import RecycleBin
    from clips.bin.worker import DeletionWorker
    from clips.cutting.cuts import Cutting
    from clips.cutting.source_ingest import SourceIngest
    from clips.cutting.sources import VideoSources
    from clips.cutting.worker import CutWorker
    from clips.drift.jobs import DriftJobs
    from clips.ingest.ingest import Ingest
    from clips.library import Library
    from clips.links.access import Access
    from clips.links.sharing import Sharing
    from clips.links.thumbnails import Thumbnails
    from clips.migration.jobs import MigrationJobs
    from clips.rebuild.lost_clips import LostClips
    from clips.renditions.renditions import RenditionJobs
    from clips.sidecars.daily_pass import SidecarCheck
    from clips.sidecars.writer import SidecarWriter
    from clips.upkeep.cleanup import Cleanup
    from clips.upkeep.health import HealthCheck
    from clips.upkeep.missing import MissingClips
    from shared.auth.tokens import TokenVerifier
    from shared.catalogue.library.user_queries import Owners, Users


class Services(SharedParts):
    """What the handlers and the triggers call."""

    def __init__(
        self, backends: Backends, settings: Settings, stopping: threading.Event | None = None
    ) -> None:
        """`stopping` is set when the process is to end: it ends every wait for an outage."""
        super().__init__(backends, settings)
        self.outage_wait = OutageWait(LONGEST_WAIT, stopping)

    # --- Who calls

    @at_first_use
    def tokens(self) -> "TokenVerifier":
        from shared.auth.tokens import TokenVerifier

        return TokenVerifier(self.settings.auth, self.backends.clock)

    @at_first_use
    def users(self) -> "Users":
        from shared.catalogue.library.user_queries import Users

        return Users(self.backends.database)

    @at_first_use
    def owners(self) -> "Owners":
        from shared.catalogue.library.user_queries import Owners

        return Owners(self.backends.database)

    # --- Clips and links

    @at_first_use
    def library(self) -> "Library":
        from clips.compose.library_services import make_library

        return make_library(self)

    @at_first_use
    def access(self) -> "Access":
        from clips.compose.library_services import make_access

        return make_access(self)

    @at_first_use
    def sharing(self) -> "Sharing":
        from clips.compose.sharing_services import make_sharing

        return make_sharing(self)

    @at_first_use
    def thumbnails(self) -> "Thumbnails":
        from clips.compose.sharing_services import make_thumbnails

        return make_thumbnails(self)

    # --- Blobs that land

    @at_first_use
    def ingest(self) -> "Ingest":
        from clips.compose.ingest_services import make_ingest

        return make_ingest(self)

    @at_first_use
    def source_ingest(self) -> "SourceIngest":
        from clips.compose.ingest_services import make_source_ingest

        return make_source_ingest(self)

    # --- Cutting

    @at_first_use
    def sources(self) -> "VideoSources":
        from clips.compose.cutting_services import make_sources

        return make_sources(self)

    @at_first_use
    def cutting(self) -> "Cutting":
        from clips.compose.cutting_services import make_cutting

        return make_cutting(self)

    @at_first_use
    def cut_worker(self) -> "CutWorker":
        from clips.compose.cutting_services import make_cut_worker

        return make_cut_worker(self)

    @at_first_use
    def renditions(self) -> "RenditionJobs":
        from clips.compose.cutting_services import make_renditions

        return make_renditions(self)

    # --- Deleting

    @at_first_use
    def bin(self) -> "RecycleBin":
        from clips.compose.bin_services import make_bin

        return make_bin(self)

    @at_first_use
    def deletions(self) -> "DeletionWorker":
        from clips.compose.bin_services import make_deletion_worker

        return make_deletion_worker(self, self.backends.blobs, None)

    # --- Migrations, drift reports, and the cleanup

    @at_first_use
    def migrations(self) -> "MigrationJobs":
        from clips.compose.migration_services import make_migrations

        return make_migrations(self)

    @at_first_use
    def drift(self) -> "DriftJobs":
        from clips.compose.drift_services import make_drift

        return make_drift(self)

    @at_first_use
    def cleanup(self) -> "Cleanup":
        from clips.compose.cleanup_services import make_cleanup

        return make_cleanup(self)

    @at_first_use
    def missing_clips(self) -> "MissingClips":
        from clips.compose.cleanup_services import make_missing_clips

        return make_missing_clips(self)

    @at_first_use
    def health(self) -> "HealthCheck":
        from clips.compose.cleanup_services import make_health

        return make_health(self)

    # --- Sidecars

    @at_first_use
    def sidecars(self) -> "SidecarWriter":
        from clips.compose.sidecar_services import make_sidecars

        return make_sidecars(self)

    @at_first_use
    def lost_clips(self) -> "LostClips":
        from clips.compose.sidecar_services import make_lost_clips

        return make_lost_clips(self)

    @at_first_use
    def sidecar_check(self) -> "SidecarCheck":
        from clips.compose.sidecar_services import make_sidecar_check

        return make_sidecar_check(self)
