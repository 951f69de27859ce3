"""The storage account: blobs by container and name, and time-limited links to them.

Nothing outside this package knows the vendor's client or sees its exceptions.
"""

from shared.storage.account import StorageAccount
from shared.storage.blobs import BlobReader, Blobs
from shared.storage.glance import Glance
from shared.storage.links import Links, LinkTerms
from shared.storage.queue import Queue
from shared.storage.stored import Digests, Place, Source, Stored
from shared.storage.transfer import Transfer
from shared.storage.wire import FOR_MINUTES, Patience

__all__ = [
    "FOR_MINUTES",
    "BlobReader",
    "Blobs",
    "Digests",
    "Glance",
    "LinkTerms",
    "Links",
    "Patience",
    "Place",
    "Queue",
    "Source",
    "StorageAccount",
    "Stored",
    "Transfer",
]
