"""Owns the clients of the storage accounts that bindings name by their `connection`.

Resolves a name as the real host does, first with the prefix AzureWebJobs: the setting of that name
is a connection string, or settings that begin with the name hold the account or its addresses.
The clients do not retry, because each caller tries again later.
"""

import functools
import os
from typing import Any

from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueServiceClient

from local.host.settings import SettingsError

DEFAULT = "AzureWebJobsStorage"
_TIMEOUTS: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 15}


@functools.cache
def blob_service(name: str) -> BlobServiceClient:
    """The blob service of a connection; raises SettingsError."""
    target = _target(name, "blob")
    if target.startswith("http"):
        return BlobServiceClient(target, DefaultAzureCredential(), **_TIMEOUTS)
    return BlobServiceClient.from_connection_string(target, **_TIMEOUTS)


@functools.cache
def queue(connection: str, name: str) -> QueueClient:
    """A queue of a connection, whether it exists or not; raises SettingsError."""
    return _queue_service(connection).get_queue_client(name)


@functools.cache
def _queue_service(name: str) -> QueueServiceClient:
    target = _target(name, "queue")
    if target.startswith("http"):
        return QueueServiceClient(target, DefaultAzureCredential(), **_TIMEOUTS)
    return QueueServiceClient.from_connection_string(target, **_TIMEOUTS)


def _target(name: str, service: str) -> str:
    """A connection string, or the address of the service."""
    for prefix in (f"AzureWebJobs{name}", name):
        for suffix in ("", f"__{service}ServiceUri", "__serviceUri"):
            value = os.environ.get(prefix + suffix)
            if value and not value.startswith("http") and "=" not in value:
                raise SettingsError(f"{prefix}{suffix} is neither a connection string nor a URL")
            if value:
                return value
        if account := os.environ.get(f"{prefix}__accountName"):
            return f"https://{account}.{service}.core.windows.net"
    raise SettingsError(
        f"The connection {name} does not resolve: set {name} or {name}__{service}ServiceUri"
    )
