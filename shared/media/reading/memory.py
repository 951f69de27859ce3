"""How much memory all open media files may take together.

The kernel refuses what goes beyond. FFmpeg expects an allocation to fail, and reports it; without
a bound it would be given the memory, and the process would be killed with all that it does.

Source: getrlimit(2), RLIMIT_DATA: all that a process may write to and has for itself.
"""

import ctypes
import errno
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from shared.errors import Busy
from shared.media.failures import FailureCode, unplayable

# The largest film that is accepted (8K, HEVC, 10 bits) takes 711 MB, the largest cover 840.
_MAX_BYTES = 1024 * 1024 * 1024

# The process is near its bound when less than this is left of it: the frames of a large film take
# some 100 MB each, and the next one is what was refused.
_NEAR_BYTES = 256 * 1024 * 1024

# No picture asks for more at once, and an index for more only in a file of many samples, each of a
# byte at least. What a smaller file asks for while more than this is left is damage.
_LARGEST_BYTES = 640 * 1024 * 1024
_MANY_SAMPLES_BYTES = 16 * 1024 * 1024


class _Bound:
    """The limit of this process: the first file that is opened sets it, the last one lifts it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._came = 0
        self._sizes: list[int] = []
        self._before = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        self._limit = 0

    def leaves_less_than(self, size: int) -> bool:
        """Whether less than `size` bytes are left."""
        with self._lock:
            return self._inside > 0 and _bytes_in_use() > self._limit - size

    def holds_many_samples(self) -> bool:
        """Whether one of the files may have an index that takes a large part of the memory."""
        with self._lock:
            return max(self._sizes, default=0) > _MANY_SAMPLES_BYTES

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """See `bounded_memory`."""
        number, alone = self._come(size)
        _errno_of_this_thread().value = 0
        try:
            yield
        except MemoryError as error:
            if alone and number == self._came:
                raise unplayable(FailureCode.TOO_MUCH_MEMORY) from error
            raise Busy("Too many files are being read at once.") from error
        finally:
            self._go(size)

    def _come(self, size: int) -> tuple[int, bool]:
        """Returns the number of this file, and whether no other one is open."""
        with self._lock:
            if self._inside == 0:
                self._before = resource.getrlimit(resource.RLIMIT_DATA)
                limits = {*self._before, _bytes_in_use() + _MAX_BYTES} - {resource.RLIM_INFINITY}
                self._limit = min(limits)
                resource.setrlimit(resource.RLIMIT_DATA, (self._limit, self._before[1]))
            self._inside += 1
            self._sizes.append(size)
            self._came += 1
            return self._came, self._inside == 1

    def _go(self, size: int) -> None:
        with self._lock:
            self._inside -= 1
            self._sizes.remove(size)
            if self._inside == 0:
                resource.setrlimit(resource.RLIMIT_DATA, self._before)


_bound = _Bound()


@contextmanager
def bounded_memory(size: int) -> Iterator[None]:
    """Lets the process grow by a gigabyte while any file is open, and no further.

    `size` is that of the file in bytes.

    On Linux; elsewhere, on a developer's machine, there is no bound.

    Raises UnplayableClip (`too_much_memory`) where this file was the only one open, and Busy where
    there were others: which of them is at fault is not known then.
    """
    if sys.platform != "linux":
        yield
        return
    with _bound.held(size):
        yield


def memory_was_refused() -> bool:
    """Whether the last allocation of this thread failed, to be asked where FFmpeg says so.

    FFmpeg reports "cannot allocate memory" for damaged data too: for sizes that make no sense,
    and for other errors that a decoder library reports by that name. It was really refused if the
    C library noted so and a film may ask for what is left, or if the process is near its bound (a
    decoder has threads of its own).
    """
    if sys.platform != "linux":
        return False
    number = _errno_of_this_thread()
    noted = number.value == errno.ENOMEM
    refused = _bound.leaves_less_than(_LARGEST_BYTES if noted else _NEAR_BYTES) or (
        noted and _bound.holds_many_samples()
    )
    number.value = 0
    return refused


def _errno_of_this_thread() -> ctypes.c_int:
    """Returns the C library's `errno` itself; errno(3). Ctypes' own `get_errno` is a copy."""
    locate = ctypes.CDLL(None)["__errno_location"]
    locate.restype = ctypes.POINTER(ctypes.c_int)
    number: ctypes.c_int = locate().contents
    return number


def _bytes_in_use() -> int:
    """Returns what of the limit is in use."""
    # statm of proc(5): its sixth number, in pages.
    return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
