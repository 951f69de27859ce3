"""The composition root: makes everything that the triggers use from the settings.

Nothing connects here: a connection is opened when it is first needed.
"""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clips.bin.bin import RecycleBin
from clips.bin.mover import Mover
from clips.bin.sweep import Sweep
from clips.bin.worker import DeletionSender, DeletionWorker
from clips.cutting.cuts import Cutting
from clips.cutting.cutter import Cutter
from clips.cutting.films import FilmWriter
from clips.cutting.results import CutResults
from clips.cutting.source_ingest import SourceIngest
from clips.cutting.sources import VideoSources
from clips.cutting.worker import CutWorker
from clips.drift.comparison import Comparison
from clips.drift.deleted import DeletedRepair
from clips.drift.images import ImageRepair
from clips.drift.jobs import DriftJobs
from clips.drift.repair import Repair
from clips.drift.stored import StoredRepair
from clips.ingest.images import ImageWriter
from clips.ingest.ingest import Ingest
from clips.library import Library
from clips.links.access import Access
from clips.links.archive import Archive
from clips.links.sharing import Sharing
from clips.links.storyboards import Storyboards
from clips.links.thumbnails import Thumbnails
from clips.migration.jobs import MigrationJobs
from clips.rebuild.daily_pass import SidecarCheck
from clips.rebuild.writer import SidecarWriter
from clips.renditions.maker import RenditionMaker
from clips.renditions.renditions import RenditionJobs, RenditionPolicy
from clips.upkeep.checksums import Checksums
from clips.upkeep.cleanup import Cleanup
from clips.upkeep.dates import Dates
from clips.upkeep.deletion import Deletion
from clips.upkeep.differences import DifferenceFinder
from clips.upkeep.health import Health
from clips.upkeep.missing import MissingClips
from clips.upkeep.reconciliation import Reconciliation
from clips.upkeep.temporary import Temporary
from shared.auth.tokens import TokenVerifier
from shared.blob_names import Containers
from shared.catalogue import (
    BulkLosses,
    CleanupRuns,
    Clips,
    Grants,
    Landings,
    MigrationClips,
    MigrationFiles,
    Migrations,
    Owners,
    Retention,
    Shares,
    Upkeep,
    Users,
    Videos,
    ViewLog,
)
from shared.catalogue.bin_queries import Bin
from shared.catalogue.cut_queries import Cuts
from shared.catalogue.deletion_queries import Deletions
from shared.catalogue.drift_queries import DriftRows
from shared.catalogue.drift_repair_queries import DriftRepairs
from shared.catalogue.drift_run_queries import DriftRuns
from shared.catalogue.rendition_queries import Renditions
from shared.catalogue.sidecar_pass_queries import SidecarPass
from shared.catalogue.sidecar_queries import SidecarOutbox
from shared.catalogue.source_queries import SourceLandings, Sources
from shared.catalogue.sweep_queries import Sweeps
from shared.clock import Clock, utc_now
from shared.outages import LONGEST_WAIT, OutageWait
from shared.postgres.database import Database
from shared.settings import Settings
from shared.settings.schedules import next_moment
from shared.storage import (
    RETRY_FOR_MINUTES,
    RETRY_FOR_SECONDS,
    AppendBlobs,
    BlobCopies,
    Blobs,
    Composer,
    Links,
    Queue,
    Slots,
    StorageAccount,
    TierCheck,
)

