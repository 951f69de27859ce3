"""How much memory the files that are looked into may take, all of them together.

The kernel refuses what goes beyond. FFmpeg expects an allocation to fail, and reports it; without
a bound it would be given the memory, and the process would be killed with all that it does.

Source: getrlimit(2), RLIMIT_DATA: all that a process may write to and has for itself.
"""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from shared.errors import Busy
from shared.media.failures import FailureCode, unplayable

_MAX_BYTES = 1024 * 1024 * 1024
"""The largest film that is accepted (8K, HEVC, 10 bits) takes 711 MB, the largest cover 840."""


class _Bound:
    """The limit of this process: the first who comes sets it, the last who goes lifts it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._came = 0
        self._before = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    @contextmanager
    def held(self) -> Iterator[None]:
        """See `bounded_memory`."""
        number, alone = self._come()
        try:
            yield
        except MemoryError as error:
            if alone and number == self._came:
                raise unplayable(FailureCode.TOO_MUCH_MEMORY) from error
            raise Busy("Too many files are being looked into at once.") from error
        finally:
            self._go()

    def _come(self) -> tuple[int, bool]:
        """Return the number of this visit, and whether nobody else is inside."""
        with self._lock:
            if self._inside == 0:
                self._before = resource.getrlimit(resource.RLIMIT_DATA)
                limits = {*self._before, _bytes_in_use() + _MAX_BYTES} - {resource.RLIM_INFINITY}
                resource.setrlimit(resource.RLIMIT_DATA, (min(limits), self._before[1]))
            self._inside += 1
            self._came += 1
            return self._came, self._inside == 1

    def _go(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                resource.setrlimit(resource.RLIMIT_DATA, self._before)


_bound = _Bound()


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Let the process grow by a gigabyte while any file is looked into, and no further.

    On Linux; elsewhere, on a developer's machine, there is no bound.

    Raises:
        UnplayableClip: `too_much_memory`, where this file alone was looked into.
        Busy: there were others; whose fault it is, is not known.
    """
    if sys.platform != "linux":
        yield
        return
    with _bound.held():
        yield


def _bytes_in_use() -> int:
    """Return what of the limit is in use."""
    # statm of proc(5): its sixth number, in pages.
    return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
