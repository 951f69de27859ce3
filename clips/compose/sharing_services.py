"""Makes the services for shares and stills."""

from typing import TYPE_CHECKING

from clips.links.sharing import Sharing
from clips.links.thumbnails import Thumbnails
from shared.catalogue.library.clip_queries import Clips
from shared.catalogue.links.share_queries import Shares

if TYPE_CHECKING:
    from clips.compose.services import Services


def make_sharing(services: "Services") -> Sharing:
    backends = services.backends
    return Sharing(
        backends.clock,
        Clips(backends.database),
        Shares(backends.database),
        backends.containers,
        services.links,
        services.archive,
    )


def make_thumbnails(services: "Services") -> Thumbnails:
    backends = services.backends
    return Thumbnails(
        backends.api_blobs,
        backends.containers,
        services.links,
        Clips(backends.database),
        services.grants,
    )
