"""Ingest of a source: claim its version, read its metadata, make its images, publish it.

As with clips, a call may come twice, late or out of order, and may be killed at any point.
"""

import logging
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from clips.ingest import unfinished
from clips.ingest.decoders import decoder_slot
from clips.ingest.image_writer import ClaimLost, ImageWriter
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.cutting.source_landing_queries import SourceLandings
from shared.catalogue.ingest.admission import Landing
from shared.catalogue.ingest.claims import Claim
from shared.clock import Clock
from shared.errors import BlobArchived, BlobChanged, BlobMissing, UnplayableClip
from shared.model.blob import Blob
from shared.model.clip import UPLOAD_LIFE
from shared.model.failure import ARCHIVED, Failure
from shared.model.media import Media
from shared.model.media_types import of_name, servable
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs
from shared.telemetry import span

if TYPE_CHECKING:
    from shared.media import Stills
    from shared.storage.blob_reader import BlobReader

_log = logging.getLogger(__name__)

# host.json ends a run after this time: an older claim belongs to no run.
_STALLED_AFTER = timedelta(minutes=30)
_MOST_STALLED = 100
# How long after a blob was written its event may still come.
_QUIET = timedelta(minutes=10)


class SourceIngest:
    def __init__(
        self,
        clock: Clock,
        account: StorageAccount,
        blobs: Blobs,
        containers: Containers,
        landings: SourceLandings,
        images: ImageWriter,
    ) -> None:
        self._clock = clock
        self._account = account
        self._blobs = blobs
        self._container = containers.videos
        self._landings = landings
        self._images = images

    def landed(self, blob_name: str) -> None:
        """Updates the row of a source to the version of the blob that is in storage now.

        Any exception means that the same call may succeed later.
        """
        video_id = blob_names.video_id_of_source(blob_name)
        if video_id is None:
            _log.warning(
                "The blob is ignored, because its name is not that of a video's file: %s", blob_name
            )
            return
        with span("source"):
            self._attempt(blob_name, video_id)

    def stalled(self) -> list[str]:
        """Names of the blobs whose event may have been lost, or whose run has died.

        It also lists the container, 5,000 sources with each request, and compares it with the
        catalogue.
        """
        names = self._landings.stalled(_STALLED_AFTER, _MOST_STALLED)
        for page in self._blobs.pages(self._container):
            newest = {
                video_id: blob
                for blob in sorted(page, key=lambda blob: blob.last_modified)
                if (video_id := blob_names.video_id_of_source(blob.name)) is not None
            }
            known = self._landings.known(list(newest))
            names += [
                blob.name
                for video_id, blob in newest.items()
                if video_id in known
                and known[video_id] != blob.etag
                and self._clock() - blob.last_modified > _QUIET
            ]
        return list(dict.fromkeys(names))[:_MOST_STALLED]

    def _attempt(self, blob_name: str, video_id: UUID) -> None:
        self._landings.count_attempt(blob_name)
        try:
            self._process(blob_name, video_id)
        except BlobMissing:
            _log.info("The blob was deleted before it was processed: %s", blob_name)
        except BlobChanged:
            _log.info("A newer version replaced the source while it was processed: %s", blob_name)
        except Exception:
            self._landings.give_up_after_last_attempt(blob_name)
            raise

    def _process(self, blob_name: str, video_id: UUID) -> None:
        blob = self._blobs.get(self._container, blob_name)
        # The link that wrote it was valid then.
        if unfinished.may_be_filled(blob, self._clock(), blob.last_modified + UPLOAD_LIFE):
            _log.info("The blob has no bytes yet: %s", blob_name)
            return
        others = self._others(blob, video_id)
        if any(other.last_modified > blob.last_modified for other in others):
            _log.info("A newer file has replaced this source: %s", blob_name)
            return
        finished = self._landings.finished_name(video_id)
        verdict, claim = self._landings.claim(self._landing(blob, video_id))
        if claim is None:
            _log.info("Source %s: %s", blob_name, verdict.name.lower())
            return
        self._images.remove(video_id, video_id)
        reader = self._blobs.reader(self._container, blob)
        try:
            with decoder_slot:
                media, stills = _analyse(reader)
                keyframe_interval = _keyframe_interval(reader)
        except UnplayableClip as error:
            if unfinished.may_be_continued(blob, self._clock()):
                _log.info("The source is not complete yet (%s): %s", error.failure_code, blob_name)
            else:
                self._fail(claim, Failure(error.failure_code, error.detail))
            return
        except BlobArchived:
            self._fail(claim, ARCHIVED)
            return
        if not self._publish(claim, media, stills, keyframe_interval):
            _log.info("The source was replaced or deleted while it was processed: %s", blob_name)
            self._images.remove_if_deleted(claim)
            return
        for other in others:
            # Times are whole seconds: of two files from the same second, the older source is
            # deleted.
            if other.last_modified < blob.last_modified or other.name == finished:
                self._blobs.delete(self._container, other.name)
        _log.info("Source %s is ready: %d bytes", blob_name, blob.size)

    def _publish(
        self, claim: Claim, media: Media, stills: "Stills", keyframe_interval: float | None
    ) -> bool:
        """Writes the images and makes the source ready; False if the claim no longer holds."""
        try:
            images = self._images.write(claim, stills)
        except ClaimLost:
            return False
        return self._landings.publish(claim, media, images, keyframe_interval)

    def _fail(self, claim: Claim, failure: Failure) -> None:
        if self._landings.fail(claim, failure):
            _log.info("Source of %s failed: %s", claim.video_id, failure.code)

    def _landing(self, blob: Blob, video_id: UUID) -> Landing:
        return Landing(
            blob_name=blob.name,
            blob_url=self._account.url(self._container, blob.name),
            video_id=video_id,
            id_in_name=None,
            etag=blob.etag,
            size=blob.size,
            content_type=servable(blob.content_type) or of_name(blob.name),
            content_md5=blob.content_md5,
            start_time=0.0,
            end_time=None,
            title=None,
        )

    def _others(self, blob: Blob, video_id: UUID) -> list[Blob]:
        """The other files of the same video, which have other extensions."""
        return [
            other
            for page in self._blobs.pages(self._container, str(video_id))
            for other in page
            if other.name != blob.name and blob_names.video_id_of_source(other.name) == video_id
        ]


def _analyse(reader: "BlobReader") -> "tuple[Media, Stills]":
    # Imported late: only this trigger loads FFmpeg, not every instance that starts.
    from shared import media

    with ExitStack() as stack:
        with span("source.probe"):
            file = stack.enter_context(media.opened(reader))
        with span("source.images"):
            return file.media, file.stills()


def _keyframe_interval(reader: "BlobReader") -> float | None:
    """Seconds between keyframes, on average; None without an index."""
    from shared.media.cutting.by_index.mp4_film import read_film
    from shared.media.cutting.unsuitable import Unsuitable

    try:
        film = read_film(reader)
    except Unsuitable:
        return None
    count = film.keyframe_count
    return film.duration / count if count else None
