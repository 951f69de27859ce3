"""The composition root: makes everything that the triggers use from the settings.

Nothing connects here. Whatever needs a connection opens it when it is first used.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clips.ingest.images import ImageWriter
from clips.ingest.ingest import Ingest
from clips.links.access import Access
from clips.links.archive import Archive
from clips.links.sharing import Sharing
from clips.links.storyboards import Storyboards
from clips.links.thumbnails import Thumbnails
from clips.migration.jobs import MigrationJobs
from clips.upkeep.checksums import Checksums
from clips.upkeep.cleanup import Cleanup
from clips.upkeep.deletion import Deletion
from clips.upkeep.reconciliation import Reconciliation
from clips.upkeep.temporary import Temporary
from shared.auth.tokens import TokenVerifier
from shared.blob_names import Containers
from shared.catalogue import (
    Clips,
    Grants,
    Landings,
    MigrationFiles,
    Migrations,
    Moving,
    Owners,
    Shares,
    Upkeep,
    Users,
    Videos,
    ViewLog,
)
from shared.clock import Clock, utc_now
from shared.postgres.database import Database
from shared.settings import Settings
from shared.storage import Blobs, Links, Queue, StorageAccount, TierCheck

if TYPE_CHECKING:
    from clips.migration.batch import BatchMover


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    clock: Clock
    containers: Containers
    tokens: TokenVerifier
    database: Database
    account: StorageAccount
    blobs: Blobs
    users: Users
    videos: Videos
    clips: Clips
    owners: Owners
    grants: Grants
    view_log: ViewLog
    access: Access
    sharing: Sharing
    thumbnails: Thumbnails
    deletion: Deletion
    ingest: Ingest
    migrations: MigrationJobs
    cleanup: Cleanup


def compose(settings: Settings, clock: Clock = utc_now) -> Services:
    containers = Containers(settings.container_prefix)
    database = Database(settings.database_url)
    account = StorageAccount(settings.storage, clock)
    blobs = Blobs(account)
    videos, clips, upkeep = Videos(database), Clips(database), Upkeep(database)
    links = Links(account, clock, settings.cdn_endpoint)
    grants = Grants(database, clock)
    # Not through the CDN, which would answer from its cache.
    tier_check = TierCheck(account, Links(account, clock))
    archive = Archive(clock, blobs, containers, tier_check.is_readable)
    storyboards = Storyboards(clock, blobs, containers, links, grants)
    deletion = Deletion(blobs, containers, clips, videos, upkeep)
    landings = Landings(database)
    images = ImageWriter(blobs, containers, landings)
    ingest = Ingest(clock, account, blobs, containers, landings, images)
    reconciliation = Reconciliation(clock, blobs, containers, upkeep, ingest)
    moving = Moving(database)
    migrations = MigrationJobs(
        settings.migration_root,
        Migrations(database),
        MigrationFiles(database),
        moving,
        Queue(account, containers.migrations_queue),
        lambda: _batch_mover(account, clock, containers, moving),
    )
    return Services(
        clock=clock,
        containers=containers,
        tokens=TokenVerifier(settings.auth, clock),
        database=database,
        account=account,
        blobs=blobs,
        users=Users(database),
        videos=videos,
        clips=clips,
        owners=Owners(database),
        grants=grants,
        view_log=ViewLog(database),
        access=Access(clips, grants, containers, links, storyboards, archive),
        sharing=Sharing(clock, clips, Shares(database), containers, links, archive),
        thumbnails=Thumbnails(blobs, containers, links, clips, grants),
        deletion=deletion,
        ingest=ingest,
        migrations=migrations,
        cleanup=Cleanup(
            clock=clock,
            blobs=blobs,
            containers=containers,
            upkeep=upkeep,
            grants=grants,
            deletion=deletion,
            ingest=ingest,
            reconciliation=reconciliation,
            checksums=Checksums(clock, blobs, containers, upkeep),
            migrations=migrations,
            temporary=Temporary(clock, blobs, containers, settings.temp_dir),
        ),
    )


def _batch_mover(
    account: StorageAccount, clock: Clock, containers: Containers, moving: Moving
) -> "BatchMover":
    # Imported here: few instances ever move a file in.
    from clips.migration.batch import BatchMover

    # Uploads go to the account itself, not through the CDN.
    return BatchMover(account, Links(account, clock), containers, moving)
