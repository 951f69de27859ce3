"""Gives memory that was freed back to the system: FFmpeg fragments the C library's heap.

Decoding frees what it took, but glibc keeps it: each new thread may open a heap of its own, and
small pieces that stay in use keep large ones around them from being returned. In a soak of eleven
minutes a host grew from 144 to 344 MB of which 29 were in use; `python -m bench.soak` shows it.
Source: mallopt(3), malloc_trim(3). On other C libraries nothing is done.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctypes import CDLL

# M_ARENA_MAX of malloc.h, and how many heaps threads share; by default eight for each processor.
_ARENA_MAX, _ARENAS = -8, 2


@contextmanager
def returning_memory() -> Iterator[None]:
    """Returns freed memory to the system at the end of the block; takes a few milliseconds."""
    libc = _glibc()
    try:
        yield
    finally:
        if libc is not None:
            libc.malloc_trim(0)


@cache
def _glibc() -> "CDLL | None":
    """glibc, configured at its first use to open few heaps; None with another C library."""
    if sys.platform != "linux":
        return None
    import ctypes

    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_trim"):
        return None
    libc.mallopt(_ARENA_MAX, _ARENAS)
    return libc
