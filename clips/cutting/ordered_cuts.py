"""Clips that a caller orders in one call, and the result of each."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from clips.cutting.cutter import extension_for
from clips.cutting.films import IndexCut
from shared import blob_names
from shared.errors import CliplinkError
from shared.model.cut_method import Accuracy
from shared.model.cutting import CutDraft, CutOrder, CutSource


@dataclass(slots=True)
class OrderedCut:
    """A clip of a call, and its result.

    `planned` is its cut by the index of the source, None where that is not possible. `problem` is
    why there is no clip; `earlier` the clip of another call under the same client id. The cut
    `is_for_queue`, or the blob `is_written` by the call.
    """

    draft: CutDraft
    order: CutOrder
    planned: IndexCut | None = None
    problem: CliplinkError | None = None
    earlier: UUID | None = None
    is_for_queue: bool = False
    is_written: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the call is to cut it."""
        return self.problem is None and self.earlier is None and not self.is_for_queue

    @property
    def is_queued(self) -> bool:
        return self.problem is None and self.earlier is None and self.is_for_queue

    @property
    def answer(self) -> UUID | CliplinkError:
        """The id of the clip, or why there is none."""
        return self.problem or self.earlier or self.order.clip_id


def ordered_cut(
    video_id: UUID, source: CutSource, accuracy: Accuracy, draft: CutDraft
) -> OrderedCut:
    """A new clip, to be cut out of the source of this video or of a clip of it."""
    clip_id = uuid4()
    order = CutOrder(
        clip_id=clip_id,
        video_id=video_id,
        source=source,
        accuracy=accuracy,
        start=draft.start,
        end=draft.end,
        blob_name=blob_names.clip_blob(video_id, clip_id, extension_for(source.blob_name)),
        attempts=1,
    )
    return OrderedCut(draft, order)
