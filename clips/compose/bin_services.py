"""Makes the services that delete and restore."""

from typing import TYPE_CHECKING

from clips.bin.bin import RecycleBin
from clips.bin.bin_mover import BinMover
from clips.bin.worker import DeletionSender, DeletionWorker
from clips.upkeep.deletion import Deletion
from shared.catalogue.bin.bin_content_queries import BinContents
from shared.catalogue.bin.bin_queries import Bin
from shared.catalogue.bin.deletion_queries import Deletions
from shared.storage.sdk.blob_copies import BlobCopies
from shared.storage.sdk.blobs import Blobs
from shared.storage.sdk.queue import Queue
from shared.storage.slots import Slots

if TYPE_CHECKING:
    from clips.compose.services import Services
    from clips.compose.shared_parts import SharedParts


def make_bin(services: "Services") -> RecycleBin:
    backends = services.backends
    return RecycleBin(
        bin_=Bin(backends.database, services.settings.bin_days),
        contents=BinContents(backends.database),
        deletions=Deletions(backends.database),
        worker=make_deletion_worker(services, backends.api_blobs, backends.api_slots),
        sender=services.deletion_sender,
        library=services.library,
        blobs=backends.api_blobs,
        containers=backends.containers,
    )


def make_deletion_worker(services: "Services", blobs: Blobs, slots: Slots | None) -> DeletionWorker:
    """For calls of the API with the slots of their requests, for the queue without."""
    backends = services.backends
    account, containers = backends.account, backends.containers
    deletions = Deletions(backends.database)
    copies = BlobCopies(account, blobs, services.account_links, slots)
    mover = BinMover(account, blobs, copies, containers, deletions)
    return DeletionWorker(deletions, Deletion(blobs, containers, deletions), mover)


def make_deletion_sender(parts: "SharedParts") -> DeletionSender:
    backends = parts.backends
    queue = Queue(backends.account, backends.containers.deletions_queue)
    return DeletionSender(Deletions(backends.database), queue.send)
