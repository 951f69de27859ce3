"""Makes the cuts that a call left to the queue: one message for each clip.

A message may come twice, late or never. Only the worker that holds the lease cuts; the cleanup
sends a new message for every cut without a worker.
"""

import logging
from datetime import timedelta
from uuid import UUID

from clips.cutting.cutter import Cutter, StagedCut
from clips.upkeep.items import Tally, each
from clips.upkeep.leases import LeaseLost, renewing
from shared.catalogue.cutting.cut_queries import CUT_LEASE, Cuts, FinishedCut
from shared.errors import BlobChanged, BlobMissing, CliplinkError, Unavailable, UnplayableClip
from shared.model.cutting import CutOrder
from shared.model.failure import Failure
from shared.storage.sdk.queue import Queue
from shared.telemetry import span

_log = logging.getLogger(__name__)

_STALLED_AFTER = timedelta(minutes=1)
_MOST_STALLED = 200
_MAX_ATTEMPTS = 5
GAVE_UP_CUTTING = Failure(
    "cut_failed",
    f"The clip could not be cut in {_MAX_ATTEMPTS} attempts. "
    "That is a fault of the service or an outage, not of the source.",
)
SOURCE_CHANGED = Failure(
    "source_changed", "The source was replaced or deleted before the clip was cut."
)


class CutWorker:
    def __init__(self, cuts: Cuts, queue: Queue, cutter: Cutter) -> None:
        self._cuts = cuts
        self._queue = queue
        self._cutter = cutter

    def work(self, clip_id: UUID) -> None:
        """Cuts a clip that was left to the queue, unless it is done or another worker does it.

        Any exception means that the host delivers the message again.
        """
        order = self._cuts.take(clip_id, CUT_LEASE)
        if order is None:
            _log.info("The cut of clip %s is done, or another worker has leased it", clip_id)
            return
        if order.attempts > _MAX_ATTEMPTS:
            _log.error("The cut of clip %s failed after its last attempt", clip_id)
            self._cuts.fail(clip_id, GAVE_UP_CUTTING)
            return
        try:
            with span("cut"):
                source = self._cutter.open(order.source)
                check = renewing(lambda: self._cuts.renew(clip_id, CUT_LEASE), CUT_LEASE)
                cut = self._cutter.stage(order, source, check)
                self._finish(order, cut)
        except LeaseLost:
            _log.info("The clip was deleted or cut by another worker: %s", clip_id)
        except Unavailable:
            self._cuts.release([clip_id])
            raise
        except CliplinkError as error:
            _log.info("The cut of clip %s failed: %s", clip_id, error.code)
            self._cuts.fail(clip_id, _failure_of(error))

    def _finish(self, order: CutOrder, cut: StagedCut) -> None:
        """Commits the blob after its row says what it shows: the ingest relies on that order."""
        if not self._cuts.record(order, cut.film.start, cut.film.end, cut.method):
            raise LeaseLost
        self._cuts.finish([FinishedCut(order.clip_id, cut.method, cut.film.commit())])
        _log.info("The method %s cut the clip %s", cut.method, order.clip_id)

    def resume(self) -> Tally:
        """Sends a message for every cut that no worker holds, and counts them."""
        stalled = self._cuts.stalled(_STALLED_AFTER, _MOST_STALLED)
        return each(stalled, self._send, lambda clip_id: f"the cut of clip {clip_id}")

    def _send(self, clip_id: UUID) -> int:
        self._queue.send([str(clip_id)])
        return 1


def _failure_of(error: CliplinkError) -> Failure:
    """Why a clip failed, as its owner reads it."""
    if isinstance(error, UnplayableClip):
        return Failure(error.failure_code, error.detail)
    if isinstance(error, BlobChanged | BlobMissing):
        return SOURCE_CHANGED
    return Failure(error.code, error.detail)
