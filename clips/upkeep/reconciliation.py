"""Repairs differences between the clips container and the catalogue, found name by name.

Events get lost, and outages outlast the host's retries: blobs that were never processed are
processed here, and clips whose blobs are gone are marked as failed. Which blobs are archived is
noted too. First everything is compared, then repaired: clips are marked as missing only when their
number is known.

A blob that waits in the queue of the blob trigger is left to the trigger. The queue cannot be read,
but the trigger works in order: a blob that is as young as those that it claims now, or younger,
still waits.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from clips.ingest.ingest import Ingest
from clips.upkeep.blob_rules import QUIET
from clips.upkeep.differences import DifferenceFinder, Differences, IgnoredBlobs
from clips.upkeep.items import Tally, each
from clips.upkeep.missing import HELD, LOSS_IN_BULK, Guard, MissingClips
from shared.catalogue.upkeep.upkeep_queries import Upkeep
from shared.clock import Clock

_log = logging.getLogger(__name__)

# How far a message may be behind newer ones while the trigger is busy.
_DISORDER = timedelta(minutes=1)
# The rest waits for the next run: this step must not delay the other steps.
_WORKING_TIME = timedelta(minutes=2)
_NAMED_AT_MOST = 20
_WARNED_AT_MOST = 10_000


class Reconciliation:
    def __init__(
        self,
        clock: Clock,
        finder: DifferenceFinder,
        upkeep: Upkeep,
        ingest: Ingest,
        missing: MissingClips,
    ) -> None:
        self._clock = clock
        self._finder = finder
        self._upkeep = upkeep
        self._ingest = ingest
        self._missing = missing
        self._warned: set[str] = set()

    def run(self) -> Tally:
        """Counts the blobs that were processed or found missing; raises Unavailable."""
        started = self._clock()
        found = self._finder.find(started)
        self._warn_of(found.unknown, "lie under no existing video")
        self._warn_of(found.unstorable, "have names that the database cannot store")
        tally = found.tally
        tally.attempt("missing blobs", lambda: self._mark_missing(found, tally))
        tally.add(self._process(found, started))
        return tally

    def _warn_of(self, ignored: IgnoredBlobs, what: str) -> None:
        """Logs the name of a blob once for each process, and afterwards only counts it."""
        new = [name for name in ignored.first if name not in self._warned]
        if new:
            shown = ", ".join(new[:_NAMED_AT_MOST]) + (" ..." if new[_NAMED_AT_MOST:] else "")
            _log.warning("%d blobs %s, new: %s", ignored.count, what, shown)
            self._warned.update(new)
        elif ignored.count:
            _log.info("%d blobs %s, none of them new", ignored.count, what)
        if len(self._warned) > _WARNED_AT_MOST:
            self._warned.clear()

    def _mark_missing(self, found: Differences, tally: Tally) -> int:
        """Marks the clips whose blob is certainly gone, unless they are suspiciously many."""
        if self._missing.judge(found.missing_count, found.expected) is Guard.HELD:
            tally.unmarked += found.missing_count
            clips = f"{found.missing_count} of {found.expected} clips"
            tally.report(clips, LOSS_IN_BULK, HELD)
            return 0
        marked = each(
            found.missing,
            lambda clip: self._missing.mark(*clip),
            lambda clip: clip[0],
            may_go_on=self._time_limit(),
        )
        tally.add(marked)
        return 0

    def _process(self, found: Differences, started: datetime) -> Tally:
        """Processes the oldest first, but nothing that still waits in the trigger's queue."""
        upto = started - QUIET
        if found.trigger_at is not None:
            upto = min(upto, found.trigger_at - _DISORDER)
        due = sorted(item for item in found.to_process if item[0] <= upto)
        if waiting := len(found.to_process) - len(due):
            _log.info("The blob trigger, which is busy, will process %d blobs", waiting)
        process = partial(self._process_one, started - QUIET)
        names = (name for _, name in due)
        return each(names, process, str, may_go_on=self._time_limit())

    def _process_one(self, quiet_since: datetime, name: str) -> int:
        if self._upkeep.attempted_since(name, quiet_since):
            return 0
        self._ingest.landed(name)
        return 1

    def _time_limit(self) -> Callable[[], bool]:
        """Returns a function that is true for as long as one of the two repairs may take."""
        deadline = self._clock() + _WORKING_TIME
        return lambda: self._clock() <= deadline
