"""The composition root of the migration command and the Python API.

Nothing connects here.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from shared.blob_names.containers import Containers
from shared.clock import utc_now
from shared.postgres.database import Database
from shared.settings import TransferSettings
from shared.storage.files.file_transfer import Transfer
from shared.storage.rest import RETRY_FOR_MINUTES, RetryPolicy
from shared.storage.sdk.account import StorageAccount
from shared.storage.signing.signed_links import Links


class Cancelled(Exception):
    """Raised in every thread that waits when a transfer is cancelled."""


class CancelToken:
    """Ends every pause between retries when a transfer is cancelled."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def pause(self, seconds: float) -> None:
        """Raises Cancelled as soon as the token is cancelled."""
        if self._cancelled.wait(seconds):
            raise Cancelled

    def cancel(self) -> None:
        self._cancelled.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferContext:
    """`retry_policy` pauses by the cancel token."""

    database: Database
    containers: Containers
    account: StorageAccount
    links: Links
    transfer: Transfer
    cancel_token: CancelToken
    retry_policy: RetryPolicy

    def cancel(self) -> None:
        """Makes all transfers that are under way fail at once."""
        self.cancel_token.cancel()
        self.transfer.abort()


@contextmanager
def open_transfer(
    settings: TransferSettings,
    *,
    at_once: int,
    retry_policy: RetryPolicy = RETRY_FOR_MINUTES,
    block: int | None = None,
) -> Iterator[TransferContext]:
    """`at_once` bounds requests to storage; `block` is the size of blocks, if not the default."""
    token = CancelToken()
    retry_policy = replace(retry_policy, pause=token.pause)
    account = StorageAccount(settings.storage, utc_now)
    links = Links(account, utc_now)
    with (
        Database(settings.database_url) as database,
        Transfer(
            account, links, at_once=at_once, retry_policy=retry_policy, block=block
        ) as transfer,
    ):
        yield TransferContext(
            database=database,
            containers=Containers(settings.container_prefix),
            account=account,
            links=links,
            transfer=transfer,
            cancel_token=token,
            retry_policy=retry_policy,
        )
