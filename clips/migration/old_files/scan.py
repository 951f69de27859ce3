"""Folders of files: finds the folder, and lists every entry in it and in its subfolders.

Symbolic links are listed and not followed, so there are neither loops nor ways out of a folder.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clips.migration.reasons import AnyReason, Reason
from clips.transfer.faults import FileFault, system_message


class OutsideRoot(ValueError):
    """Not an existing folder below the root."""


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """An entry by its path relative to the folder; with a `problem` it cannot become a clip."""

    path: bytes
    size: int = 0
    problem: AnyReason | None = None
    detail: str | None = None


def scan(root: bytes) -> Iterator[ScannedFile]:
    """Everything below `root` but folders; a folder that cannot be read is an entry itself."""
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
                        yield _scanned(path, entry)
        except OSError as error:
            yield ScannedFile(folder or b".", 0, FileFault.UNREADABLE, system_message(error))


def _scanned(path: bytes, entry: "os.DirEntry[bytes]") -> ScannedFile:
    if entry.is_symlink():
        return ScannedFile(path, 0, Reason.SYMLINK)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return ScannedFile(path, 0, FileFault.VANISHED, system_message(error))
    if not stat.S_ISREG(status.st_mode):
        return ScannedFile(path, 0, FileFault.NOT_REGULAR)
    return ScannedFile(path, status.st_size)


def real_path(folder: Path) -> bytes:
    """The path with all symbolic links resolved."""
    return os.path.realpath(os.fsencode(folder))


def folder_below(root: Path, name: str) -> bytes:
    """The real path of a folder, relative to the real root; empty for the root itself.

    `name` is relative to the root, or absolute; `..` and links count by where they lead.
    Raises OutsideRoot.
    """
    real_root = real_path(root)
    try:
        folder = os.path.realpath(os.path.join(real_root, os.fsencode(name)))
    except ValueError as error:  # a NUL, half a character
        raise OutsideRoot from error
    if os.path.commonpath([real_root, folder]) != real_root or not os.path.isdir(folder):
        raise OutsideRoot
    return b"" if folder == real_root else os.path.relpath(folder, real_root)


def existing_folder(root: bytes, folder: bytes) -> bytes | None:
    """The full path of a folder from `folder_below`; None if it is gone or is a link now."""
    path = os.path.join(root, folder).rstrip(b"/")
    return path if os.path.realpath(path) == path and os.path.isdir(path) else None
