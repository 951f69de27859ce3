"""Ranges of one version of one blob."""

import threading

from shared.model.blob import Blob
from shared.storage.blob_requests import BlobRequests
from shared.storage.slots import Admission


class BlobReader:
    """Reads ranges of one version of one blob; threads may share it."""

    def __init__(
        self, requests: BlobRequests, container: str, blob: Blob, admission: Admission
    ) -> None:
        self._requests = requests
        self._container = container
        self._blob = blob
        self._admission = admission
        self._counting = threading.Lock()
        self.size = blob.size
        self.bytes_read = 0

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`, fewer only at the end of the blob.

        Raises BlobMissing, BlobChanged if it is another version by now, BlobArchived,
        StorageUnavailable.
        """
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        blob = self._blob
        with self._admission.slot():
            data = self._requests.read(self._container, blob.name, blob.etag, offset, length)
        with self._counting:
            self.bytes_read += len(data)
        return data
