"""The bytes of a clip as FFmpeg reads them: a seekable file over ranged reads, on a leash.

Owns the block cache, the byte budget, the deadline and the counters. Knows nothing of
storage (that is behind `ByteSource`) nor of media formats.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.media.failures import FailureCode, unplayable

BLOCK_BYTES = 256 * 1024
"""What one read fetches. Measured on storyboards: larger blocks read more in total (a keyframe
is rarely alone in 1 MB), smaller ones cost more round trips."""

SMALL_BLOCK_BYTES = 32 * 1024
"""For a file whose headers are scattered over all of it: what FFmpeg asks for at a time."""

_CACHED_BYTES = 4 * 1024 * 1024


class ByteSource(Protocol):
    """One version of a blob, read by ranges."""

    @property
    def size(self) -> int:
        """Length of the whole in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`, fewer only at the end of the blob.

        Raises:
            CliplinkError: the blob changed, or storage is away; handed through unchanged.
        """


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may cost.

    `max_bytes` bounds what is read from the source, `max_seconds` the time from opening,
    `max_pixels` the coded picture (the default is 8K DCI rounded up to whole coding blocks).
    """

    max_bytes: int = 128 * 1024 * 1024
    max_seconds: float = 60.0
    max_pixels: int = 8192 * 4352


class SourceFile:
    """A read-only binary file for FFmpeg, and exact ranges for those who know what they want.

    FFmpeg calls `read`, `seek` and `tell` from C, where an exception would be printed, dropped
    or raised by a later call that has nothing to do with it. So these three never raise: the
    first failure is remembered, everything after it reads as the end of the file, and
    `check()` raises it, the same object, as soon as FFmpeg has returned.
    """

    def __init__(
        self, source: ByteSource, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.size = source.size
        self.bytes_read = 0
        self.requests = 0
        self._source = source
        self._max_bytes = limits.max_bytes
        self._clock = clock
        self._deadline = clock() + limits.max_seconds
        self._position = 0
        self._block_bytes = BLOCK_BYTES
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._failure: BaseException | None = None

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes from the position: at most to the end of one block."""
        try:
            data = self._from_block(self._position, size)
        except BaseException as error:  # noqa: BLE001 - nothing may be raised through C; see check
            self._failure = self._failure or error
            return b""
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move like `io.RawIOBase.seek`; before the start means the start."""
        base = (0, self._position, self.size)[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def check(self) -> None:
        """Raise what went wrong while FFmpeg was reading, or that the time is up.

        Raises:
            UnplayableClip: `too_slow` or `too_much_reading`.
            BaseException: whatever the source raised, unchanged.
        """
        if self._failure is None and self._clock() > self._deadline:
            self._failure = unplayable(FailureCode.TOO_SLOW)
        if self._failure is not None:
            raise self._failure

    def peek(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes (at most a block) from `offset`, through the cache."""
        data = self._from_block(offset, length)
        if 0 < len(data) < length:
            data += self._from_block(offset + len(data), length - len(data))
        return data

    def use_small_blocks(self) -> None:
        """From now on fetch little around what is asked for."""
        self._block_bytes = SMALL_BLOCK_BYTES
        self._blocks.clear()

    def read_ranges(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each (offset, length), fetching no byte around them.

        A range whose blocks are all in the cache is not fetched again.
        """
        return [self._range(offset, length) for offset, length in ranges]

    def _range(self, offset: int, length: int) -> bytes:
        size = self._block_bytes
        numbers = range(offset // size, (offset + length - 1) // size + 1)
        if all(number in self._blocks for number in numbers):
            joined = b"".join(self._blocks[number] for number in numbers)
            start = offset - numbers[0] * size
            return joined[start : start + length]
        return self._fetch(offset, length)

    def _from_block(self, offset: int, length: int) -> bytes:
        self.check()
        if offset >= self.size:
            return b""
        number, start = divmod(offset, self._block_bytes)
        if number in self._blocks:
            self._blocks.move_to_end(number)
        else:
            first = number * self._block_bytes
            self._blocks[number] = self._fetch(first, min(self._block_bytes, self.size - first))
            if len(self._blocks) * self._block_bytes > _CACHED_BYTES:
                self._blocks.popitem(last=False)
        return self._blocks[number][start : start + length]

    def _fetch(self, offset: int, length: int) -> bytes:
        self.check()
        if self.bytes_read + length > self._max_bytes:
            self._failure = unplayable(FailureCode.TOO_MUCH_READING)
            raise self._failure
        try:
            data = self._source.read(offset, length)
        except BaseException as error:
            self._failure = error
            raise
        self.bytes_read += len(data)
        self.requests += 1
        return data
