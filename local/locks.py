"""Owns the lock that lets only one process use a folder; knows nothing of its contents.

The lock is the kernel's lock on a file, which ends with the last process that holds it. A child
that inherits the descriptor therefore holds the folder until it ends, even after its parent was
killed.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderInUse(Exception):
    """Another process, or a child that it left behind, uses the folder."""


@contextmanager
def hold(folder: Path, timeout: float = 15.0) -> Iterator[int]:
    """Holds the lock `<folder>.lock`; yields its descriptor, to be inherited by children.

    Waits `timeout` seconds for a killed copy to end; raises FolderInUse.
    """
    path = folder.with_name(f"{folder.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, folder, time.monotonic() + timeout)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, folder: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise FolderInUse(f"{folder} is in use by another running copy") from None
            time.sleep(0.05)
        else:
            return
