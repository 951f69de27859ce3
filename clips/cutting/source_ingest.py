"""Ingest of a source: claim its version, read its metadata, make its images, publish it.

As for clips, a call may come twice, late or out of order, and stop anywhere.
"""

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import UUID

from clips.ingest.images import ClaimLost, ImageWriter
from shared import blob_names
from shared.blob_names import Containers
from shared.catalogue import Claim, Landing
from shared.catalogue.source_queries import SourceLandings
from shared.errors import BlobArchived, BlobChanged, BlobMissing, UnplayableClip
from shared.media_types import of_name, servable
from shared.model import ARCHIVED, Blob, Failure, Media
from shared.storage import Blobs, StorageAccount
from shared.telemetry import span

if TYPE_CHECKING:
    from shared.media import Stills
    from shared.storage import BlobReader

_log = logging.getLogger(__name__)


class SourceIngest:
    def __init__(
        self,
        account: StorageAccount,
        blobs: Blobs,
        containers: Containers,
        landings: SourceLandings,
        images: ImageWriter,
    ) -> None:
        self._account = account
        self._blobs = blobs
        self._container = containers.videos
        self._landings = landings
        self._images = images

    def landed(self, blob_name: str) -> None:
        """Brings the row of a source to the version of the blob that is in storage now.

        Any exception means that the same call may succeed later.
        """
        video_id = blob_names.video_of_source(blob_name)
        if video_id is None:
            _log.warning("Left alone, it is not the file of a video: %s", blob_name)
            return
        with span("source"):
            self._attempt(blob_name, video_id)

    def _attempt(self, blob_name: str, video_id: UUID) -> None:
        self._landings.count_attempt(blob_name)
        try:
            self._process(blob_name, video_id)
        except BlobMissing:
            _log.info("Deleted before it was processed: %s", blob_name)
        except (BlobChanged, ClaimLost):
            _log.info("Replaced while it was processed: %s", blob_name)
        except Exception:
            self._landings.give_up_after_last_attempt(blob_name)
            raise

    def _process(self, blob_name: str, video_id: UUID) -> None:
        blob = self._blobs.get(self._container, blob_name)
        verdict, claim = self._landings.claim(self._landing(blob, video_id))
        if claim is None:
            _log.info("Source %s: %s", blob_name, verdict.name.lower())
            return
        self._images.remove(video_id, video_id)
        reader = self._blobs.reader(self._container, blob)
        try:
            media, stills = _look_at(reader)
        except UnplayableClip as error:
            self._fail(claim, Failure(error.failure_code, error.detail))
            return
        except BlobArchived:
            self._fail(claim, ARCHIVED)
            return
        images = self._images.write(claim, stills)
        if self._landings.publish(claim, media, images, _keyframe_interval(reader)):
            self._remove_older(blob)
            _log.info("Source %s is ready: %d bytes", blob_name, blob.size)

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

    def _remove_older(self, blob: Blob) -> None:
        """Removes the file that this one replaces, where it has another extension."""
        video_id = blob_names.video_of_source(blob.name)
        prefix = blob.name.partition(".")[0]
        for page in self._blobs.pages(self._container, prefix):
            for other in page:
                is_same_video = blob_names.video_of_source(other.name) == video_id
                if is_same_video and other.last_modified < blob.last_modified:
                    self._blobs.delete(self._container, other.name)


def _look_at(reader: "BlobReader") -> "tuple[Media, Stills]":
    # Only this trigger pays for FFmpeg, not the start of every instance.
    from shared import media

    with ExitStack() as stack:
        with span("source.probe"):
            file = stack.enter_context(media.opened(reader))
        with span("source.images"):
            return file.media, file.stills()


def _keyframe_interval(reader: "BlobReader") -> float | None:
    """Seconds between keyframes, on average; None where no index tells."""
    from shared.media.cutting.mp4_film import read_film
    from shared.media.cutting.mp4_index import Unsuitable

    try:
        film = read_film(reader)
    except Unsuitable:
        return None
    keyframes = film.keyframes
    return film.duration / len(keyframes) if keyframes else None
