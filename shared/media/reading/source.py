"""The bytes of a clip as FFmpeg reads them: a seekable file over ranged reads, within limits.

Owns the block cache, the byte budget, the deadline and the counters; knows no storage, no format.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

from shared.media.failures import FailureCode, unplayable
from shared.media.reading.byte_source import ByteSource, Limits, Range
from shared.media.reading.corrections import CorrectedSource, Correction, corrected
from shared.telemetry import with_current_context

# What one read fetches. Measured on storyboards: larger blocks read more in total (a keyframe
# is rarely alone in 1 MB), smaller ones cost more round trips.
BLOCK_BYTES = 256 * 1024

# For headers scattered over all of a file: those of ten seconds of film fit.
SMALL_BLOCK_BYTES = 16 * 1024
# A file up to this size is read by one request: most of it is needed, and a request takes as long,
# and as much of the processor, as half a megabyte more.
WHOLE_BYTES = 2560 * 1024

_CACHED_BYTES = 8 * 1024 * 1024
# Requests that run at the same time.
_AT_ONCE = 4
# How much of what is fetched ahead may wait to be used.
_AHEAD_BYTES = 4 * 1024 * 1024


class SourceFile:
    """A read-only binary file for FFmpeg, and exact ranges for callers that know what they need.

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
        self._ahead_bytes = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lent: tuple[int, bytes] = (0, b"")
        self._failure: BaseException | None = None
        self._left: int | None = None
        self._counting = Lock()

    def read(self, size: int) -> bytes:
        """Returns up to `size` bytes from the position, to the end of a block or of lent data."""
        if self._left is not None:
            size = min(size, self._left)
            self._left -= size
        try:
            data = self._from_lent(size) or self._from_block(self._position, size)
        except BaseException as error:  # noqa: BLE001 - nothing may be raised through C; see check
            self._failure = self._failure or error
            return b""
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves like `io.RawIOBase.seek`; before the start means the start."""
        base = (0, self._position, self.size)[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Returns the position in bytes."""
        return self._position

    def check(self) -> None:
        """Raises the failure that FFmpeg's reading met, or the end of the time limit.

        Raises UnplayableClip (`too_slow` or `too_much_reading`) and any exception of the source,
        unchanged.
        """
        if self._failure is None and self._clock() > self._deadline:
            self._failure = unplayable(FailureCode.TOO_SLOW)
        if self._failure is not None:
            raise self._failure

    def peek(self, offset: int, length: int) -> bytes:
        """Returns up to `length` bytes (at most a block) from `offset`, through the cache."""
        data = self._from_block(offset, length)
        if 0 < len(data) < length:
            data += self._from_block(offset + len(data), length - len(data))
        return data

    def peek_end(self, length: int) -> bytes:
        """Returns up to `length` bytes from the end, through the cache and fetched at once."""
        start = max(0, self.size - length)
        self.prefetch([(start, self.size - start)])
        return b"".join(self.read_ranges([(start, self.size - start)]))

    @contextmanager
    def reading_at_most(self, size: int) -> Iterator[None]:
        """Meanwhile, FFmpeg finds the end of the file when it has read so many bytes."""
        self._left = size
        try:
            yield
        finally:
            self._left = None

    def correct(self, corrections: tuple[Correction, ...]) -> None:
        """From now on reads these bytes in place of those of the file."""
        self._source = CorrectedSource(self._source, corrections)
        for number, block in self._blocks.items():
            self._blocks[number] = corrected(block, number * self._block_bytes, corrections)

    def read_through(self, changed: Callable[[ByteSource], ByteSource]) -> None:
        """From now on reads what `changed` makes of the source; nothing stays in the cache."""
        self._source = changed(self._source)
        self._blocks.clear()

    def lend(self, offset: int, data: bytes) -> None:
        """Answers reads within this range with `data`, until other data is lent."""
        self._lent = (offset, data)

    def use_blocks_of(self, size: int) -> None:
        """From now on fetch `size` bytes around what is asked for, if that is not all anyway."""
        if size != self._block_bytes and self._ahead_bytes < self.size:
            self._block_bytes = size
            self._blocks.clear()

    def read_ahead(self, size: int) -> None:
        """From now on fetch `size` bytes by each request, for a reader that needs all of them."""
        self._ahead_bytes = max(size, self._ahead_bytes)

    def read_ranges(self, ranges: Sequence[Range]) -> Iterator[bytes]:
        """Yields the bytes of each range in order, fetching no byte around them, several at once.

        A range whose blocks are all in the cache is not fetched again. What has not arrived when
        the caller stops is dropped.
        """
        coming: deque[tuple[int, Future[bytes]]] = deque()
        ahead = 0
        with ThreadPoolExecutor(_AT_ONCE, "media-range") as pool:
            try:
                for offset, length in ranges:
                    while coming and (len(coming) > _AT_ONCE or ahead + length > _AHEAD_BYTES):
                        size, future = coming.popleft()
                        ahead -= size
                        yield future.result()
                    coming.append(
                        (length, pool.submit(with_current_context(self._range), offset, length))
                    )
                    ahead += length
                while coming:
                    yield coming.popleft()[1].result()
            finally:
                for _, future in coming:
                    future.cancel()

    def prefetch(self, ranges: Iterable[Range]) -> None:
        """Fetches the blocks of these ranges into the cache, several at once, while it has room."""
        size = self._block_bytes
        numbers = dict.fromkeys(
            number
            for offset, length in ranges
            for number in range(offset // size, (min(offset + length, self.size) - 1) // size + 1)
        )
        wanted = [number for number in numbers if number not in self._blocks]
        wanted = wanted[: _CACHED_BYTES // size // 2]
        blocks = [(number * size, min(size, self.size - number * size)) for number in wanted]
        for number, data in zip(wanted, self.read_ranges(blocks), strict=True):
            self._keep(number, data)

    def _range(self, offset: int, length: int) -> bytes:
        size = self._block_bytes
        numbers = range(offset // size, (offset + length - 1) // size + 1)
        blocks = [self._blocks.get(number) for number in numbers]
        if None in blocks:
            return self._fetch(offset, length)
        joined = b"".join(block for block in blocks if block is not None)
        start = offset - numbers[0] * size
        return joined[start : start + length]

    def _from_lent(self, length: int) -> bytes:
        offset, data = self._lent
        start = self._position - offset
        return data[start : start + length] if 0 <= start < len(data) else b""

    def _from_block(self, offset: int, length: int) -> bytes:
        self.check()
        if offset >= self.size:
            return b""
        number, start = divmod(offset, self._block_bytes)
        if number in self._blocks:
            self._blocks.move_to_end(number)
        else:
            self._fetch_from(number)
        return self._blocks[number][start : start + length]

    def _fetch_from(self, number: int) -> None:
        """Fetches a block, and by the same request what is read ahead."""
        size, first = self._block_bytes, number * self._block_bytes
        wanted = max(size, self._ahead_bytes // size * size)
        data = self._fetch(first, min(wanted, self.size - first))
        for start in range(0, max(1, len(data)), size):
            self._keep(number + start // size, data[start : start + size])

    def _keep(self, number: int, block: bytes) -> None:
        self._blocks[number] = block
        if len(self._blocks) * self._block_bytes > _CACHED_BYTES:
            self._blocks.popitem(last=False)

    def _fetch(self, offset: int, length: int) -> bytes:
        """Fetches a range, in any thread; a source that gives it in pieces is asked again."""
        self._reserve(length)
        data = bytearray()
        while len(data) < length:
            self.check()
            try:
                piece = self._source.read(offset + len(data), length - len(data))
            except BaseException as error:
                self._failure = self._failure or error
                raise
            if not piece:
                break
            with self._counting:
                self.requests += 1
            if len(piece) == length:
                return piece
            data += piece
        return bytes(data)

    def _reserve(self, length: int) -> None:
        with self._counting:
            self.check()
            if self.bytes_read + length > self._max_bytes:
                self._failure = unplayable(FailureCode.TOO_MUCH_READING)
                raise self._failure
            self.bytes_read += length
