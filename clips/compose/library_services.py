"""Makes the service for videos and clips, and that for links to them."""

from typing import TYPE_CHECKING

from clips.library import Library
from clips.links.access import Access
from clips.links.archive import Archive
from clips.links.storyboards import Storyboards
from shared.catalogue.library.clip_queries import Clips, ViewLog
from shared.catalogue.library.video_queries import Videos
from shared.catalogue.upkeep.retention_queries import Retentions
from shared.storage.tier_check import TierCheck

if TYPE_CHECKING:
    from clips.compose.services import Services
    from clips.compose.shared_parts import SharedParts


def make_library(services: "Services") -> Library:
    backends = services.backends
    return Library(
        users=services.users,
        videos=Videos(backends.database),
        clips=Clips(backends.database),
        view_log=ViewLog(backends.database),
        retention=Retentions(backends.database),
        access=services.access,
        account=backends.account,
        blobs=backends.api_blobs,
        containers=backends.containers,
    )


def make_access(services: "Services") -> Access:
    backends = services.backends
    return Access(
        Clips(backends.database),
        services.grants,
        backends.containers,
        services.links,
        services.storyboards,
        services.archive,
    )


def make_archive(parts: "SharedParts") -> Archive:
    backends = parts.backends
    tier_check = TierCheck(backends.account, parts.account_links, backends.api_slots)
    return Archive(backends.clock, backends.api_blobs, backends.containers, tier_check.is_readable)


def make_storyboards(parts: "SharedParts") -> Storyboards:
    backends = parts.backends
    return Storyboards(
        backends.clock, backends.api_blobs, backends.containers, parts.links, parts.grants
    )
