"""Makes the service that runs migrations."""

from typing import TYPE_CHECKING

from clips.migration.jobs import MigrationJobs
from shared.catalogue.migration.migration_clip_queries import MigrationClips
from shared.catalogue.migration.migration_file_queries import MigrationFiles
from shared.catalogue.migration.migration_queries import Migrations
from shared.storage.sdk.queue import Queue

if TYPE_CHECKING:
    from clips.compose.services import Services
    from clips.migration.moving.batch import BatchMover


def make_migrations(services: "Services") -> MigrationJobs:
    backends = services.backends
    clips = MigrationClips(backends.database)

    def make_mover() -> "BatchMover":
        from clips.migration.moving.batch import BatchMover

        return BatchMover(backends.account, services.account_links, backends.containers, clips)

    return MigrationJobs(
        services.settings.migration_root,
        Migrations(backends.database),
        MigrationFiles(backends.database),
        clips,
        Queue(backends.account, backends.containers.migrations_queue),
        make_mover,
    )
