"""Requests of callers for playable copies: a row that says so, and a message to the worker."""

from uuid import UUID

from clips.library import Library
from shared.catalogue.cutting.rendition_queries import Renditions
from shared.model.clip import ready_blob
from shared.model.user import Viewer
from shared.storage.sdk.queue import Queue


class RenditionRequests:
    def __init__(self, renditions: Renditions, library: Library, queue: Queue) -> None:
        self._renditions = renditions
        self._library = library
        self._queue = queue

    def request(self, viewer: Viewer, clip_id: UUID) -> None:
        """Requests the copy of a clip, unless it plays as it is or the copy is requested already.

        Raises NotFound, WrongState if the clip is not ready, StorageUnavailable.
        """
        ready_blob(self._library.find(viewer, clip_id))
        if self._renditions.request(viewer, clip_id):
            self._queue.send([str(clip_id)])
