"""A local file as a source: opened without following links, and held to what it was.

A file that changes while it is read must not become a clip: it is looked at before and after,
by its descriptor and by its path. What may have changed is told by size, time and inode.
"""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from clips.transfer.faults import Code, reason, unmovable
from shared.errors import UnmovableFile
from shared.storage import Digests

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a pipe that took the file's place must not hold us up.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

type Identity = tuple[int, int, int, int]


class FileSource:
    """An open file; the bytes of it are read in order and once."""

    def __init__(self, folder: int, name: bytes, descriptor: int) -> None:
        self._folder = folder
        self._name = name
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise unmovable(Code.NO_PLAIN_FILE)
        self._before = _identity(status)
        self.size = status.st_size
        if not self.size:
            raise unmovable(Code.EMPTY)
        self._left = self.size + 1
        if sys.platform == "linux":
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)

    def read_into(self, view: memoryview) -> int:
        # One byte more than there should be tells that it grew; the rest is not waited for.
        try:
            length = os.readv(self._descriptor, [view[: self._left]])
        except OSError as error:
            raise _fault(error) from error
        self._left -= length
        return length

    def settle(self, digests: Digests) -> None:
        """Raises UnmovableFile unless the file is still what was read."""
        try:
            named = os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
        except OSError as error:
            raise _fault(error) from error
        unchanged = self._before == _identity(os.fstat(self._descriptor)) == _identity(named)
        if not unchanged or digests.size != self.size:
            raise unmovable(Code.CHANGED)


@contextmanager
def opened(root: bytes, path: bytes) -> Iterator[FileSource]:
    """The file at a path below `root`, none of whose parts may be a link; raises UnmovableFile."""
    descriptors: list[int] = []
    try:
        try:
            descriptors.append(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            *folders, name = path.split(b"/")
            for folder in folders:
                descriptors.append(os.open(folder, _FOLDER, dir_fd=descriptors[-1]))
                os.close(descriptors.pop(-2))
            descriptors.append(os.open(name, _FILE, dir_fd=descriptors[-1]))
        except OSError as error:
            raise _fault(error) from error
        yield FileSource(descriptors[0], name, descriptors[1])
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _identity(status: os.stat_result) -> Identity:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _fault(error: OSError) -> UnmovableFile:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return unmovable(Code.VANISHED)
    return unmovable(Code.UNREADABLE, reason(error))
