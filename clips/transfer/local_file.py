"""A local file as the source of an upload, opened without following links.

A file that changes while it is read must not become a clip: size, time and inode are compared
before and after, by the descriptor and by the path.
"""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from clips.transfer.faults import FileFault, system_message, unusable
from shared.errors import UnusableFile
from shared.storage.files.stored import Digests

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: opening a pipe that has replaced the file must not wait for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

type FileIdentity = tuple[int, int, int, int]


class LocalFile:
    """An open file, read once from start to end; a Source of shared.storage."""

    def __init__(self, folder: int, name: bytes, descriptor: int) -> None:
        self._folder = folder
        self._name = name
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise unusable(FileFault.NOT_REGULAR)
        self._before = _identity(status)
        self.size = status.st_size
        if not self.size:
            raise unusable(FileFault.EMPTY)
        self._unread = self.size + 1
        if sys.platform == "linux":
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)

    def read_into(self, view: memoryview) -> int:
        # One byte beyond the size shows that the file grew; more of it is not read.
        try:
            length = os.readv(self._descriptor, [view[: self._unread]])
        except OSError as error:
            raise _fault(error) from error
        self._unread -= length
        return length

    def verify(self, digests: Digests) -> None:
        """Raises UnusableFile unless the file is unchanged since it was opened."""
        try:
            at_path = os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
        except OSError as error:
            raise _fault(error) from error
        unchanged = self._before == _identity(os.fstat(self._descriptor)) == _identity(at_path)
        if not unchanged or digests.size != self.size:
            raise unusable(FileFault.CHANGED)


@contextmanager
def open_file(root: bytes, path: bytes) -> Iterator[LocalFile]:
    """Opens the file at a path below `root`, no part of which may be a symbolic link.

    Raises UnusableFile.
    """
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
        yield LocalFile(descriptors[0], name, descriptors[1])
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _identity(status: os.stat_result) -> FileIdentity:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _fault(error: OSError) -> UnusableFile:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return unusable(FileFault.VANISHED)
    return unusable(FileFault.UNREADABLE, system_message(error))
