"""Ranges of one version of one blob."""

import threading
from typing import TYPE_CHECKING

from shared.model.blob import Blob
from shared.storage.sdk.azure_errors import azure_errors
from shared.storage.slots import Admission

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient


class BlobReader:
    """Reads ranges of one version of one blob; threads may share it."""

    def __init__(self, client: "BlobClient", blob: Blob, admission: Admission) -> None:
        self._client = client
        self._admission = admission
        self._etag = blob.etag
        self._counting = threading.Lock()
        self.size = blob.size
        self.bytes_read = 0

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`, fewer only at the end of the blob.

        Raises BlobMissing, BlobChanged if it is another version by now, BlobArchived,
        StorageUnavailable.
        """
        from azure.core import MatchConditions

        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        with self._admission.slot(), azure_errors("read"):
            data = self._client.download_blob(
                offset, length, etag=self._etag, match_condition=MatchConditions.IfNotModified
            ).readall()
        with self._counting:
            self.bytes_read += len(data)
        return data
