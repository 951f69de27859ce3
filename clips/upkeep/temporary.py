"""Deletes temporary data: blobs with an `expires_at`, and old files in TEMP_DIR."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from clips.upkeep.items import Tally, each
from shared.blob_names.containers import Containers
from shared.clock import Clock
from shared.storage.sdk.blobs import Blobs

_FILE_LIFE = timedelta(hours=24)
_WORKING_TIME = timedelta(minutes=1)


class Temporary:
    def __init__(self, clock: Clock, blobs: Blobs, containers: Containers, folder: Path) -> None:
        self._clock = clock
        self._blobs = blobs
        self._container = containers.temp
        self._folder = folder

    def delete_blobs(self) -> Tally:
        """Deletes the blobs whose `expires_at` has passed."""
        now = self._clock()
        expired = (
            blob.name
            for page in self._blobs.pages(self._container, metadata=True)
            for blob in page
            if _is_past(blob.metadata.get("expires_at"), now)
        )
        delete = partial(self._blobs.delete, self._container)
        deadline = now + _WORKING_TIME
        return each(expired, delete, str, may_go_on=lambda: self._clock() <= deadline)

    def delete_files(self) -> Tally:
        """Deletes files that have not changed for a day."""
        oldest = time.time() - _FILE_LIFE.total_seconds()

        def delete(path: Path) -> bool:
            try:
                if path.lstat().st_mtime >= oldest:
                    return False
                path.unlink()
            except FileNotFoundError:  # deleted by its owner, or by another instance
                return False
            return True

        return each(_files_below(self._folder), delete, lambda path: f"file {path.name}")


def _is_past(text: str | None, now: datetime) -> bool:
    """Whether an `expires_at` (ISO 8601, in UTC if it has no offset) lies before `now`."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= now


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file in a folder, without following links out of it.

    Nothing where the folder itself is a link: in /tmp any user may have put one in its place.
    """
    if folder.is_symlink():
        return
    for parent, _, names in folder.walk(follow_symlinks=False):
        yield from (parent / name for name in names)
