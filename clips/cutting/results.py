"""Checks the file of a clip that was cut, and orders another method if it lacks its picture.

The ingest calls this before it publishes a clip that has no picture or cannot be played.
"""

import logging
from uuid import UUID

from shared.catalogue.cutting.cut_queries import Cuts
from shared.errors import Busy, Unavailable
from shared.model.cut_method import CutMethod
from shared.model.cutting import CutResult
from shared.model.failure import Failure
from shared.storage.sdk.queue import Queue

_log = logging.getLogger(__name__)

_METHODS = list(CutMethod)
WITHOUT_PICTURE = Failure(
    "cut_failed",
    "No method produced a clip with a picture, although other parts of the source have one. "
    "Choose another range, or upload the source again as MP4 with H.264 and AAC.",
)


class CutResults:
    def __init__(self, cuts: Cuts, queue: Queue) -> None:
        self._cuts = cuts
        self._queue = queue

    def judge(self, clip_id: UUID, etag: str, *, is_playable: bool) -> Failure | CutResult:
        """Decides about a version of a clip that has no picture, or cannot be played.

        `PUBLISH`: it was not cut, or that part of the source has no picture either. `CUT_AGAIN`:
        the queue cuts it by the next method. A Failure: there is no other method. Raises Busy while
        the worker that wrote the version has not recorded that; DatabaseUnavailable.
        """
        cut = self._cuts.written(clip_id)
        if cut is None or (cut.has_picture is not True and is_playable):
            return CutResult.PUBLISH
        if cut.method is None:
            return CutResult.CUT_AGAIN
        if cut.etag is None:
            raise Busy("The cut of this clip is not finished.")
        if cut.etag != etag:
            return CutResult.PUBLISH
        if cut.method is _METHODS[-1]:
            return WITHOUT_PICTURE if cut.has_picture else CutResult.PUBLISH
        following = _METHODS[_METHODS.index(cut.method) + 1]
        self._cuts.cut_again(clip_id, cut.method, following)
        _log.warning(
            "The method %s cuts again, because %s gave no picture: clip %s",
            following,
            cut.method,
            clip_id,
        )
        try:
            self._queue.send([str(clip_id)])
        except Unavailable:
            _log.warning("The cleanup will send the message for clip %s", clip_id)
        return CutResult.CUT_AGAIN
