"""The storage account: blobs by container and name, and time-limited links to them.

Nothing outside this package knows the SDK or sees its exceptions.
"""

from shared.storage.files.composition import BlobDraft, Composer, SourceRange
from shared.storage.files.file_transfer import Transfer
from shared.storage.files.stored import Digests, Place, Source, Stored
from shared.storage.listed_page import ListedPage
from shared.storage.rest import RETRY_FOR_MINUTES, RETRY_FOR_SECONDS, RetryPolicy
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.append_blob import AppendBlobs
from shared.storage.sdk.blob_copies import BlobCopies
from shared.storage.sdk.blob_reader import BlobReader
from shared.storage.sdk.blobs import Blobs
from shared.storage.sdk.queue import Queue
from shared.storage.signing.signed_links import Links, LinkTerms
from shared.storage.slots import Slots
from shared.storage.tier_check import TierCheck

__all__ = [
    "RETRY_FOR_MINUTES",
    "RETRY_FOR_SECONDS",
    "AppendBlobs",
    "BlobCopies",
    "BlobDraft",
    "BlobReader",
    "Blobs",
    "Composer",
    "Digests",
    "LinkTerms",
    "Links",
    "ListedPage",
    "Place",
    "Queue",
    "RetryPolicy",
    "Slots",
    "Source",
    "SourceRange",
    "StorageAccount",
    "Stored",
    "TierCheck",
    "Transfer",
]
