"""What lies in a folder and below: every entry, those included that cannot be moved.

Symbolic links are told and not followed, so there are neither loops nor ways out of the folder.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from clips.transfer.faults import Code, reason


@dataclass(frozen=True, slots=True)
class Found:
    """An entry by its path relative to the folder; with a `problem` it cannot be a clip."""

    path: bytes
    size: int = 0
    problem: Code | None = None
    detail: str | None = None


def scan(root: bytes) -> Iterator[Found]:
    """Everything below `root` but folders; a folder that cannot be read is told as such."""
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as entries:
                for entry in entries:
                    path = os.path.join(folder, entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                    else:
                        yield _found(path, entry)
        except OSError as error:
            yield Found(folder or b".", 0, Code.UNREADABLE, reason(error))


def _found(path: bytes, entry: "os.DirEntry[bytes]") -> Found:
    if entry.is_symlink():
        return Found(path, 0, Code.SYMLINK)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return Found(path, 0, Code.VANISHED, reason(error))
    if not stat.S_ISREG(status.st_mode):
        return Found(path, 0, Code.NO_PLAIN_FILE)
    return Found(path, status.st_size)
