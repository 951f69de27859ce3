"""Compares the clips container with the catalogue, name by name, and repairs differences.

Events get lost, and outages outlast the host's retries: blobs that were never processed are
processed here, and clips whose blobs are gone are marked as failed. Which blobs are archived is
noted on the way.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from clips.ingest.ingest import Ingest
from shared import blob_names
from shared.blob_names import Containers
from shared.catalogue import KnownBlob, Upkeep
from shared.clock import Clock
from shared.errors import Unavailable
from shared.model import ARCHIVED, MAX_ATTEMPTS, Blob
from shared.storage import Blobs

_log = logging.getLogger(__name__)

# Blobs that were touched a moment ago are left to the blob trigger. Should both process one
# after all, only the work is wasted.
_QUIET = timedelta(minutes=1)
# The rest waits for the next run, so that runs do not pile up.
_WORKING_TIME = timedelta(minutes=5)


class Reconciliation:
    def __init__(
        self, clock: Clock, blobs: Blobs, containers: Containers, upkeep: Upkeep, ingest: Ingest
    ) -> None:
        self._clock = clock
        self._blobs = blobs
        self._container = containers.clips
        self._upkeep = upkeep
        self._ingest = ingest

    def run(self) -> int:
        """Returns how many blobs were brought in or found missing; raises Unavailable."""
        started = self._clock()
        mended, after = 0, ""
        # Both sides come in the order of names, page by page: memory stays flat.
        for page in self._blobs.pages(self._container):
            if not page:
                continue
            known = {k.name: k for k in self._upkeep.known_blobs(after, page[-1].name)}
            self._note_tiers(page, known)
            todo = self._unsettled(page, known, started - _QUIET)
            mended += self._bring_in(todo, started + _WORKING_TIME)
            mended += self._mark_missing(known.values(), started - _QUIET)
            after = page[-1].name
        return mended + self._mark_missing(self._upkeep.known_blobs(after, None), started - _QUIET)

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

    def _unsettled(
        self, page: Iterable[Blob], known: dict[str, KnownBlob], quiet_since: datetime
    ) -> list[str]:
        """The blobs of the page that need processing; removes all of the page from `known`."""
        strangers: list[str] = []
        names: list[str] = []
        for blob in page:
            clip = known.pop(blob.name, None)
            if blob.last_modified > quiet_since:
                continue
            if clip is None:
                strangers.append(blob.name)
            elif _needs_work(blob, clip, quiet_since):
                names.append(blob.name)
        return names + self._under_a_video(strangers)

    def _under_a_video(self, names: list[str]) -> list[str]:
        """The names that lie under an existing video, and may therefore become clips."""
        videos = {name: blob_names.video_of(name) for name in names}
        existing = self._upkeep.existing_videos({v for v in videos.values() if v is not None})
        ours = [name for name, video in videos.items() if video in existing]
        if len(ours) < len(names):
            _log.warning("%d blobs lie under no existing video", len(names) - len(ours))
        return ours

    def _bring_in(self, names: Iterable[str], deadline: datetime) -> int:
        done = 0
        for name in names:
            if self._clock() > deadline:
                break
            try:
                self._ingest.landed(name)
                done += 1
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - logged and counted; one blob must not stop the rest
                _log.exception("Could not bring in %s", name)
        return done

    def _mark_missing(self, clips: Iterable[KnownBlob], quiet_since: datetime) -> int:
        """Marks the clips whose blob is certainly gone."""
        marked = 0
        for clip in clips:
            believed = clip.status in {"ready", "processing"} and not clip.deleted
            quiet = clip.touched_at < quiet_since
            if not believed or not clip.etag or not quiet:
                continue
            if not self._blobs.exists(self._container, clip.name):
                marked += self._upkeep.mark_missing(clip.name, clip.etag)
                _log.warning("The blob of a clip is gone: %s", clip.name)
        return marked


def _needs_work(blob: Blob, clip: KnownBlob, quiet_since: datetime) -> bool:
    if clip.deleted or clip.touched_at >= quiet_since:
        return False
    if clip.etag != blob.etag:
        return True
    if blob.archived and clip.failure_code == ARCHIVED.code:
        return False  # known already; to be processed when it is back
    # One that used up its attempts in `processing` is tried once more, to be marked as failed.
    return not clip.settled and (clip.attempts < MAX_ATTEMPTS or clip.status == "processing")
