"""The storage account: blobs by container and name, and time-limited links to them.

Nothing outside this package knows the vendor's client or sees its exceptions.
"""

from shared.storage.account import StorageAccount
from shared.storage.blobs import BlobReader, Blobs
from shared.storage.links import Links, LinkTerms
from shared.storage.queue import Queue
from shared.storage.rest import RETRY_FOR_MINUTES, RetryPolicy
from shared.storage.stored import Digests, Place, Source, Stored
from shared.storage.tier_check import TierCheck
from shared.storage.transfer import Transfer

__all__ = [
    "RETRY_FOR_MINUTES",
    "BlobReader",
    "Blobs",
    "Digests",
    "LinkTerms",
    "Links",
    "Place",
    "Queue",
    "RetryPolicy",
    "Source",
    "StorageAccount",
    "Stored",
    "TierCheck",
    "Transfer",
]
