"""Clips in the archive tier: whether their bytes can be read, and how they are restored.

Storage itself knows what is archived and what is being rehydrated: no state of it is kept here.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from shared.blob_names.containers import Containers
from shared.clock import Clock
from shared.model.blob import Blob, RehydratePriority, Rehydration
from shared.storage.sdk.blobs import Blobs

# Standard takes up to 15 hours; high less than one for most blobs below 10 GB.
# https://learn.microsoft.com/azure/storage/blobs/archive-rehydrate-overview
_RETRY_AFTER = {RehydratePriority.STANDARD: 3600, RehydratePriority.HIGH: 600}
# Repeated requests for one clip do not ask storage each time.
_ONLINE_FOR = timedelta(seconds=2)
_MAX_REMEMBERED = 10_000


class Archive:
    def __init__(
        self,
        clock: Clock,
        blobs: Blobs,
        containers: Containers,
        is_readable: Callable[[str, str], bool],
    ) -> None:
        """`is_readable` is `TierCheck.is_readable`, which is False when in doubt."""
        self._clock = clock
        self._blobs = blobs
        self._is_readable = is_readable
        self._container = containers.clips
        self._online: dict[str, datetime] = {}
        self._starting = threading.Lock()

    def state(
        self, blob_name: str, priority: RehydratePriority, *, start: bool = True
    ) -> Rehydration | None:
        """None if the blob can be read; else starts to restore it, and says how long it takes.

        Without `start` nothing changes.

        The priority of a running rehydration can be raised, never lowered. Raises
        BlobMissing, StorageUnavailable.
        """
        seen = self._online.get(blob_name)
        if seen is not None and self._clock() - seen < _ONLINE_FOR:
            return None
        if self._is_readable(self._container, blob_name):
            self._remember(blob_name)
            return None
        blob = self._look(blob_name)
        if start and blob.archived and not _under_way(blob, priority):
            with self._starting:
                # Another thread may have asked first.
                blob = self._look(blob_name)
                if blob.archived and not _under_way(blob, priority):
                    return self._start(blob, priority)
        if blob.archived:
            return _rehydration(blob.rehydrating or priority)
        return None

    def _look(self, blob_name: str) -> Blob:
        blob = self._blobs.get(self._container, blob_name)
        if not blob.archived:
            self._remember(blob_name)
        return blob

    def _remember(self, blob_name: str) -> None:
        if len(self._online) >= _MAX_REMEMBERED:
            self._online.clear()
        self._online[blob_name] = self._clock()

    def _start(self, blob: Blob, priority: RehydratePriority) -> Rehydration:
        if self._blobs.rehydrate(self._container, blob.name, priority):
            return _rehydration(priority)
        # Another instance has started it, or the running rehydration cannot be accelerated.
        return _rehydration(blob.rehydrating or priority)


def _under_way(blob: Blob, priority: RehydratePriority) -> bool:
    return blob.rehydrating in {priority, RehydratePriority.HIGH}


def _rehydration(priority: RehydratePriority) -> Rehydration:
    return Rehydration(priority, _RETRY_AFTER[priority])
