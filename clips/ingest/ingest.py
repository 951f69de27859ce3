"""Ingest of a blob that has landed: claim it, probe it, make its images, publish the clip.

May be called twice, late or out of order, and be killed at any point: every step can be repeated,
and only the version of the blob that was claimed is ever published.

    count the attempt -> properties -> claim (blob, ETag) -> old images away
        -> read ranges: metadata and stills -> images written -> published
"""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import UUID

from clips.ingest.images import ImageWriter
from clips.ingest.run_record import IngestRun, record_giving_up
from shared import blob_names
from shared.blob_names import Containers
from shared.catalogue import Claim, Landing, Landings, Verdict
from shared.clock import Clock
from shared.errors import (
    BlobArchived,
    BlobChanged,
    BlobMissing,
    DatabaseUnavailable,
    UnplayableClip,
)
from shared.media_types import of_name, servable
from shared.model import ARCHIVED, GAVE_UP, LONGEST_POSITION, Blob, Failure, Media, title_from
from shared.outages import NO_WAIT, OutageWait
from shared.playability import Playback
from shared.storage import Blobs, StorageAccount
from shared.telemetry import span

if TYPE_CHECKING:
    from shared.media import ByteSource, Stills

_log = logging.getLogger(__name__)

# How many of the clips that host.json lets in at a time are decoded at once: as many as the memory
# of an instance holds, whatever their pictures are. The others claim, write images or wait.
DECODERS = 2
_decoders = threading.BoundedSemaphore(DECODERS)


class Ingest:
    def __init__(
        self,
        clock: Clock,
        account: StorageAccount,
        blobs: Blobs,
        containers: Containers,
        landings: Landings,
        images: ImageWriter,
        after_publishing: Callable[[UUID, str, Playback], object],
    ) -> None:
        self._clock = clock
        self._account = account
        self._blobs = blobs
        self._containers = containers
        self._landings = landings
        self._images = images
        self._after_publishing = after_publishing

    def landed(self, blob_name: str, wait: OutageWait = NO_WAIT) -> None:
        """Brings the catalogue to whatever version of the blob is there now.

        An outage is waited for as `wait` says, within the same attempt. A file that cannot be
        played is a result, not an error. Any exception means that the same call may succeed
        later, so that the host should deliver the message again.
        """
        video_id = blob_names.video_of(blob_name)
        if video_id is None:
            _log.warning("Left alone, not under a video: %s", blob_name)
            return
        with span("ingest"):
            self._attempt(blob_name, video_id, wait)

    def _attempt(self, blob_name: str, video_id: UUID, wait: OutageWait) -> None:
        wait.through(lambda: self._landings.count_attempt(blob_name))
        try:
            wait.through(lambda: self._bring_in(blob_name, video_id))
        except BlobMissing:
            _log.info("Gone before it was processed: %s", blob_name)
        except BlobChanged:
            _log.info("Overwritten while it was processed: %s", blob_name)
        except Exception:
            self._give_up_after_last_attempt(blob_name)
            raise

    def _bring_in(self, blob_name: str, video_id: UUID) -> None:
        with span("ingest.claim"):
            blob = self._blobs.get(self._containers.clips, blob_name)
            url = self._account.url(self._containers.clips, blob_name)
            verdict, claim = self._landings.claim(_landing(blob, url, video_id))
        if claim is not None:
            self._process(blob, claim)
        elif verdict is Verdict.REMOVE:
            self._blobs.delete(self._containers.clips, blob_name)
            _log.info("Removed, its clip is deleted: %s", blob_name)
        elif verdict is Verdict.HOPELESS:
            _log.error("Given up, every attempt was cut off: %s", blob_name)
            record_giving_up(GAVE_UP)
        elif verdict is Verdict.NOT_OURS:
            _log.warning("Left alone, there is no such video: %s", blob_name)

    def _process(self, blob: Blob, claim: Claim) -> None:
        reader = self._blobs.reader(self._containers.clips, blob)
        run = IngestRun(claim, blob, reader, self._clock())
        self._images.remove(claim.video_id, claim.clip_id)
        try:
            with _decoders:
                media, playback, stills = _look_into(reader)
        except UnplayableClip as error:
            self._fail(run, Failure(error.failure_code, error.detail))
            return
        except BlobArchived:
            self._fail(run, ARCHIVED)
            return
        with span("ingest.write"):
            images = self._images.write(claim, stills)
        poster = images.poster_name
        thumbnail_url = poster and self._account.url(self._containers.thumbnails, poster)
        with span("ingest.publish"):
            published = self._landings.publish(claim, media, playback, images, thumbnail_url)
        if published:
            self._after_publishing(claim.clip_id, claim.etag, playback)
            run.record_ready(media.duration)
        else:
            run.record_void()

    def _fail(self, run: IngestRun, failure: Failure) -> None:
        if self._landings.fail(run.claim, failure):
            run.record_failure(failure)
        else:
            run.record_void()

    def _give_up_after_last_attempt(self, blob_name: str) -> None:
        try:
            if self._landings.give_up_after_last_attempt(blob_name):
                _log.error("Given up after the last attempt: %s", blob_name)
                record_giving_up(GAVE_UP)
        except DatabaseUnavailable:
            _log.warning("The failed attempt at %s could not be noted", blob_name)


def _look_into(source: "ByteSource") -> "tuple[Media, Playback, Stills]":
    from shared import media

    with ExitStack() as stack:
        with span("ingest.probe"):
            file = stack.enter_context(media.opened(source))
        with span("ingest.images"):
            return file.media, file.playback, file.stills()


def _landing(blob: Blob, url: str, video_id: UUID) -> Landing:
    start, end = _times(blob.metadata)
    return Landing(
        blob_name=blob.name,
        blob_url=url,
        video_id=video_id,
        spelled_id=blob_names.clip_of(blob.name),
        etag=blob.etag,
        size=blob.size,
        content_type=servable(blob.content_type) or of_name(blob.name),
        content_md5=blob.content_md5,
        start_time=start,
        end_time=end,
        title=title_from(blob.metadata.get("title", "")),
    )


def _times(metadata: Mapping[str, str]) -> tuple[float, float | None]:
    """The start and end that an uploader noted, so far as they make sense."""
    start, end = _seconds(metadata.get("start_time")), _seconds(metadata.get("end_time"))
    if start is None:
        start = 0.0
    return start, end if end is not None and end > start else None


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value <= LONGEST_POSITION else None
