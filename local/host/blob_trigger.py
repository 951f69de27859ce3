"""Owns blob triggers from the message in the queue to the arguments of the function.

Knows nothing of the source of messages, a scan or Event Grid: both call `notify`.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobProperties
from azure.storage.queue import QueueMessage

from local.host import connections, queues
from local.host.blob_messages import BlobMessage, BlobPattern
from local.host.blob_scan import BlobScanner
from local.host.calls import Caller
from local.host.functions import Function
from local.host.protos import ModelBindingData, TypedData
from local.host.settings import HostSettings

_POLLING = "LogsAndContainerScan"  # also what a binding without a source means
POISON_QUEUE = "webjobs-blobtrigger-poison"

_log = logging.getLogger("local.host")


class BlobTriggers:
    """All functions with a blob trigger, which share one queue in the account of the host."""

    def __init__(self, functions: list[Function], settings: HostSettings, caller: Caller) -> None:
        self._triggers = {function.full_name: _BlobTrigger(function) for function in functions}
        self._settings = settings
        self._caller = caller
        self._queue_name = f"azure-webjobs-blobtrigger-{settings.host_id}"
        self._wake = asyncio.Event()

    def tasks(self) -> list[Awaitable[None]]:
        """The tasks that run as long as the host does."""
        if not self._triggers:
            return []
        connection = next(iter(self._triggers.values())).connection
        listener = queues.QueueListener(
            connections.queue(connections.DEFAULT, self._queue_name),
            connections.queue(connection, POISON_QUEUE),
            self._settings.blobs,
            self._handle,
            self._wake,
            self._settings.stop_timeout,
        )
        polled = [trigger for trigger in self._triggers.values() if trigger.is_polled]
        return [listener.run(), *(self._scanner(trigger).run() for trigger in polled)]

    async def notify(self, message: BlobMessage) -> None:
        """Puts a message into the queue and wakes its listener."""
        queue = connections.queue(connections.DEFAULT, self._queue_name)
        await queues.send(queue, message.to_json(), self._settings.blobs)
        self._wake.set()

    async def call_by_path(self, function: Function, path: str) -> None:
        """Calls a function for the blob `container/name`: no message, no retry, no poison queue."""
        container, _, name = path.partition("/")
        trigger = self._triggers[function.full_name]
        client = trigger.client(container, name)
        try:
            properties = await asyncio.to_thread(client.get_blob_properties)
            argument = await trigger.argument(client)
        except (AzureError, ValueError) as error:
            _log.error("%s cannot be called for %s: %s", function.name, path, error)
            return
        await self._caller.run(function, path, argument, trigger.metadata(client, properties))

    async def call_by_reference(self, function: Function, container: str, name: str) -> bool:
        """Calls a function for a blob that the calling program has checked already."""
        trigger = self._triggers[function.full_name]
        client = trigger.client(container, name)
        argument = await trigger.argument(client)
        return await self._caller.run(
            function, f"{container}/{name}", argument, trigger.place(client)
        )

    def _scanner(self, trigger: "_BlobTrigger") -> BlobScanner:
        return BlobScanner(
            connections.blob_service(trigger.connection),
            connections.blob_service(connections.DEFAULT),
            self._settings.host_id,
            trigger.function.full_name,
            trigger.pattern,
            self._settings.scan_interval,
            self.notify,
        )

    async def _handle(self, text: str, _message: QueueMessage) -> bool:
        message = BlobMessage.from_json(text)
        trigger = self._triggers.get(message.function)
        if trigger is None:
            _log.debug(
                "%s is not a function: its blob %s is skipped", message.function, message.blob
            )
            return True
        client = trigger.client(message.container, message.blob)
        try:
            properties = await asyncio.to_thread(client.get_blob_properties)
            # The real host compares versions for the polling source only.
            if trigger.is_polled and str(properties.etag).strip('"') != message.etag:
                _log.info("%s was overwritten: the new version has its own message", message.blob)
                return True
            argument = await trigger.argument(client)
        except ResourceNotFoundError:
            _log.info("%s was deleted before its function ran", message.blob)
            return True
        subject = f"{message.container}/{message.blob}"
        metadata = trigger.metadata(client, properties)
        return await self._caller.run(trigger.function, subject, argument, metadata)


class _BlobTrigger:
    """One function's trigger."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.connection: str = function.trigger.get("connection") or connections.DEFAULT
        self.pattern = BlobPattern.parse(function.trigger["path"])
        self.is_polled = function.trigger.get("source", _POLLING) == _POLLING
        flags = function.trigger.get("properties", {})
        self._takes_reference = str(flags.get("SupportsDeferredBinding", "")).lower() == "true"

    def client(self, container: str, blob: str) -> BlobClient:
        return connections.blob_service(self.connection).get_blob_client(container, blob)

    async def argument(self, client: BlobClient) -> TypedData:
        """The bytes, or only a reference to the blob for an SDK type."""
        if not self._takes_reference:
            return TypedData(
                bytes=await asyncio.to_thread(lambda: client.download_blob().readall())
            )
        reference = {
            "Connection": self.connection,
            "ContainerName": client.container_name,
            "BlobName": client.blob_name,
        }
        return TypedData(model_binding_data=ModelBindingData(json.dumps(reference).encode()))

    def metadata(self, client: BlobClient, properties: BlobProperties) -> dict[str, TypedData]:
        """The metadata of the blob that the real host sends with the content."""
        described: dict[str, Any] = {
            "Length": properties.size,
            "ContentLength": properties.size,
            "ContentType": properties.content_settings.content_type,
            "ETag": properties.etag,
            "LastModified": str(properties.last_modified),
        }
        return {
            "Properties": TypedData(json=json.dumps(described)),
            "Metadata": TypedData(json=json.dumps(properties.metadata or {})),
        } | self.place(client)

    def place(self, client: BlobClient) -> dict[str, TypedData]:
        """The address of the blob, and the parameters in its name."""
        return {
            "BlobTrigger": TypedData(string=f"{client.container_name}/{client.blob_name}"),
            "Uri": TypedData(string=client.url.partition("?")[0]),
            **{
                name: TypedData(string=value)
                for name, value in (self.pattern.match(client.blob_name) or {}).items()
            },
        }
