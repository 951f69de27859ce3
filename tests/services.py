"""The app's services with their backends, so that tests can prepare and inspect data."""

from clips.bin.sweep import Sweep
from clips.compose import Backends, Services, open_backends
from clips.upkeep.deletion import Deletion
from shared.catalogue.bin.bin_queries import Bin
from shared.catalogue.bin.deletion_queries import Deletions
from shared.catalogue.bin.sweep_queries import Sweeps
from shared.catalogue.library.clip_queries import Clips, ViewLog
from shared.catalogue.library.video_queries import Videos
from shared.clock import Clock, utc_now
from shared.settings import Settings


class AllServices(Services):
    def __init__(self, backends: Backends, settings: Settings) -> None:
        super().__init__(backends, settings)
        self.clock = backends.clock
        self.containers = backends.containers
        self.database = backends.database
        self.account = backends.account
        self.blobs = backends.blobs
        self.api_blobs = backends.api_blobs
        self.api_slots = backends.api_slots
        self.videos = Videos(backends.database)
        self.clips = Clips(backends.database)
        self.view_log = ViewLog(backends.database)
        deletion = Deletion(self.blobs, self.containers, Deletions(self.database))
        self.sweep = Sweep(Sweeps(self.database), deletion, self.blobs, self.containers)
        self.bin_rows = Bin(backends.database, settings.bin_days)


def compose_all(settings: Settings, clock: Clock = utc_now) -> AllServices:
    return AllServices(open_backends(settings, clock), settings)
