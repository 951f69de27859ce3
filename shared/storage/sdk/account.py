"""The storage account and its credentials: connection string, account key, or identity.

Names, URLs and links need nothing but the settings. The vendor's client is made, without
connecting, and its library loaded at the first read or write. With an identity no
key is stored anywhere: see `shared.storage.signing.delegation`.
An account key may change at any time.
"""

import logging
import threading
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.clock import Clock
from shared.settings import StorageSettings
from shared.settings.secret import Part, Secret
from shared.storage.sdk.azure_errors import azure_errors
from shared.storage.signing.delegation import DelegatedSigners
from shared.storage.signing.sas import DelegationKey, LinkPeriod, Signer, blob_path

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueClient

# The logs of requests of the vendor's client and of the small one, which leave out signatures,
# tokens and bodies. They belong to the process, not to a client.
_REQUEST_LOGS = (
    logging.getLogger("azure.core.pipeline.policies.http_logging_policy"),
    logging.getLogger("shared.storage.rest"),
)

_PUBLIC_CLOUD = "core.windows.net"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# A caller of the API waits for this: fail soon; background work tries again anyway.
_CLIENT_OPTIONS: dict[str, Any] = {"connection_timeout": 4, "read_timeout": 10}


class StorageAccount:
    """One account: its client, its URL, and the signer of links to it."""

    def __init__(self, settings: StorageSettings, clock: Clock) -> None:
        self._lock = threading.Lock()
        self._client: BlobServiceClient | None = None
        self.name, self._key, self.address = _credentials(settings)
        for log in _REQUEST_LOGS:
            log.setLevel(logging.INFO if settings.debug else logging.WARNING)
        self.queue_address = _queue_address(settings, self.name, self.address)
        loopback = urlsplit(self.address).hostname in _LOOPBACK
        self._protocol = "https,http" if loopback else "https"
        self._keyed: tuple[str, Signer] | None = None
        # The emulator does not know the id of a link in what a delegated key has signed.
        delegated = partial(Signer, self.name, protocol=self._protocol, carries_id=not loopback)
        self._delegated = DelegatedSigners(clock, self._fetch_delegation_key, delegated)

    @property
    def client(self) -> "BlobServiceClient":
        """The vendor's client, for this package alone."""
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = _client(self.address, self.name, self._key)
        return self._client

    def queue_client(self, queue_name: str) -> "QueueClient":
        """A new client of one of the account's queues, for this package alone."""
        from shared.storage.sdk.sdk_client import open_queue

        return open_queue(self.queue_address, queue_name, self.name, self._key, _CLIENT_OPTIONS)

    @property
    def delegates(self) -> bool:
        """Whether links are signed with keys that themselves expire."""
        return self._key is None

    def url(self, container: str, name: str) -> str:
        """The plain address of a blob; it opens nothing, all containers are private."""
        return f"{self.address}/{blob_path(container, name)}"

    def signer_for(self, period: LinkPeriod) -> tuple[Signer, LinkPeriod]:
        """The signer of a link of that period, and the period that the link gets.

        A link never outlives its key. Raises StorageUnavailable where a user-delegation key is
        needed and cannot be had.
        """
        if self._key is None:
            return self._delegated.signer_for(period)
        return self._keyed_signer(self._key.current()), period

    def has_another_key(self, refused: Signer) -> bool:
        """Whether there is another key than that of a signer whose signature storage refused."""
        if self._key is None:
            return False
        keyed = self._keyed
        if keyed is None or keyed[1] is not refused:
            return True
        return self._key.replacement_for(keyed[0]) is not None

    def _keyed_signer(self, key: str) -> Signer:
        """One client for as long as the account's key is the same."""
        if self._keyed is None or self._keyed[0] != key:
            keyed = self._keyed = key, Signer(self.name, key, self._protocol)
            return keyed[1]
        return self._keyed[1]

    def _fetch_delegation_key(self, start: datetime, expiry: datetime) -> DelegationKey:
        with azure_errors("delegation_key"):
            key = self.client.get_user_delegation_key(start, expiry)
        return DelegationKey(
            oid=str(key.signed_oid),
            tid=str(key.signed_tid),
            start=str(key.signed_start),
            expiry=str(key.signed_expiry),
            service=str(key.signed_service),
            version=str(key.signed_version),
            value=str(key.value),
        )


def _credentials(settings: StorageSettings) -> tuple[str, Secret | None, str]:
    """The account's name, its key if there is one, and the address of its blobs."""
    name, key, address = settings.account_name or "", settings.account_key, settings.endpoint
    if settings.connection_string is not None:
        parts = _parts(settings.connection_string.current())
        name = parts["accountname"]
        key = Part(settings.connection_string, lambda text: _parts(text)["accountkey"])
        suffix = parts.get("endpointsuffix")
        # As the SDK reads it: the protocol counts together with the suffix only.
        scheme = parts.get("defaultendpointsprotocol", "https") if suffix else "https"
        host = f"{name}.blob.{suffix or _PUBLIC_CLOUD}"
        address = parts.get("blobendpoint") or f"{scheme}://{host}"
    return name, key, (address or f"https://{name}.blob.{_PUBLIC_CLOUD}").rstrip("/")


def _queue_address(settings: StorageSettings, name: str, blobs: str) -> str:
    """The address of the queues: beside the blobs, unless a connection string names it."""
    if settings.connection_string is not None:
        endpoint = _parts(settings.connection_string.current()).get("queueendpoint")
        if endpoint is not None:
            return endpoint.rstrip("/")
    if f"//{name}.blob." in blobs:
        return blobs.replace(f"//{name}.blob.", f"//{name}.queue.", 1)
    return f"https://{name}.queue.{_PUBLIC_CLOUD}"


def _parts(connection_string: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in connection_string.rstrip(";").split(";"))
    return {name.lower(): value for name, _, value in pairs}


def _client(address: str, name: str, key: Secret | None) -> "BlobServiceClient":
    from shared.storage.sdk.sdk_client import open_client

    return open_client(address, name, key, _CLIENT_OPTIONS)
