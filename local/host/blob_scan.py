"""Owns the polling source of blob triggers: finds each new version of a blob once.

Receipts in `azure-webjobs-hosts` record the versions that were found before a restart. A receipt
is written after its message: a host that is killed between the two sends the message again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from local.host.blob_listing import ListedBlob, listed
from local.host.blob_messages import BlobMessage, BlobPattern

RECEIPTS_CONTAINER = "azure-webjobs-hosts"
# The pause after a scan is so many times as long as the scan, and at most _LONGEST_PAUSE seconds:
# a scan during an outage takes long.
_PAUSE_TIMES_SCAN = 20
_LONGEST_PAUSE = 5.0

_log = logging.getLogger("local.host")


@dataclass(slots=True)
class BlobScanner:
    """Scans one container for one function; `notify` queues a message."""

    service: BlobServiceClient
    receipts_service: BlobServiceClient
    host_id: str
    function: str
    pattern: BlobPattern
    interval: float
    notify: Callable[[BlobMessage], Awaitable[None]]
    _seen: dict[str, str] = field(default_factory=dict)
    _in_reach: bool = True

    async def run(self) -> None:
        """Scans until cancelled."""
        receipts: set[str] | None = None
        while True:
            started = time.monotonic()
            try:
                if receipts is None:
                    receipts = await asyncio.to_thread(self._load_receipts)
                await self._scan(receipts)
            except ResourceNotFoundError:
                self._seen.clear()  # the container does not exist now
            except AzureError as error:
                if self._in_reach:  # logs an outage once
                    _log.warning("%s: the container is out of reach: %s", self.function, error)
                self._in_reach = False
            else:
                self._in_reach = True
            elapsed = time.monotonic() - started
            pause = min(elapsed * _PAUSE_TIMES_SCAN, _LONGEST_PAUSE) if self._in_reach else 0.0
            await asyncio.sleep(max(self.interval, pause))

    async def _scan(self, receipts: set[str]) -> None:
        found: dict[str, str] = {}
        for blob in await asyncio.to_thread(self._list):
            name, etag = blob.name, blob.etag
            found[name] = etag
            if self._seen.get(name) == etag or self.pattern.match(name) is None:
                continue
            message = BlobMessage(self.function, blob.type, self.pattern.container, name, etag)
            receipt = self._receipt(message)
            if receipt not in receipts:
                await self.notify(message)
                await asyncio.to_thread(self._complete, receipt)
                receipts.add(receipt)
            self._seen[name] = etag
        self._seen = found

    def _list(self) -> list[ListedBlob]:
        container = self.service.get_container_client(self.pattern.container)
        return list(listed(container, self.pattern.prefix))

    def _receipt(self, message: BlobMessage) -> str:
        folder = f"blobreceipts/{self.host_id}/{self.function}"
        return f'{folder}/"{message.etag}"/{message.container}/{message.blob}'

    def _load_receipts(self) -> set[str]:
        container = self.receipts_service.get_container_client(RECEIPTS_CONTAINER)
        with suppress(ResourceExistsError):
            container.create_container()
        folder = f"blobreceipts/{self.host_id}/{self.function}/"
        receipts = container.list_blobs(name_starts_with=folder, include=["metadata"])
        # Microsoft's host writes a receipt first, and marks it Incomplete until the message is sent
        return {blob.name for blob in receipts if "Incomplete" not in (blob.metadata or {})}

    def _complete(self, receipt: str) -> None:
        blob = self.receipts_service.get_blob_client(RECEIPTS_CONTAINER, receipt)
        try:
            blob.upload_blob(b"", overwrite=True)
        except AzureError as error:
            _log.warning("The receipt %s was not written: %s", receipt, error)
