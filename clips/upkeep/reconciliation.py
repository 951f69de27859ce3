"""Compares the clips container with the catalogue, name by name, and repairs differences.

Events get lost, and outages outlast the host's retries: blobs that were never processed are
processed here, and clips whose blobs are gone are marked as failed. Which blobs are archived is
noted on the way.

A blob that merely waits in the queue of the blob trigger is left to it. The queue cannot be asked,
but it is worked off in order: what is as young as the blobs that the trigger takes up now, or
younger, still waits.
"""

import heapq
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from clips.ingest.ingest import Ingest
from clips.upkeep.comparison import (
    QUIET,
    is_left_alone,
    may_be_filled,
    needs_work,
    ought_to_be_stored,
)
from clips.upkeep.items import Tally
from shared import blob_names
from shared.blob_names import Containers
from shared.catalogue import KnownBlob, Upkeep
from shared.clock import Clock
from shared.model import Blob
from shared.storage import Blobs

_log = logging.getLogger(__name__)

# While the trigger is at work: how much a message may be behind others that are younger.
_DISORDER = timedelta(minutes=1)
# The trigger is at work if it took up a blob so short a time ago.
_AT_WORK = timedelta(seconds=90)
# The rest waits for the next run: the other steps of the next run must not wait for this one.
_WORKING_TIME = timedelta(minutes=2)
# How many blobs to be processed are kept in memory, the oldest ones.
_MOST = 10_000
_NAMED_AT_MOST = 20


@dataclass(slots=True)
class _Findings:
    """What a comparison found: blobs to process with their age, and where the trigger is."""

    to_process: list[tuple[datetime, str]] = field(default_factory=list)
    trigger_at: datetime | None = None
    unknown: list[str] = field(default_factory=list)
    unstorable: list[str] = field(default_factory=list)
    missing: Tally = field(default_factory=Tally)


class Reconciliation:
    def __init__(
        self, clock: Clock, blobs: Blobs, containers: Containers, upkeep: Upkeep, ingest: Ingest
    ) -> None:
        self._clock = clock
        self._blobs = blobs
        self._container = containers.clips
        self._upkeep = upkeep
        self._ingest = ingest
        self._warned: set[str] = set()

    def run(self) -> Tally:
        """Counts the blobs that were processed or found missing; raises Unavailable."""
        started = self._clock()
        found = self._compare(started)
        self._warn_of(found.unknown, "lie under no existing video")
        self._warn_of(found.unstorable, "have names that the database cannot store")
        tally = found.missing
        tally.add(self._process(found, started))
        return tally

    def _compare(self, started: datetime) -> _Findings:
        found, after = _Findings(), ""
        # Both sides come in the order of names, page by page: memory stays flat.
        for page in self._blobs.pages(self._container, metadata=True):
            if not page:
                continue
            known = {k.name: k for k in self._upkeep.known_blobs(after, page[-1].name)}
            self._note_tiers(page, known)
            self._compare_page(page, known, started, found)
            self._mark_missing(known.values(), started - QUIET, found.missing)
            after = page[-1].name
        rest = self._upkeep.known_blobs(after, None)
        self._mark_missing(rest, started - QUIET, found.missing)
        return found

    def _note_tiers(self, page: Iterable[Blob], known: Mapping[str, KnownBlob]) -> None:
        """Notes which clips have been archived or brought back since the last run."""
        for archived in (True, False):
            names = [
                blob.name
                for blob in page
                if blob.archived is archived
                and blob.name in known
                and known[blob.name].archived is not archived
            ]
            if names:
                self._upkeep.note_archived(names, archived=archived)

    def _compare_page(
        self, page: Iterable[Blob], known: dict[str, KnownBlob], started: datetime, found: _Findings
    ) -> None:
        """Adds what the page has to process; removes all of the page from `known`."""
        quiet_since = started - QUIET
        without_clip: list[Blob] = []
        for blob in page:
            clip = known.pop(blob.name, None)
            if clip is not None and clip.etag == blob.etag and clip.touched_at > started - _AT_WORK:
                found.trigger_at = max(found.trigger_at or blob.last_modified, blob.last_modified)
            if blob.last_modified > quiet_since:
                continue
            if blob.size == 0 and may_be_filled(blob, clip, started):
                continue
            if clip is None:
                without_clip.append(blob)
            elif needs_work(blob, clip, quiet_since):
                found.to_process.append((blob.last_modified, blob.name))
        found.to_process += self._under_a_video(without_clip, found)
        if len(found.to_process) > 2 * _MOST:
            found.to_process = heapq.nsmallest(_MOST, found.to_process)

    def _under_a_video(self, blobs: list[Blob], found: _Findings) -> list[tuple[datetime, str]]:
        """Those that lie under an existing video, and may therefore become clips."""
        videos = {b.name: blob_names.video_of(b.name) for b in blobs if not is_left_alone(b)}
        existing = self._upkeep.existing_videos({v for v in videos.values() if v is not None})
        found.unknown += [name for name, video in videos.items() if video not in existing]
        found.unstorable += [name for name in videos if blob_names.check_storable(name)]
        left = {*found.unknown, *found.unstorable}
        return [
            (blob.last_modified, blob.name)
            for blob in blobs
            if blob.name in videos and blob.name not in left
        ]

    def _warn_of(self, names: list[str], what: str) -> None:
        """Names blobs once in the life of a process, and then only counts them."""
        new = [name for name in names if name not in self._warned]
        if new:
            shown = ", ".join(new[:_NAMED_AT_MOST]) + (" ..." if new[_NAMED_AT_MOST:] else "")
            _log.warning("%d blobs %s, new: %s", len(names), what, shown)
            self._warned.update(new)
        elif names:
            _log.info("%d blobs %s, none of them new", len(names), what)
        if len(self._warned) > _MOST:
            self._warned.clear()

    def _process(self, found: _Findings, started: datetime) -> Tally:
        """Processes the oldest first, but nothing that still waits in the trigger's queue."""
        tally = Tally()
        upto = started - QUIET
        if found.trigger_at is not None:
            upto = min(upto, found.trigger_at - _DISORDER)
        waiting = 0
        for modified, name in sorted(found.to_process):
            if self._clock() > started + _WORKING_TIME:
                break
            if modified > upto:
                waiting += 1
            elif not self._upkeep.attempted_since(name, started - QUIET):
                tally.attempt(name, partial(self._bring_in, name))
        if waiting:
            _log.info("%d blobs are left to the blob trigger, which is at work", waiting)
        return tally

    def _bring_in(self, name: str) -> int:
        self._ingest.landed(name)
        return 1

    def _mark_missing(
        self, clips: Iterable[KnownBlob], quiet_since: datetime, tally: Tally
    ) -> None:
        """Marks the clips whose blob is certainly gone."""
        for clip in clips:
            if ought_to_be_stored(clip, quiet_since):
                tally.attempt(clip.name, partial(self._mark_if_missing, clip))

    def _mark_if_missing(self, clip: KnownBlob) -> bool:
        if clip.etag is None or self._blobs.exists(self._container, clip.name):
            return False
        _log.warning("The blob of a clip is gone: %s", clip.name)
        return self._upkeep.mark_missing(clip.name, clip.etag)
