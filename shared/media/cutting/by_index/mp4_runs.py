"""Where the samples of a cut lie in the source, and which ranges of it hold them all.

A long cut has a hundred thousand samples, so they are handled chunk by chunk, in arrays.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from shared.media.cutting.by_index.mp4_index import Track
from shared.media.cutting.by_index.mp4_selection import Selection

# Offset and length in bytes.
type Range = tuple[int, int]

# Bytes between two ranges that are copied as well: a request costs more than they do.
_LARGEST_GAP = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Runs:
    """Samples of one track that lie one after the other in the source, run by run.

    Of each run: where it begins, and how many bytes and samples it has.
    """

    offsets: array[int] = field(default_factory=lambda: array("Q"))
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    samples: array[int] = field(default_factory=lambda: array("I"))

    @property
    def end(self) -> int:
        return self.offsets[-1] + self.sizes[-1] if self.offsets else -1

    def add(self, offset: int, size: int, samples: int) -> None:
        """Adds samples; those that follow the last run belong to it."""
        if offset == self.end:
            self.sizes[-1] += size
            self.samples[-1] += samples
        else:
            self.offsets.append(offset)
            self.sizes.append(size)
            self.samples.append(samples)


def runs_of(selection: Selection) -> Runs:
    runs = Runs()
    for first, last in _stretches(selection.numbers):
        _add(runs, selection.track, first, last)
    return runs


def _stretches(numbers: Sequence[int]) -> Iterator[Range]:
    """The first and the last of numbers that follow each other."""
    first = last = numbers[0]
    if numbers[-1] - first + 1 == len(numbers):
        yield first, numbers[-1]
        return
    for number in numbers:
        if number > last + 1:
            yield first, last
            first = number
        last = number
    yield first, last


def _add(runs: Runs, track: Track, first: int, last: int) -> None:
    """Adds the samples `first` to `last`."""
    firsts, offsets = track.chunks.firsts, track.chunks.offsets
    before = array("Q", accumulate(track.sizes[first : last + 1], initial=0))
    number, chunk = first, bisect_right(firsts, first) - 1
    while number <= last:
        offset = offsets[chunk] + sum(track.sizes[firsts[chunk] : number])
        until = min(firsts[chunk + 1], last + 1)
        if until > number:
            runs.add(offset, before[until - first] - before[number - first], until - number)
        number, chunk = until, chunk + 1


def ranges_of(tracks: Iterable[Runs]) -> list[Range]:
    """The ranges that hold all runs, with small gaps between them closed."""
    # First of each track: of two tracks that alternate, thousands of runs become one range.
    parts = (
        part for runs in tracks for part in _closed(zip(runs.offsets, runs.sizes, strict=True))
    )
    return list(_closed(sorted(parts)))


def _closed(parts: Iterable[Range]) -> Iterator[Range]:
    """Parts that follow each other, or nearly so, as one."""
    begin = end = -1
    for offset, size in parts:
        if begin >= 0 and begin <= offset <= end + _LARGEST_GAP:
            end = max(end, offset + size)
        else:
            if begin >= 0:
                yield begin, end - begin
            begin, end = offset, offset + size
    if begin >= 0:
        yield begin, end - begin


class Placement:
    """Where the bytes of the source are in a file that has these ranges from `begin` on."""

    def __init__(self, ranges: Sequence[Range], begin: int) -> None:
        self._offsets = [offset for offset, _ in ranges]
        self._begins = list(accumulate((length for _, length in ranges), initial=begin))

    def of(self, offsets: array[int]) -> array[int]:
        """The places of offsets of the source, each of which is in one of the ranges."""
        if len(self._offsets) == 1:
            shift = self._begins[0] - self._offsets[0]
            return array("Q", (offset + shift for offset in offsets))
        return array("Q", map(self._of, offsets))

    def _of(self, offset: int) -> int:
        at = bisect_right(self._offsets, offset) - 1
        return self._begins[at] + offset - self._offsets[at]
