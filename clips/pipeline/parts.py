"""Puts the parts of a pipeline together, on one connection to each service."""

from clips.cutting.cuts import Cutting
from clips.library import Library
from clips.links.access import Access
from clips.links.archive import Archive
from clips.links.storyboards import Storyboards
from clips.renditions.requests import RenditionRequests
from clips.transfer.context import TransferContext
from clips.upkeep.deletion import ClipRemover, Deletion
from shared.catalogue.bin.bin_queries import Bin
from shared.catalogue.bin.deletion_queries import Deletions
from shared.catalogue.cutting.cut_order_queries import CutOrders
from shared.catalogue.cutting.cut_queries import Cuts
from shared.catalogue.cutting.cut_source_queries import CutSources
from shared.catalogue.cutting.rendition_queries import Renditions
from shared.catalogue.library.clip_queries import Clips, ViewLog
from shared.catalogue.library.user_queries import Users
from shared.catalogue.library.video_queries import Videos
from shared.catalogue.links.grant_queries import Grants
from shared.catalogue.upkeep.retention_queries import Retentions
from shared.clock import utc_now
from shared.storage.sdk.blobs import Blobs
from shared.storage.sdk.queue import Queue
from shared.storage.tier_check import TierCheck


def make_access(context: TransferContext) -> Access:
    blobs, grants = Blobs(context.account), Grants(context.database, utc_now)
    tier_check = TierCheck(context.account, context.links)
    return Access(
        Clips(context.database),
        grants,
        context.containers,
        context.links,
        Storyboards(utc_now, blobs, context.containers, context.links, grants),
        Archive(utc_now, blobs, context.containers, tier_check.is_readable),
    )


def make_library(context: TransferContext, users: Users, access: Access) -> Library:
    return Library(
        users=users,
        videos=Videos(context.database),
        clips=Clips(context.database),
        view_log=ViewLog(context.database),
        retention=Retentions(context.database),
        access=access,
        account=context.account,
        blobs=Blobs(context.account),
        containers=context.containers,
    )


def make_remover(context: TransferContext) -> ClipRemover:
    """Deletes permanently, not into the recycle bin: what an upload that failed has left."""
    deletion = Deletion(Blobs(context.account), context.containers, Deletions(context.database))
    return ClipRemover(Bin(context.database, days=0), deletion)


def make_cutting(context: TransferContext, library: Library) -> Cutting:
    """Orders cuts: cutting is left to the app, which has FFmpeg."""
    return Cutting(
        CutOrders(context.database),
        Cuts(context.database),
        CutSources(context.database),
        library,
        context.account,
        context.containers,
        Queue(context.account, context.containers.cuts_queue),
        cutter=None,
        ingest=None,
    )


def make_rendition_requests(context: TransferContext, library: Library) -> RenditionRequests:
    queue = Queue(context.account, context.containers.renditions_queue)
    return RenditionRequests(Renditions(context.database), library, queue)
