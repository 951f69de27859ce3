"""The times of a comparison: when items are too new or stuck, and when the cleanup acts. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from clips.upkeep.blob_rules import QUIET

# host.json ends a run after this time: if a clip is in processing for longer, its run has died.
_LONGEST_RUN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class ComparisonTimes:
    now: datetime
    next_cleanup_at: datetime

    @property
    def quiet_since(self) -> datetime:
        """Blobs and rows that changed later are left alone."""
        return self.now - QUIET

    @property
    def stuck_since(self) -> datetime:
        """An item that has been in processing since before this time is stuck."""
        return self.now - _LONGEST_RUN
