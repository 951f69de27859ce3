"""What all services use: the clock, the database and storage."""

from dataclasses import dataclass

from shared.blob_names.containers import Containers
from shared.clock import Clock, utc_now
from shared.postgres.database import Database
from shared.settings import Settings
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs
from shared.storage.slots import Slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The clock, the database, and the storage account.

    `blobs` is for background work, `api_blobs` for calls that a client waits for: see `Slots`.
    """

    clock: Clock
    containers: Containers
    database: Database
    account: StorageAccount
    blobs: Blobs
    api_blobs: Blobs
    api_slots: Slots


def open_backends(settings: Settings, clock: Clock = utc_now) -> Backends:
    account = StorageAccount(settings.storage, clock)
    # Half of the threads stay free for calls that do not use storage.
    slots = Slots(max(1, settings.handler_threads // 2))
    return Backends(
        clock=clock,
        containers=Containers(settings.container_prefix),
        database=Database(settings.database_url),
        account=account,
        blobs=Blobs(account),
        api_blobs=Blobs(account, slots),
        api_slots=slots,
    )
