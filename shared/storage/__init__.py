"""The storage account: blobs by container and name, and time-limited links to them.

Nothing outside this package knows the vendor's client or sees its exceptions.
"""

from shared.storage.account import StorageAccount
from shared.storage.blobs import BlobReader, Blobs
from shared.storage.links import Links, LinkTerms

__all__ = ["BlobReader", "Blobs", "LinkTerms", "Links", "StorageAccount"]
