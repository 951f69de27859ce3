"""Finds how the clips container and the catalogue differ; only updates the recorded tiers.

Both sides are read in the order of names, page by page, and a limited number of differences is
kept: memory stays flat for any number of blobs and rows.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clips.upkeep.blob_rules import (
    QUIET,
    is_left_alone,
    may_be_filled,
    needs_work,
    should_have_blob,
)
from clips.upkeep.items import Tally, work_on_batch
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.blob_names.foreign import check_storable
from shared.catalogue.upkeep.upkeep_queries import KnownBlob, Upkeep
from shared.model.blob import Blob
from shared.storage.sdk.blobs import Blobs

# The trigger is busy if it claimed a blob within this time.
_BUSY_TIME = timedelta(seconds=90)
# How many items of a kind are kept in memory; the others are for the next runs.
_MOST = 10_000
_NAMES_KEPT = 1000


@dataclass(slots=True)
class IgnoredBlobs:
    """The number of blobs that are ignored for one reason, and the first of their names."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, names: Iterable[str]) -> None:
        for name in names:
            self.count += 1
            if len(self.first) < _NAMES_KEPT:
                self.first.append(name)


@dataclass(slots=True)
class Differences:
    """Blobs to process with their times, clips whose blob is missing, and names that are ignored.

    `trigger_at` is when the youngest blob was written that the blob trigger has just claimed.
    `to_process` keeps the oldest blobs, `missing` the first names, with their ETags. In all,
    `missing_count` of the `expected` clips that should have a blob have none.
    """

    to_process: list[tuple[datetime, str]] = field(default_factory=list)
    trigger_at: datetime | None = None
    expected: int = 0
    missing_count: int = 0
    missing: list[tuple[str, str]] = field(default_factory=list)
    unknown: IgnoredBlobs = field(default_factory=IgnoredBlobs)
    unstorable: IgnoredBlobs = field(default_factory=IgnoredBlobs)
    tally: Tally = field(default_factory=Tally)


class DifferenceFinder:
    def __init__(self, blobs: Blobs, containers: Containers, upkeep: Upkeep) -> None:
        self._blobs = blobs
        self._container = containers.clips
        self._upkeep = upkeep

    def find(self, started: datetime) -> Differences:
        """Raises Unavailable: half a listing does not show what is missing."""
        found, after = Differences(), ""
        for page in self._blobs.pages(self._container, metadata=True):
            # No row has a name that cannot be stored; the database would not even take it.
            storable = (blob.name for blob in page if not check_storable(blob.name))
            upto = max(storable, default=after)
            rows = self._upkeep.known_blobs(after, upto) if upto > after else ()
            known = {row.name: row for row in rows}
            self._note_tiers(page, known, found)
            self._compare_page(page, known, started, found)
            _add_missing(known.values(), started - QUIET, found)
            after = max(after, upto)
        _add_missing(self._upkeep.known_blobs(after, None), started - QUIET, found)
        return found

    def _note_tiers(
        self, page: Iterable[Blob], known: Mapping[str, KnownBlob], found: Differences
    ) -> None:
        """Notes which clips have been archived or brought back since the last run."""
        for archived in (True, False):
            names = [
                blob.name
                for blob in page
                if blob.archived is archived
                and blob.name in known
                and known[blob.name].archived is not archived
            ]

            def note(batch: Iterable[str], *, archived: bool = archived) -> int:
                self._upkeep.note_archived(list(batch), archived=archived)
                return 0

            if names:
                work_on_batch(names, note, lambda name: f"the tier of {name}", found.tally)

    def _compare_page(
        self,
        page: Iterable[Blob],
        known: dict[str, KnownBlob],
        started: datetime,
        found: Differences,
    ) -> None:
        """Adds what the page has to process; removes all of the page from `known`."""
        quiet_since = started - QUIET
        without_clip: list[Blob] = []
        for blob in page:
            clip = known.pop(blob.name, None)
            if clip is not None:
                found.expected += should_have_blob(clip, quiet_since)
                if clip.etag == blob.etag and clip.touched_at > started - _BUSY_TIME:
                    age = blob.last_modified
                    found.trigger_at = max(found.trigger_at or age, age)
            if blob.last_modified > quiet_since:
                continue
            if may_be_filled(blob, clip, started):
                continue
            if clip is None:
                without_clip.append(blob)
            elif needs_work(blob, clip, quiet_since):
                found.to_process.append((blob.last_modified, blob.name))
        found.to_process += self._under_a_video(without_clip, found)
        if len(found.to_process) > 2 * _MOST:
            found.to_process = heapq.nsmallest(_MOST, found.to_process)

    def _under_a_video(
        self, blobs: Iterable[Blob], found: Differences
    ) -> list[tuple[datetime, str]]:
        """The blobs that lie under an existing video, and may therefore become clips."""
        ages = {blob.name: blob.last_modified for blob in blobs if not is_left_alone(blob)}
        videos = {name: blob_names.video_id_of(name) for name in ages}
        existing = self._upkeep.existing_videos({v for v in videos.values() if v is not None})
        unknown = {name for name, video in videos.items() if video not in existing}
        unstorable = {name for name in videos if check_storable(name)}
        found.unknown.add(sorted(unknown))
        found.unstorable.add(sorted(unstorable))
        return [(age, name) for name, age in ages.items() if name not in unknown | unstorable]


def _add_missing(clips: Iterable[KnownBlob], quiet_since: datetime, found: Differences) -> None:
    for clip in clips:
        if not should_have_blob(clip, quiet_since) or clip.etag is None:
            continue
        found.expected += 1
        found.missing_count += 1
        if len(found.missing) < _MOST:
            found.missing.append((clip.name, clip.etag))
