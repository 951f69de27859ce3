"""Downloads one version of a blob into a file: by parallel ranges, resumable, verified.

The file appears under its name when it is complete. Until then there is a hidden file beside it,
named after the version of the blob: a later run resumes it, and a concurrent one waits for it.
"""

import fcntl
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from glob import escape
from io import FileIO
from pathlib import Path

from shared.errors import StorageUnavailable
from shared.storage.files.stored import CountArrived, Digests, Stored

_AHEAD = 4
_REREAD = 1024 * 1024

# Reads so many bytes from an offset of one version of a blob.
type Read = Callable[[int, int], bytes]


def download(
    stored: Stored, read: Read, block: int, target: Path, senders: Executor, progress: CountArrived
) -> None:
    """Makes the file at `target` what the blob is.

    Raises what `read` raises; StorageUnavailable where what arrived is not what storage says it
    has; OSError where the disk is full. What arrived by then is kept for the next attempt.
    """
    version = re.sub(r"\W", "", stored.etag)
    path = target.with_name(f".{target.name}.{version}.part")
    while not _holds(target, stored):
        with _locked(path) as part:
            if part is None:
                continue  # the run that held it has finished: look again
            _remove_older_parts(path, target)
            _fetch_rest(part, stored, _Ranges(read, block, senders), progress)
            path.replace(target)
            _sync_folder(target.parent)
            return
    progress(stored.size)


class _Ranges:
    """Reads ranges in parallel, a few ahead of the one that is consumed."""

    def __init__(self, read: Read, block: int, senders: Executor) -> None:
        self._read = read
        self._block = block
        self._senders = senders

    def between(self, start: int, end: int) -> Iterator[bytes]:
        coming: deque[Future[bytes]] = deque()
        offsets = iter(range(start, end, self._block))
        try:
            while True:
                while len(coming) < _AHEAD and (offset := next(offsets, None)) is not None:
                    length = min(self._block, end - offset)
                    coming.append(self._senders.submit(self._read, offset, length))
                if not coming:
                    return
                yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()


def _fetch_rest(part: FileIO, stored: Stored, ranges: _Ranges, progress: CountArrived) -> None:
    digests = _digests_of(part)
    if digests.size > stored.size:
        part.truncate(0)
        digests = Digests()
    progress(digests.size)
    for data in ranges.between(digests.size, stored.size):
        _write(part, data)
        digests.update(memoryview(data))
        progress(len(data))
    os.fsync(part)
    if not _matches(digests, stored):
        part.truncate(0)  # a later run must not resume it
        raise StorageUnavailable("The bytes that arrived differ from those that storage describes.")


@contextmanager
def _locked(path: Path) -> Iterator[FileIO | None]:
    """The file, locked; None if it was renamed or removed while its lock was waited for."""
    with path.open("a+b", buffering=0) as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        try:
            unchanged = os.path.samestat(os.fstat(part.fileno()), path.stat())
        except FileNotFoundError:
            unchanged = False
        yield part if unchanged else None


def _digests_of(file: FileIO) -> Digests:
    """The digests of the bytes that a file has already."""
    digests = Digests()
    memory = memoryview(bytearray(_REREAD))
    file.seek(0)
    while length := file.readinto(memory):
        digests.update(memory[:length])
    return digests


def _write(file: FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _holds(target: Path, stored: Stored) -> bool:
    try:
        if target.stat().st_size != stored.size:
            return False
        with target.open("rb", buffering=0) as file:
            return _matches(_digests_of(file), stored)
    except FileNotFoundError:
        return False


def _matches(digests: Digests, stored: Stored) -> bool:
    """Compares the size alone if storage knows no MD5: TLS has checked each part."""
    return digests.size == stored.size and stored.md5 in {None, digests.md5}


def _remove_older_parts(path: Path, target: Path) -> None:
    """Removes partial downloads of earlier versions of the blob."""
    for other in target.parent.glob(f".{escape(target.name)}.*.part"):
        if other != path:
            other.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Syncs the folder: the new name too has to survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
