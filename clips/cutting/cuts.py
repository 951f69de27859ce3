"""Cutting as callers order it: many clips of one source in one call; each is a clip or an error.

A cut that takes only moments is made within the call. Any other cut is left to the queue: its clip
is `processing` until a worker has cut it.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from clips.cutting.cutter import Cutter, TooLargeForNow, extension_for
from clips.cutting.films import OpenFilm
from clips.ingest.ingest import Ingest
from clips.library import Library
from shared import blob_names
from shared.blob_names import Containers
from shared.catalogue.cut_queries import CUT_LEASE, Cuts, NewCut
from shared.errors import (
    BlobArchived,
    CliplinkError,
    CutOutOfRange,
    NotFound,
    SourceNotReady,
    Unavailable,
    no_such_clip,
    no_such_video,
)
from shared.model import Accuracy, ClipStatus, CutDraft, CutOrder, CutSource, ShownClip, Viewer
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.queue import Queue

_log = logging.getLogger(__name__)

# Seconds that a call may spend on cutting, and on processing the new clips. The queue and the
# blob trigger do the rest.
_CUTTING_SECONDS = 25.0
_PROCESSING_SECONDS = 3.0


@dataclass(slots=True, kw_only=True)
class _Call:
    """The state of one call: its source, which is opened once, and the work left for its end."""

    video_id: UUID
    source: CutSource
    accuracy: Accuracy
    known: dict[str, UUID]
    began: float
    opened: OpenFilm | None = None
    is_storage_down: bool = False
    queued: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)


class Cutting:
    def __init__(
        self,
        cuts: Cuts,
        library: Library,
        account: StorageAccount,
        containers: Containers,
        queue: Queue,
        cutter: Cutter | None,
        ingest: Ingest | None,
    ) -> None:
        """Without a cutter and an ingest, every cut is left to the queue."""
        self._cuts = cuts
        self._library = library
        self._account = account
        self._containers = containers
        self._queue = queue
        self._cutter = cutter
        self._ingest = ingest

    def cut(
        self,
        viewer: Viewer,
        video_id: UUID,
        clip_id: UUID | None,
        accuracy: Accuracy,
        drafts: Sequence[CutDraft | CliplinkError],
    ) -> Sequence[ShownClip | CliplinkError]:
        """A clip or an error for each draft, in order; an error among the drafts stays as it is.

        The source is the video's, or the clip `clip_id` of the video. Raises NotFound,
        SourceNotReady, BlobArchived, DatabaseUnavailable; BlobChanged or BlobMissing if the
        source was overwritten or deleted and the catalogue does not know it yet.
        """
        source = self._source(viewer, video_id, clip_id)
        names = [d.client_id for d in drafts if isinstance(d, CutDraft) and d.client_id]
        call = _Call(
            video_id=video_id,
            source=source,
            accuracy=accuracy,
            known=dict(self._cuts.known(video_id, names)),
            began=time.monotonic(),
        )
        answers = [self._answer(call, draft) for draft in drafts]
        self._finish(call)
        return [
            answer if isinstance(answer, CliplinkError) else self._library.read(viewer, answer)
            for answer in answers
        ]

    def _source(self, viewer: Viewer, video_id: UUID, clip_id: UUID | None) -> CutSource:
        if clip_id is not None:
            source = self._cuts.source_of_clip(viewer, video_id, clip_id)
            if source is None:
                raise no_such_clip()
        else:
            source = self._cuts.source_of_video(viewer, video_id)
            if source is None:
                self._library.read_video(viewer, video_id)
                raise NotFound("The video has no source. Upload one first.")
        if source.archived:
            raise BlobArchived("The source is in the archive tier.")
        if source.status is not ClipStatus.READY:
            raise SourceNotReady(f"The source is {source.status}.")
        return source

    def _answer(self, call: _Call, draft: CutDraft | CliplinkError) -> UUID | CliplinkError:
        """The id of the clip that a draft becomes, or became in an earlier call."""
        if isinstance(draft, CliplinkError):
            return draft
        if draft.client_id is not None and draft.client_id in call.known:
            return call.known[draft.client_id]
        answer = self._cut(call, draft)
        if draft.client_id is not None and isinstance(answer, UUID):
            call.known[draft.client_id] = answer
        return answer

    def _cut(self, call: _Call, draft: CutDraft) -> UUID | CliplinkError:
        duration = call.source.duration
        if duration is not None and draft.start >= duration:
            return CutOutOfRange(f"The source ends at {duration:.3f} s.")
        self._open_source(call)
        order = _order(call, draft)
        new = NewCut(
            order=order,
            title=draft.title,
            expires_at=draft.expires_at,
            client_id=draft.client_id,
            blob_url=self._account.url(self._containers.clips, order.blob_name),
        )
        if not self._cuts.add(new, CUT_LEASE):
            name = draft.client_id or ""
            return self._cuts.known(call.video_id, [name]).get(name) or no_such_video()
        try:
            return self._cut_now(call, order)
        except (TooLargeForNow, Unavailable):
            self._cuts.release(order.clip_id)
            call.queued.append(str(order.clip_id))
            return order.clip_id
        except CliplinkError as error:
            self._cuts.discard(order.clip_id)
            return error

    def _open_source(self, call: _Call) -> None:
        """Opens the source once, before any clip is added: a changed one fails the whole call."""
        if self._cutter is not None and call.opened is None and not call.is_storage_down:
            try:
                call.opened = self._cutter.open(call.source)
            except Unavailable:
                call.is_storage_down = True

    def _cut_now(self, call: _Call, order: CutOrder) -> UUID:
        """Raises TooLargeForNow if the cut has to be left to the queue."""
        is_late = time.monotonic() - call.began > _CUTTING_SECONDS
        if (
            self._cutter is None
            or call.opened is None
            or is_late
            or order.accuracy is Accuracy.FRAME
        ):
            raise TooLargeForNow
        cut = self._cutter.stage(order, call.opened)
        if not self._cuts.record(order, cut.film.start, cut.film.end, cut.method):
            raise no_such_video()  # it was deleted at this moment
        self._cuts.finish(order.clip_id, cut.method, cut.film.commit())
        call.written.append(order.blob_name)
        return order.clip_id

    def _finish(self, call: _Call) -> None:
        """Queues the cuts that are left, and processes the new clips while there is time.

        The clips are in the catalogue already: a failure here does not fail the call.
        """
        try:
            if call.queued:
                self._queue.send(call.queued)
        except Unavailable as error:
            _log.warning(
                "The messages of %d cuts are left to the cleanup: %s", len(call.queued), error
            )
        began = time.monotonic()
        for name in call.written:
            if self._ingest is None or time.monotonic() - began > _PROCESSING_SECONDS:
                return  # the blob trigger processes the others
            try:
                self._ingest.landed(name)
            except CliplinkError as error:
                _log.warning("Left to the blob trigger: %s: %s", name, error)


def _order(call: _Call, draft: CutDraft) -> CutOrder:
    clip_id = uuid4()
    extension = extension_for(call.source.blob_name)
    return CutOrder(
        clip_id=clip_id,
        video_id=call.video_id,
        source=call.source,
        accuracy=call.accuracy,
        start=draft.start,
        end=draft.end,
        blob_name=blob_names.clip_blob(call.video_id, clip_id, extension),
        attempts=1,
    )
