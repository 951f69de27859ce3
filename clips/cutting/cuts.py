"""Cutting as callers order it: many clips of one source in one call; each is a clip or an error.

A cut that takes only moments is made within the call. Any other cut is left to the queue: its clip
is `processing` until a worker has cut it.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from clips.cutting.cutter import Cutter
from clips.cutting.immediate_cuts import ImmediateCuts
from clips.cutting.ordered_cuts import OrderedCut, ordered_cut
from clips.ingest.ingest import Ingest
from clips.library import Library
from shared.blob_names.containers import Containers
from shared.catalogue.cutting.cut_order_queries import CutOrders, NewCut
from shared.catalogue.cutting.cut_queries import CUT_LEASE, Cuts
from shared.catalogue.cutting.cut_source_queries import CutSources
from shared.errors import (
    BlobArchived,
    CliplinkError,
    CutOutOfRange,
    NotFound,
    SourceNotReady,
    Unavailable,
    WrongState,
)
from shared.model.clip import ClipStatus, ShownClip
from shared.model.cut_method import Accuracy
from shared.model.cutting import CutDraft, CutSource
from shared.model.user import Viewer
from shared.refusals import no_such_clip, no_such_video
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.queue import Queue

_log = logging.getLogger(__name__)

# How long a call itself cuts, and until when it processes what it has cut: the rest is left to
# the queue and to the blob trigger.
_CUTTING_SECONDS = 25.0
_PROCESSING_SECONDS = 3.0


class Cutting:
    def __init__(
        self,
        orders: CutOrders,
        cuts: Cuts,
        sources: CutSources,
        library: Library,
        account: StorageAccount,
        containers: Containers,
        queue: Queue,
        cutter: Cutter | None,
        ingest: Ingest | None,
        most_calls: int = 1,
    ) -> None:
        """Without a cutter and an ingest, every cut is left to the queue.

        So are the cuts of further calls while `most_calls` calls are cutting.
        """
        self._orders = orders
        self._cuts = cuts
        self._sources = sources
        self._library = library
        self._account = account
        self._containers = containers
        self._queue = queue
        self._cutter = cutter
        self._ingest = ingest
        self._calls = threading.BoundedSemaphore(most_calls)

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
        began = time.monotonic()
        source = self._source(viewer, video_id, clip_id)
        answers = self._items(video_id, source, accuracy, drafts)
        items = list({id(each): each for each in answers if isinstance(each, OrderedCut)}.values())
        self._cut(source, [item for item in items if item.is_open], began)
        self._finish(items, began)
        given = [each.answer if isinstance(each, OrderedCut) else each for each in answers]
        shown = self._library.read_many(viewer, [each for each in given if isinstance(each, UUID)])
        return [
            each if isinstance(each, CliplinkError) else shown.get(each) or no_such_clip()
            for each in given
        ]

    def _source(self, viewer: Viewer, video_id: UUID, clip_id: UUID | None) -> CutSource:
        if clip_id is not None:
            source = self._sources.of_clip(viewer, video_id, clip_id)
            if source is None:
                raise no_such_clip()
        else:
            source = self._sources.of_video(viewer, video_id)
            if source is None:
                self._library.read_video(viewer, video_id)
                raise NotFound("The video has no source. Upload one first.")
        if source.archived:
            raise BlobArchived("The source is in the archive tier.")
        if source.status is not ClipStatus.READY:
            raise SourceNotReady(f"The status of the source is {source.status}. It must be ready.")
        return source

    def _items(
        self,
        video_id: UUID,
        source: CutSource,
        accuracy: Accuracy,
        drafts: Sequence[CutDraft | CliplinkError],
    ) -> list[UUID | OrderedCut | CliplinkError]:
        """What each draft is: a clip of an earlier call, an error, or an item of this call."""
        names = [d.client_id for d in drafts if isinstance(d, CutDraft) and d.client_id is not None]
        known = self._orders.known(video_id, names).items()
        named: dict[str, UUID | OrderedCut | CliplinkError] = {
            name: clip_id or _deleted_clip() for name, clip_id in known
        }
        answers: list[UUID | OrderedCut | CliplinkError] = []
        for draft in drafts:
            if isinstance(draft, CliplinkError):
                answers.append(draft)
            elif draft.client_id is not None and draft.client_id in named:
                answers.append(named[draft.client_id])
            else:
                item = ordered_cut(video_id, source, accuracy, draft)
                if source.duration is not None and draft.start >= source.duration:
                    item.problem = CutOutOfRange(f"The source ends at {source.duration:.3f} s.")
                elif draft.client_id is not None:
                    named[draft.client_id] = item
                answers.append(item)
        return answers

    def _cut(self, source: CutSource, items: Sequence[OrderedCut], began: float) -> None:
        """Adds the clips to the catalogue, and cuts those that take only moments."""
        if not items:
            return
        with self._cutting(source, began) as cutting:
            if cutting is not None:
                cutting.plan(items)
            else:
                for item in items:
                    item.is_for_queue = True
            self._add([item for item in items if item.problem is None])
            if cutting is not None:
                cutting.cut([item for item in items if item.is_open])

    @contextmanager
    def _cutting(self, source: CutSource, began: float) -> Iterator[ImmediateCuts | None]:
        """None where all cuts are left to the queue.

        Opens the source before any clip is added: one that has changed refuses the call.
        """
        opened = None
        if self._cutter is not None:
            try:
                opened = self._cutter.open(source)
            except Unavailable:
                _log.info(
                    "The source cannot be read now, so the queue will cut it: %s", source.blob_name
                )
        if self._cutter is None or opened is None or not self._calls.acquire(blocking=False):
            yield None
            return
        try:
            yield ImmediateCuts(self._cuts, self._cutter, opened, began + _CUTTING_SECONDS)
        finally:
            self._calls.release()

    def _add(self, items: Sequence[OrderedCut]) -> None:
        added = self._orders.add([self._row(item) for item in items], CUT_LEASE)
        missing = [item for item in items if item.order.clip_id not in added]
        if not missing:
            return
        names = [item.draft.client_id for item in missing if item.draft.client_id is not None]
        known = self._orders.known(missing[0].order.video_id, names)
        for item in missing:
            name = item.draft.client_id or ""
            item.earlier = known.get(name)
            if item.earlier is None:
                item.problem = _deleted_clip() if name in known else no_such_video()

    def _row(self, item: OrderedCut) -> NewCut:
        planned = item.planned
        return NewCut(
            order=item.order,
            title=item.draft.title,
            expires_at=item.draft.expires_at,
            client_id=item.draft.client_id,
            blob_url=self._account.url(self._containers.clips, item.order.blob_name),
            shown=None if planned is None else (planned.start, planned.end),
            leased=not item.is_for_queue,
        )

    def _finish(self, items: Sequence[OrderedCut], began: float) -> None:
        """Queues the cuts that are left, and processes the new clips while there is time.

        The clips are in the catalogue already: a failure here does not fail the call.
        """
        queued = [str(item.order.clip_id) for item in items if item.is_queued]
        try:
            if queued:
                self._queue.send(queued)
        except Unavailable as error:
            _log.warning("The cleanup will send the messages of %d cuts: %s", len(queued), error)
        for item in items:
            if self._ingest is None or time.monotonic() - began > _PROCESSING_SECONDS:
                return  # the blob trigger processes the others
            try:
                if item.is_written:
                    self._ingest.landed(item.order.blob_name)
            except CliplinkError as error:
                _log.warning(
                    "The blob trigger will process the clip: %s: %s", item.order.blob_name, error
                )


def _deleted_clip() -> WrongState:
    """The error for a clip in the recycle bin: it keeps its client id, and can be restored."""
    return WrongState(
        "The clip with this client_id is deleted. Restore it, or use another client_id."
    )