if TYPE_CHECKING:
    from clips.migration.batch import BatchMover


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """What all services stand on: the clock, the database, and the storage account.

    `blobs` is for background work, `api_blobs` for calls that a client waits for: see `Slots`.
    """

    clock: Clock
    containers: Containers
    database: Database
    account: StorageAccount
    blobs: Blobs
    api_blobs: Blobs
    api_slots: Slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the handlers and the triggers call."""

    tokens: TokenVerifier
    users: Users
    owners: Owners
    library: Library
    access: Access
    sharing: Sharing
    thumbnails: Thumbnails
    bin: RecycleBin
    deletions: DeletionWorker
    ingest: Ingest
    migrations: MigrationJobs
    cleanup: Cleanup
    health: Health
    missing_clips: MissingClips
    sources: VideoSources
    source_ingest: SourceIngest
    cutting: Cutting
    cut_worker: CutWorker
    renditions: RenditionJobs
    drift: DriftJobs
    sidecars: SidecarWriter
    sidecar_check: SidecarCheck
    outage_wait: OutageWait


def compose(
    settings: Settings, clock: Clock = utc_now, stopping: threading.Event | None = None
) -> Services:
    return compose_on(open_backends(settings, clock), settings, stopping)


def open_backends(settings: Settings, clock: Clock = utc_now) -> Backends:
    account = StorageAccount(settings.storage, clock)
    # Half of the threads stay for calls that need nothing of storage.
    slots = Slots(max(1, settings.handler_threads // 2))
    return Backends(
        clock=clock,
        containers=Containers(settings.container_prefix),
        database=Database(settings.database_url),
        account=account,
        blobs=Blobs(account),
        api_blobs=Blobs(account, slots),
        api_slots=slots,
    )


def compose_on(
    backends: Backends, settings: Settings, stopping: threading.Event | None = None
) -> Services:
    clock, containers = backends.clock, backends.containers
    database, account, blobs = backends.database, backends.account, backends.blobs
    api_blobs = backends.api_blobs
    users, videos, clips = Users(database), Videos(database), Clips(database)
    upkeep, retention = Upkeep(database), Retention(database)
    links = Links(account, clock, settings.cdn_endpoint)
    grants = Grants(database, clock)
    # Not through the CDN, which would answer from its cache.
    tier_check = TierCheck(account, Links(account, clock), backends.api_slots)
    archive = Archive(clock, api_blobs, containers, tier_check.is_readable)
    storyboards = Storyboards(clock, api_blobs, containers, links, grants)
    landings = Landings(database)
    images = ImageWriter(blobs, containers, landings)
    migration_clips = MigrationClips(database)
    migrations = MigrationJobs(
        settings.migration_root,
        Migrations(database),
        MigrationFiles(database),
        migration_clips,
        Queue(account, containers.migrations_queue),
        lambda: _batch_mover(account, clock, containers, migration_clips),
    )
    access = Access(clips, grants, containers, links, storyboards, archive)
    library = Library(
        users=users,
        videos=videos,
        clips=clips,
        view_log=ViewLog(database),
        retention=retention,
        access=access,
        account=account,
        blobs=api_blobs,
        containers=containers,
    )
    deletions = Deletions(database)
    deletion = Deletion(blobs, containers, deletions)
    sender = DeletionSender(deletions, Queue(account, containers.deletions_queue).send)
    source_landings = SourceLandings(database)
    source_images = ImageWriter(blobs, containers, source_landings)
    cuts, cuts_queue = Cuts(database), Queue(account, containers.cuts_queue)
    source_ingest = SourceIngest(clock, account, blobs, containers, source_landings, source_images)
    # Requests between blobs go to the account itself, not through the CDN.
    plain_links, encoder = Links(account, clock), settings.video_encoder
    writer = FilmWriter(Composer(account, plain_links, RETRY_FOR_MINUTES), encoder)
    api_writer = FilmWriter(Composer(account, plain_links, RETRY_FOR_SECONDS), encoder)
    cutter = Cutter(blobs, containers, writer)
    api_cutter = Cutter(api_blobs, containers, api_writer)
    renditions = RenditionJobs(
        Renditions(database),
        library,
        Queue(account, containers.renditions_queue),
        RenditionMaker(blobs, containers, writer),
        RenditionPolicy(settings.renditions),
    )
    ingest = Ingest(
        clock,
        account,
        blobs,
        containers,
        landings,
        images,
        CutResults(cuts, cuts_queue).judge,
        renditions.after_ingest,
    )
    losses = BulkLosses(database)
    missing_clips = MissingClips(blobs, containers, upkeep, losses)
    finder = DifferenceFinder(blobs, containers, upkeep)
    reconciliation = Reconciliation(clock, finder, upkeep, ingest, missing_clips)
    cut_worker = CutWorker(cuts, cuts_queue, cutter)
    drift_rows, drift_repairs = DriftRows(database), DriftRepairs(database)
    drift = DriftJobs(
        clock=clock,
        next_cleanup=lambda now: next_moment(settings.cleanup_schedule, now),
        containers=containers,
        runs=DriftRuns(database),
        queue=Queue(account, containers.drift_queue),
        blobs=blobs,
        reports=AppendBlobs(account),
        links=Links(account, clock),
        make_comparison=lambda: Comparison(blobs, containers, drift_rows, missing_clips.would_hold),
        repair=Repair(
            blobs,
            containers,
            StoredRepair(
                blobs,
                containers,
                drift_rows,
                drift_repairs,
                upkeep,
                missing_clips,
                ingest,
                source_ingest,
                lambda clip_id: cuts_queue.send([str(clip_id)]),
            ),
            ImageRepair(blobs, drift_rows, drift_repairs, ingest, source_ingest),
            DeletedRepair(blobs, containers, drift_rows, deletion),
        ),
    )
    outbox = SidecarOutbox(database)
    sidecars = SidecarWriter(blobs, containers, outbox)
    sidecar_check = SidecarCheck(blobs, containers, outbox, SidecarPass(database))
    return Services(
        tokens=TokenVerifier(settings.auth, clock),
        users=users,
        owners=Owners(database),
        library=library,
        access=access,
        sharing=Sharing(clock, clips, Shares(database), containers, links, archive),
        thumbnails=Thumbnails(api_blobs, containers, links, clips, grants),
        bin=RecycleBin(
            bin_=Bin(database, settings.bin_days),
            deletions=deletions,
            worker=_deletion_worker(backends, api_blobs, backends.api_slots),
            sender=sender,
            library=library,
            blobs=api_blobs,
            containers=containers,
        ),
        deletions=_deletion_worker(backends, blobs, None),
        ingest=ingest,
        migrations=migrations,
        cleanup=Cleanup(
            clock=clock,
            blobs=blobs,
            containers=containers,
            upkeep=upkeep,
            runs=CleanupRuns(database),
            grants=grants,
            dates=Dates(retention),
            deletions=sender,
            sweep=Sweep(Sweeps(database), deletion),
            ingest=ingest,
            reconciliation=reconciliation,
            checksums=Checksums(clock, blobs, containers, upkeep),
            migrations=migrations,
            sources=source_ingest,
            cuts=cut_worker,
            renditions=renditions,
            drift=drift,
            sidecars=sidecars,
            sidecar_check=sidecar_check,
            temporary=Temporary(clock, blobs, containers, settings.temp_dir),
        ),
        health=Health(database, api_blobs, containers, losses),
        missing_clips=missing_clips,
        sources=VideoSources(
            Sources(database), library, access, storyboards, api_blobs, containers
        ),
        source_ingest=source_ingest,
        cutting=Cutting(cuts, library, account, containers, cuts_queue, api_cutter, ingest),
        cut_worker=cut_worker,
        renditions=renditions,
        drift=drift,
        sidecars=sidecars,
        sidecar_check=sidecar_check,
        outage_wait=OutageWait(LONGEST_WAIT, stopping),
    )


def _deletion_worker(backends: Backends, blobs: Blobs, slots: Slots | None) -> DeletionWorker:
    """For calls of the API with the slots of their requests, for the queue without."""
    account, containers = backends.account, backends.containers
    deletions = Deletions(backends.database)
    # Requests between blobs go to the account itself, not through the CDN.
    copies = BlobCopies(account, blobs, Links(account, backends.clock), slots)
    mover = Mover(account, blobs, copies, containers, deletions)
    return DeletionWorker(deletions, Deletion(blobs, containers, deletions), mover)


def _batch_mover(
    account: StorageAccount, clock: Clock, containers: Containers, migration_clips: MigrationClips
) -> "BatchMover":
    from clips.migration.batch import BatchMover

    # Uploads go to the account itself, not through the CDN.
    return BatchMover(account, Links(account, clock), containers, migration_clips)
