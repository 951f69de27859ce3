"""Playable copies of clips: callers or the policy request them, a worker makes them.

Each copy has a message in a queue, which may come twice, late or never. Only the worker that holds
the lease makes the copy; the cleanup sends a new message for every copy without a worker.
"""

import logging
import threading
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from clips.library import Library
from clips.renditions.maker import NoCopyPlays, RenditionMaker
from clips.renditions.requests import RenditionRequests
from clips.upkeep.items import Tally, each
from clips.upkeep.leases import LeaseLost, renewing
from shared.catalogue.cutting.rendition_queries import RENDITION_LEASE, RenditionOrder, Renditions
from shared.errors import BlobChanged, BlobMissing, CliplinkError, Unavailable, UnplayableClip
from shared.model.blob import Blob
from shared.model.clip import ShownClip
from shared.model.playability import Playback, PlaybackVerdict
from shared.model.user import Viewer
from shared.storage.sdk.queue import Queue
from shared.telemetry import span

_log = logging.getLogger(__name__)

_STALLED_AFTER = timedelta(minutes=2)
_MOST_STALLED = 200
_MAX_ATTEMPTS = 5
# Seconds of one core: well inside the time that the host gives a function.
_MOST_COSTLY = 1200.0


class RenditionPolicy(StrEnum):
    """Which copies are made at ingest: none, those that cost next to nothing, all."""

    NEVER = "never"
    REMUX = "remux"
    ALL = "all"


class RenditionJobs:
    def __init__(
        self,
        renditions: Renditions,
        requests: RenditionRequests,
        library: Library,
        queue: Queue,
        maker: RenditionMaker,
        policy: RenditionPolicy,
    ) -> None:
        self._renditions = renditions
        self._requests = requests
        self._library = library
        self._queue = queue
        self._maker = maker
        self._policy = policy
        # One at a time in an instance: each takes a whole core and much of the memory.
        self._working = threading.Lock()

    def request(self, viewer: Viewer, clip_id: UUID) -> ShownClip:
        """Requests the copy of a clip, unless it plays as it is or the copy is requested already.

        Raises NotFound, WrongState if the clip is not ready, StorageUnavailable.
        """
        self._requests.request(viewer, clip_id)
        return self._library.read(viewer, clip_id)

    def after_ingest(self, clip_id: UUID, etag: str, playback: Playback) -> None:
        """Requests the copy of a clip that was just processed, if the policy says so."""
        wanted = {
            RenditionPolicy.NEVER: False,
            RenditionPolicy.REMUX: playback.verdict is PlaybackVerdict.REMUX,
            RenditionPolicy.ALL: playback.verdict
            not in {PlaybackVerdict.DIRECT, PlaybackVerdict.IMPOSSIBLE},
        }
        if wanted[self._policy] and self._renditions.request_by_policy(clip_id, etag):
            self._queue.send([str(clip_id)])

    def work(self, clip_id: UUID) -> None:
        """Makes a copy, unless it is done or another worker makes it.

        Any exception means that the host delivers the message again.
        """
        with self._working:
            order = self._renditions.take(clip_id)
            if order is None:
                _log.info("The copy of clip %s is done, or another worker has leased it", clip_id)
                return
            self._make(order)

    def resume(self) -> Tally:
        """Sends a message for every copy that no worker holds, and counts them."""
        stalled = self._renditions.stalled(_STALLED_AFTER, _MOST_STALLED)
        return each(stalled, self._send, lambda clip_id: f"the copy of clip {clip_id}")

    def _send(self, clip_id: UUID) -> int:
        self._queue.send([str(clip_id)])
        return 1

    def _make(self, order: RenditionOrder) -> None:
        if order.attempts > _MAX_ATTEMPTS:
            _log.error("The copy of clip %s failed after its last attempt", order.clip_id)
            self._renditions.fail(order, "rendition_failed")
            return
        is_costly = order.cost > _MOST_COSTLY
        if order.verdict is PlaybackVerdict.TRANSCODE and is_costly:
            self._renditions.fail(order, "too_costly", refused=True)
            return
        try:
            with span("rendition"):
                check = renewing(lambda: self._renditions.renew(order), RENDITION_LEASE)
                copy = self._maker.make(order, check, may_encode=not is_costly)
        except Unavailable:
            self._renditions.release(order)
            raise
        except (LeaseLost, BlobChanged, BlobMissing):
            _log.info("The clip was replaced or deleted: %s", order.clip_id)
        except NoCopyPlays:
            # The copying methods have failed; encoding is not tried if it costs too much.
            code = "too_costly" if is_costly else "not_playable"
            self._renditions.fail(order, code, refused=is_costly)
        except UnplayableClip as error:
            self._renditions.fail(order, error.failure_code)
        except CliplinkError as error:
            self._renditions.fail(order, error.code)
        else:
            if not self._renditions.finish(order, copy.name):
                self._withdraw(order, copy)

    def _withdraw(self, order: RenditionOrder, copy: Blob) -> None:
        """Takes back a copy whose clip was deleted or overwritten in the last moment.

        All copies of a clip have one name: this one may have replaced that of a newer version.
        """
        _log.info("The clip was replaced or deleted: %s", order.clip_id)
        if self._renditions.request_again(order):
            self._queue.send([str(order.clip_id)])
        self._maker.withdraw(copy)
