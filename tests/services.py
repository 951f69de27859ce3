"""The app's services together with what they stand on, so that tests can prepare and inspect."""

from dataclasses import dataclass, fields

from clips.compose import Services, compose_on, open_backends
from shared.blob_names import Containers
from shared.catalogue import Clips, Grants, Videos, ViewLog
from shared.catalogue.bin_queries import Bin
from shared.clock import Clock, utc_now
from shared.postgres.database import Database
from shared.settings import Settings
from shared.storage import Blobs, Slots, StorageAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class AllServices(Services):
    """`grants` is the one that `access` uses, with what it remembers."""

    clock: Clock
    containers: Containers
    database: Database
    account: StorageAccount
    blobs: Blobs
    api_blobs: Blobs
    api_slots: Slots
    videos: Videos
    clips: Clips
    grants: Grants
    view_log: ViewLog
    bin_rows: Bin


def compose_all(settings: Settings, clock: Clock = utc_now) -> AllServices:
    backends = open_backends(settings, clock)
    services = compose_on(backends, settings)
    parts = (services, backends)
    database = backends.database
    return AllServices(
        **{field.name: getattr(part, field.name) for part in parts for field in fields(part)},
        videos=Videos(database),
        clips=Clips(database),
        grants=services.access._grants,
        view_log=ViewLog(database),
        bin_rows=Bin(database, settings.bin_days),
    )
