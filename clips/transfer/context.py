"""Puts together what moves clips without the app: for the command line and the Python API.

Nothing connects here.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from clips.migration.rows import Rows
from clips.migration.run import Stopped
from shared.blob_names import Containers
from shared.catalogue.migration_clip_queries import Moving
from shared.clock import utc_now
from shared.postgres.database import Database
from shared.settings import MigrationSettings
from shared.storage import RETRY_FOR_MINUTES, Links, RetryPolicy, StorageAccount, Transfer


class Brake:
    """Ends every pause when the run is to stop."""

    def __init__(self) -> None:
        self._pulled = threading.Event()

    def pause(self, seconds: float) -> None:
        """Raises Stopped as soon as the brake is pulled."""
        if self._pulled.wait(seconds):
            raise Stopped

    def pull(self) -> None:
        self._pulled.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    database: Database
    containers: Containers
    account: StorageAccount
    links: Links
    moving: Moving
    transfer: Transfer
    rows: Rows
    brake: Brake
    retry_policy: RetryPolicy

    def stop(self) -> None:
        """Ends what is under way, without waiting for it."""
        self.brake.pull()
        self.transfer.abort()


@contextmanager
def tools(
    settings: MigrationSettings,
    *,
    at_once: int,
    retry_policy: RetryPolicy = RETRY_FOR_MINUTES,
    block: int | None = None,
) -> Iterator[Tools]:
    """Everything that a run needs; `block` is the size of blocks, if not the usual one."""
    brake = Brake()
    retry_policy = replace(retry_policy, pause=brake.pause)
    containers = Containers(settings.container_prefix)
    account = StorageAccount(settings.storage, utc_now)
    links = Links(account, utc_now)
    with (
        Database(settings.database_url) as database,
        Transfer(
            account, links, at_once=at_once, retry_policy=retry_policy, block=block
        ) as transfer,
    ):
        moving = Moving(database)
        yield Tools(
            database=database,
            containers=containers,
            account=account,
            links=links,
            moving=moving,
            transfer=transfer,
            rows=Rows(moving, account, containers, retry_policy),
            brake=brake,
            retry_policy=retry_policy,
        )
