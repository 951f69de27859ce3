"""The moment of a comparison: what is too young to count, and when the cleanup acts. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from clips.upkeep.blob_rules import QUIET

# host.json ends a run after this time: a clip that is longer in processing has no run.
_LONGEST_RUN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Moment:
    """`by` is when the next cleanup begins."""

    now: datetime
    by: datetime

    @property
    def quiet_since(self) -> datetime:
        """Blobs and rows that changed later are left alone."""
        return self.now - QUIET

    @property
    def stuck_since(self) -> datetime:
        """What is in processing since before is stuck."""
        return self.now - _LONGEST_RUN
