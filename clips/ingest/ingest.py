"""Ingest of a blob that has landed: claim it, probe it, make its images, publish the clip.

May be called twice, late or out of order, and be killed at any point: every step can be repeated,
and only the version of the blob that was claimed is ever published.

    count the attempt -> properties -> claim (blob, ETag) -> delete old images
        -> read ranges: metadata and stills -> write images -> publish
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from clips.ingest import unfinished
from clips.ingest.allocator import returning_memory
from clips.ingest.decoders import decoder_slot
from clips.ingest.image_writer import ClaimLost, ImageWriter
from clips.ingest.landing import landing_of
from clips.ingest.run_record import IngestRun, record_giving_up
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.blob_names.foreign import check_storable, is_companion, is_folder_stub
from shared.catalogue.ingest.admission import Verdict
from shared.catalogue.ingest.claims import Claim, Standing
from shared.catalogue.ingest.landing_queries import Landings
from shared.clock import Clock
from shared.errors import (
    BlobArchived,
    BlobChanged,
    BlobMissing,
    DatabaseUnavailable,
    UnplayableClip,
)
from shared.model.blob import Blob
from shared.model.clip import UPLOAD_LIFE
from shared.model.cutting import CutResult
from shared.model.failure import ARCHIVED, GAVE_UP, Failure
from shared.model.media import Media
from shared.model.playability import Playback, playback_of_failed
from shared.outages import NO_WAIT, OutageWait
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs
from shared.telemetry import span

if TYPE_CHECKING:
    from shared.media import ByteSource, Stills

_log = logging.getLogger(__name__)


class JudgeCut(Protocol):
    def __call__(self, clip_id: UUID, etag: str, *, is_playable: bool) -> Failure | CutResult:
        """Decides about a version of a clip that has no picture, or cannot be played."""


class Ingest:
    def __init__(
        self,
        clock: Clock,
        account: StorageAccount,
        blobs: Blobs,
        containers: Containers,
        landings: Landings,
        images: ImageWriter,
        restore_row: Callable[[Blob, UUID], object],
        judge_cut: JudgeCut,
        after_publishing: Callable[[UUID, str, Playback], object],
    ) -> None:
        """`restore_row` makes the missing row of a blob again, if the blob has a sidecar."""
        self._clock = clock
        self._account = account
        self._blobs = blobs
        self._containers = containers
        self._landings = landings
        self._images = images
        self._restore_row = restore_row
        self._judge_cut = judge_cut
        self._after_publishing = after_publishing

    def landed(self, blob_name: str, wait: OutageWait = NO_WAIT) -> None:
        """Updates the catalogue to the stored version of the blob.

        `wait` is the policy for outages; waiting is part of the same attempt. A file that cannot be
        played is a result, not an error. Any exception means that the same call may succeed
        later, so that the host should deliver the message again.
        """
        video_id = blob_names.video_id_of(blob_name)
        if video_id is None:
            _log.warning("The blob is ignored, because it is not below a video: %s", blob_name)
        elif is_companion(blob_name):
            _log.info(
                "The blob is ignored, because it has the name of a companion file: %s", blob_name
            )
        elif problem := check_storable(blob_name):
            _log.warning("The blob is ignored, because %s: %s", problem, blob_name)
        else:
            with returning_memory(), span("ingest"):
                self._attempt(blob_name, video_id, wait)

    def _attempt(self, blob_name: str, video_id: UUID, wait: OutageWait) -> None:
        wait.through(lambda: self._landings.count_attempt(blob_name))
        try:
            wait.through(lambda: self._claim_and_process(blob_name, video_id))
        except BlobMissing:
            _log.info("The blob was deleted before it was processed: %s", blob_name)
        except BlobChanged:
            _log.info("A newer version replaced the blob while it was processed: %s", blob_name)
        except Exception:
            self._give_up_after_last_attempt(blob_name)
            raise

    def _claim_and_process(self, blob_name: str, video_id: UUID) -> None:
        with span("ingest.claim"):
            blob = self._blobs.get(self._containers.clips, blob_name)
            if is_folder_stub(blob):
                _log.info("The blob is ignored, because it is a folder marker: %s", blob_name)
                return
            if self._may_be_filled(blob):
                _log.info("The blob has no bytes yet: %s", blob_name)
                return
            url = self._account.url(self._containers.clips, blob_name)
            landing = landing_of(blob, url, video_id)
            verdict, claim = self._landings.claim(landing, adopts=False)
            if verdict is Verdict.NO_ROW:
                self._restore_row(blob, video_id)
                verdict, claim = self._landings.claim(landing)
        if claim is not None:
            self._process(blob, claim)
        elif verdict is Verdict.REMOVE:
            self._blobs.delete(self._containers.clips, blob_name)
            _log.info("The blob was removed, because its clip is deleted: %s", blob_name)
        elif verdict is Verdict.IN_BIN:
            _log.info(
                "The bytes are moved to the recycle bin, because their clip is there: %s", blob_name
            )
        elif verdict is Verdict.ATTEMPTS_EXHAUSTED:
            _log.error("The clip failed, because every attempt was interrupted: %s", blob_name)
            record_giving_up(GAVE_UP)
        elif verdict is Verdict.UNKNOWN_VIDEO:
            _log.warning("The blob is ignored, because its video does not exist: %s", blob_name)

    def _process(self, blob: Blob, claim: Claim) -> None:
        reader = self._blobs.reader(self._containers.clips, blob)
        run = IngestRun(claim, blob, reader, self._clock())
        if not claim.is_first:
            self._images.remove(claim.video_id, claim.clip_id)
        try:
            with decoder_slot:
                media, playback, stills = _analyse(reader)
        except UnplayableClip as error:
            if not self._withhold_cut(run, is_playable=False):
                self._fail_or_wait(run, blob, error)
            return
        except BlobArchived:
            self._fail(run, ARCHIVED)
            return
        if media.video is None and self._withhold_cut(run, is_playable=True):
            return
        try:
            with span("ingest.write"):
                images = self._images.write(claim, stills)
        except ClaimLost:
            self._supersede(run)
            return
        poster = images.poster_name
        thumbnail_url = poster and self._account.url(self._containers.thumbnails, poster)
        with span("ingest.publish"):
            published = self._landings.publish(claim, media, playback, images, thumbnail_url)
        if published:
            self._after_publishing(claim.clip_id, claim.etag, playback)
            run.record_ready(media.duration)
        else:
            self._supersede(run)

    def _withhold_cut(self, run: IngestRun, *, is_playable: bool) -> bool:
        """Withholds a cut clip that lacks the picture of its source; False for any other clip."""
        claim = run.claim
        result = self._judge_cut(claim.clip_id, claim.etag, is_playable=is_playable)
        if isinstance(result, Failure):
            self._fail(run, result)
        elif result is CutResult.CUT_AGAIN:
            _log.info("Another method will cut the clip %s", claim.clip_id)
        return result is not CutResult.PUBLISH

    def _fail_or_wait(self, run: IngestRun, blob: Blob, error: UnplayableClip) -> None:
        if unfinished.may_be_continued(blob, self._clock()):
            self._landings.keep_waiting(run.claim)
            run.record_incomplete(error.failure_code)
        else:
            failure = Failure(error.failure_code, error.detail)
            self._fail(run, failure, playback_of_failed(failure.code))

    def _fail(self, run: IngestRun, failure: Failure, playback: Playback | None = None) -> None:
        if self._landings.fail(run.claim, failure, playback):
            run.record_failure(failure)
        else:
            self._supersede(run)

    def _supersede(self, run: IngestRun) -> None:
        standing = self._landings.standing(run.claim)
        if standing is Standing.DELETED:
            self._images.remove_if_deleted(run.claim)
        run.record_superseded(standing)

    def _may_be_filled(self, blob: Blob) -> bool:
        announced = self._landings.announced_at(blob.name) if blob.size == 0 else None
        link_ends_at = announced and announced + UPLOAD_LIFE
        return unfinished.may_be_filled(blob, self._clock(), link_ends_at)

    def _give_up_after_last_attempt(self, blob_name: str) -> None:
        try:
            if self._landings.give_up_after_last_attempt(blob_name):
                _log.error("The clip failed after the last attempt: %s", blob_name)
                record_giving_up(GAVE_UP)
        except DatabaseUnavailable:
            _log.warning("The failed attempt at %s could not be recorded", blob_name)


def _analyse(source: "ByteSource") -> "tuple[Media, Playback, Stills]":
    # Imported late: only the trigger loads FFmpeg, not every instance that starts for the API.
    from shared import media

    with ExitStack() as stack:
        with span("ingest.probe"):
            file = stack.enter_context(media.opened(source))
        with span("ingest.images"):
            return file.media, file.playback, file.stills()
