"""A queue of short texts in the storage account, consumed by a trigger of the app."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.azure_errors import azure_errors

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient

# Seconds. A message is of no use after a week: the cleanup has sent others by then.
_MESSAGE_LIFE = 7 * 24 * 60 * 60


class Queue:
    """Sends; it is the Functions host that receives. Connects when it first sends."""

    def __init__(self, account: StorageAccount, name: str) -> None:
        self.name = name
        self._account = account
        self._lock = threading.Lock()
        self._client: QueueClient | None = None

    def send(self, texts: Iterable[str]) -> None:
        """Puts every text into the queue, which is made if it is not there.

        Raises StorageUnavailable; some may have been sent by then.
        """
        with azure_errors("send_message"):
            for text in texts:
                self._send(text)

    def _send(self, text: str) -> None:
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        client = self._opened()
        try:
            client.send_message(text, time_to_live=_MESSAGE_LIFE)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):  # another instance made it meanwhile
                client.create_queue()
            client.send_message(text, time_to_live=_MESSAGE_LIFE)

    def _opened(self) -> "QueueClient":
        with self._lock:
            if self._client is None:
                self._client = self._account.queue_client(self.name)
            return self._client
