"""Makes the services that write sidecars."""

from typing import TYPE_CHECKING

from clips.rebuild.decisions import Addresses
from clips.rebuild.lost_clips import LostClips
from clips.sidecars.daily_pass import SidecarCheck
from clips.sidecars.writer import SidecarWriter
from shared.catalogue.rebuild.rebuild_queries import Rebuilding
from shared.catalogue.sidecars.sidecar_pass_queries import SidecarPass
from shared.catalogue.sidecars.sidecar_queries import SidecarOutbox

if TYPE_CHECKING:
    from clips.compose.services import Services


def make_sidecars(services: "Services") -> SidecarWriter:
    backends = services.backends
    return SidecarWriter(backends.blobs, backends.containers, SidecarOutbox(backends.database))


def make_sidecar_check(services: "Services") -> SidecarCheck:
    backends = services.backends
    outbox, pass_ = SidecarOutbox(backends.database), SidecarPass(backends.database)
    return SidecarCheck(backends.blobs, backends.containers, outbox, pass_)


def make_lost_clips(services: "Services") -> LostClips:
    backends = services.backends
    url, containers = backends.account.url, backends.containers
    addresses = Addresses(
        clip=lambda name: url(containers.clips, name),
        image=lambda name: url(containers.thumbnails, name),
    )
    return LostClips(backends.blobs, containers, Rebuilding(backends.database), addresses)
