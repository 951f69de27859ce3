"""Which account, and with what credentials: connection string, account key, or identity.

The client is made without connecting. With an identity no key exists anywhere: links are
signed with a user-delegation key, which is fetched when first needed and kept for days.
https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, LinearRetry, UserDelegationKey

from shared.clock import Clock
from shared.settings import StorageSettings
from shared.storage.faults import translated

# The longest that the service allows, less a minute in which the request may travel.
_KEY_LIFE = timedelta(days=7, minutes=-1)
_CLOCK_SKEW = timedelta(minutes=15)
# A link that is to last as long as a key can gets a key up to this old, and ends as much sooner.
_GOOD_AS_NEW = timedelta(minutes=10)
# A caller of the API waits for this: fail soon, and let whoever can wait try again.
_CLIENT_OPTIONS: dict[str, Any] = {
    "retry_policy": LinearRetry(backoff=1, random_jitter_range=1, retry_total=2),
    "connection_timeout": 4,
    "read_timeout": 20,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """What signs links: the account's own key, or a user-delegation key and the end of it."""

    account_key: str | None = None
    delegation_key: UserDelegationKey | None = None
    expires_at: datetime | None = None


class StorageAccount:
    """One account: its client, its address, and the key that signs links to it."""

    def __init__(self, settings: StorageSettings, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._delegation: SigningKey | None = None
        self.client = _client(settings)
        # The client knows the name for certain only if it signs with the account's key.
        self.name = str(getattr(self.client.credential, "account_name", settings.account_name))
        self.address = self.client.primary_endpoint.rstrip("/")
        self._account_key = _account_key(self.client)

    def url(self, container: str, name: str) -> str:
        """The plain address of a blob; it opens nothing, all containers are private."""
        return self.client.get_blob_client(container, name).url

    def signing_key(self, until: datetime) -> SigningKey:
        """A key that is good until `until`, or about as long as the service allows.

        Raises StorageUnavailable where a user-delegation key is needed and cannot be had.
        """
        if self._account_key is not None:
            return self._account_key
        now = self._clock()
        needed = min(until, now + _KEY_LIFE - _GOOD_AS_NEW)
        with self._lock:
            if self._delegation is None or not _lasts(self._delegation, needed):
                self._delegation = self._fetch_delegation_key(now)
            return self._delegation

    def _fetch_delegation_key(self, now: datetime) -> SigningKey:
        expires_at = now + _KEY_LIFE
        with translated():
            key = self.client.get_user_delegation_key(now - _CLOCK_SKEW, expires_at)
        return SigningKey(delegation_key=key, expires_at=expires_at)


def _client(settings: StorageSettings) -> BlobServiceClient:
    if settings.connection_string is not None:
        return BlobServiceClient.from_connection_string(
            settings.connection_string, **_CLIENT_OPTIONS
        )
    endpoint = settings.endpoint or f"https://{settings.account_name}.blob.core.windows.net"
    if settings.account_key is None:
        return BlobServiceClient(endpoint, credential=DefaultAzureCredential(), **_CLIENT_OPTIONS)
    key = AzureNamedKeyCredential(settings.account_name or "", settings.account_key)
    return BlobServiceClient(endpoint, credential=key, **_CLIENT_OPTIONS)


def _account_key(client: BlobServiceClient) -> SigningKey | None:
    key = getattr(client.credential, "account_key", None)
    return SigningKey(account_key=key) if isinstance(key, str) else None


def _lasts(key: SigningKey, until: datetime) -> bool:
    return key.expires_at is None or key.expires_at >= until
