"""Which samples of an MP4 or MOV to fetch, from its index: positions only, nothing is read.

Its index (`stbl`, ISO/IEC 14496-12 section 8.5) has place, size and time of every sample.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from av.index import IndexEntries, IndexEntry

from shared.media.reading.source import Range

_LARGEST_SAMPLE = 32 * 1024 * 1024

_USUAL_KEYFRAME = 128 * 1024
"""What is fetched of a keyframe whose size is unknown."""

_NEIGHBOURS = 150
"""Where every sample is marked as a keyframe, so many on either side are compared by size."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Where a sample lies, in bytes, and its decoding time in units of the time base."""

    offset: int
    length: int
    timestamp: int


def keyframes(entries: IndexEntries, count: int) -> list[Sample]:
    """Return up to `count` different keyframes, each the nearest to where an equal part begins."""
    if len(entries) == 0:
        return []
    first, last = entries[0].timestamp, entries[-1].timestamp
    numbers = {_nearest(entries, timestamp) for timestamp in parts(first, last, count)}
    return _fetchable([entries[number] for number in sorted(numbers) if number >= 0])


def largest_nearby(entries: IndexEntries, samples: list[Sample]) -> list[Sample]:
    """Return for each sample the largest one around it, each once, in order.

    For an index that marks all samples as keyframes although few of them are: these are larger.
    """
    numbers: set[int] = set()
    for sample in samples:
        near = entries.search_timestamp(sample.timestamp, any_frame=True)
        around = range(max(0, near - _NEIGHBOURS), min(len(entries), near + _NEIGHBOURS))
        numbers.add(max(around, key=lambda number: entries[number].size))
    return _fetchable([entries[number] for number in sorted(numbers)])


def within(samples: list[Sample], max_bytes: int) -> list[Sample]:
    """Return as many samples as fit, still spread evenly, at least one if there are any."""
    for count in range(len(samples), 1, -1):
        chosen = [samples[number * len(samples) // count] for number in range(count)]
        if sum(sample.length for sample in chosen) <= max_bytes:
            return chosen
    return samples[len(samples) // 2 :][:1]


def parts(first: int, last: int, count: int) -> list[int]:
    """Return where each of `count` equal parts of first..last begins."""
    return [first + (last - first) * part // count for part in range(count)]


def _nearest(entries: IndexEntries, timestamp: int) -> int:
    """Return the number of the keyframe that is nearest in time, -1 if there is none."""
    around = (
        entries.search_timestamp(timestamp),
        entries.search_timestamp(timestamp, backward=False),
    )
    return min(
        (number for number in around if number >= 0),
        key=lambda number: abs(entries[number].timestamp - timestamp),
        default=-1,
    )


def _fetchable(entries: list[IndexEntry]) -> list[Sample]:
    return [
        Sample(entry.pos, entry.size, entry.timestamp)
        for entry in entries
        if entry.pos >= 0 and 0 < entry.size <= _LARGEST_SAMPLE
    ]


def places(entries: IndexEntries, timestamps: Iterable[int]) -> list[Range]:
    """Return about where the keyframes before `timestamps` lie; an index may leave sizes out."""
    numbers = (entries.search_timestamp(timestamp) for timestamp in timestamps)
    found = [entries[number] for number in numbers if number >= 0]
    return [(entry.pos, max(entry.size, _USUAL_KEYFRAME)) for entry in found if entry.pos >= 0]


def halving[T](items: Sequence[T]) -> list[T]:
    """Return `items` so that any beginning of them is spread evenly: halves before quarters."""
    digits = (len(items) - 1).bit_length()
    mirrored = [int(f"{number:0{digits}b}"[::-1], 2) for number in range(1 << digits)]
    return [items[number] for number in mirrored if number < len(items)]


def span(entries: IndexEntries, start: int, end: int) -> Range | None:
    """Return offset and length of the bytes from the keyframe before `start` to `end`."""
    first = entries.search_timestamp(start)
    last = entries.search_timestamp(end, any_frame=True)
    if first < 0 or last < first:
        return None
    offset = entries[first].pos
    length = entries[last].pos + entries[last].size - offset
    return (offset, length) if offset >= 0 and length > 0 else None
