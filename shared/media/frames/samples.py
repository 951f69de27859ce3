"""Which samples of an MP4 or MOV to fetch, from its index: positions only, nothing is read.

Its index (`stbl`, ISO/IEC 14496-12 section 8.5) has place, size and time of every sample. Where an
edit list begins between two keyframes, FFmpeg keeps what leads in to it, marked as "discard":
`is_shown` is the one rule for what may be fetched to be shown.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from av.index import IndexEntries, IndexEntry

from shared.media.reading.byte_source import Range

_LARGEST_SAMPLE = 32 * 1024 * 1024

# What is fetched of a keyframe whose size is unknown.
_USUAL_KEYFRAME = 128 * 1024

# So many samples behind a keyframe are looked at for the next one.
_LOOK_AHEAD = 300

# Where every sample is marked as a keyframe, so many on either side are compared by size.
_NEIGHBOURS = 150


@dataclass(frozen=True, slots=True)
class Sample:
    """Where a sample lies, in bytes, and its decoding time in units of the time base.

    `number` is its place in the index, and `until` the last time before the next keyframe.
    """

    number: int
    offset: int
    length: int
    timestamp: int
    until: int


def is_shown(entry: IndexEntry, earliest: int) -> bool:
    """Whether players show a sample: no edit list hides it, nor is it before `earliest`."""
    return not entry.is_discard and entry.timestamp >= earliest


def shown_keyframes(entries: IndexEntries, earliest: int) -> list[tuple[int, int]]:
    """Returns decoding time and number of each keyframe that is shown, in the order of time.

    Those that cannot be fetched are left out.
    """
    return sorted(
        (entry.timestamp, number)
        for number, entry in enumerate(entries)
        if entry.is_keyframe and is_shown(entry, earliest) and _is_fetchable(entry)
    )


def nearest(
    entries: IndexEntries, keyframes: Sequence[tuple[int, int]], timestamps: Iterable[int]
) -> list[Sample]:
    """Returns the keyframe that is nearest to each of `timestamps`, each once, in order."""
    numbers = {_nearest(keyframes, timestamp) for timestamp in timestamps} if keyframes else set()
    return [_sample(entries, keyframes[number][1]) for number in sorted(numbers)]


def largest_nearby(entries: IndexEntries, samples: list[Sample], earliest: int) -> list[Sample]:
    """Returns for each sample the largest one around it, each once, in order.

    For an index that marks all samples as keyframes although few of them are: these are larger.
    """
    numbers: set[int] = set()
    for sample in samples:
        first, last = sample.number - _NEIGHBOURS, sample.number + _NEIGHBOURS
        around = range(max(0, first), min(len(entries), last))
        shown = [number for number in around if is_shown(entries[number], earliest)]
        numbers.add(max(shown, key=lambda number: entries[number].size))
    return [
        _sample(entries, number) for number in sorted(numbers) if _is_fetchable(entries[number])
    ]


def within(samples: list[Sample], max_bytes: int) -> list[Sample]:
    """Returns as many samples as fit, still spread evenly, at least one if there are any."""
    for count in range(len(samples), 1, -1):
        chosen = [samples[number * len(samples) // count] for number in range(count)]
        if sum(sample.length for sample in chosen) <= max_bytes:
            return chosen
    return samples[len(samples) // 2 :][:1]


def parts(first: int, last: int, count: int) -> list[int]:
    """Returns where each of `count` equal parts of first..last begins."""
    return [first + (last - first) * part // count for part in range(count)]


def places(entries: IndexEntries, timestamps: Iterable[int]) -> list[Range]:
    """Returns about where the keyframes before `timestamps` lie; an index may leave sizes out."""
    numbers = (entries.search_timestamp(timestamp) for timestamp in timestamps)
    found = [entries[number] for number in numbers if number >= 0]
    return [(entry.pos, max(entry.size, _USUAL_KEYFRAME)) for entry in found if entry.pos >= 0]


def halving[T](items: Sequence[T]) -> list[T]:
    """Returns `items` so that any beginning of them is spread evenly: halves before quarters."""
    digits = (len(items) - 1).bit_length()
    mirrored = [int(f"{number:0{digits}b}"[::-1], 2) for number in range(1 << digits)]
    return [items[number] for number in mirrored if number < len(items)]


def byte_range(entries: IndexEntries, start: int, end: int) -> Range | None:
    """Returns offset and length of the bytes from the keyframe before `start` to `end`."""
    first = entries.search_timestamp(start)
    last = entries.search_timestamp(end, any_frame=True)
    if first < 0 or last < first:
        return None
    offset = entries[first].pos
    length = entries[last].pos + entries[last].size - offset
    return (offset, length) if offset >= 0 and length > 0 else None


def _nearest(keyframes: Sequence[tuple[int, int]], timestamp: int) -> int:
    """Returns which of `keyframes` is nearest in time; there is at least one."""
    behind = bisect_left(keyframes, (timestamp, 0))
    around = range(max(0, behind - 1), min(len(keyframes), behind + 1))
    return min(around, key=lambda number: abs(keyframes[number][0] - timestamp))


def _is_fetchable(entry: IndexEntry) -> bool:
    return entry.pos >= 0 and 0 < entry.size <= _LARGEST_SAMPLE


def _sample(entries: IndexEntries, number: int) -> Sample:
    entry = entries[number]
    return Sample(
        number, entry.pos, entry.size, entry.timestamp, _last_before_keyframe(entries, number)
    )


def _last_before_keyframe(entries: IndexEntries, number: int) -> int:
    last = entries[number].timestamp
    for after in range(number + 1, min(len(entries), number + _LOOK_AHEAD)):
        entry = entries[after]
        if entry.is_keyframe:
            return max(last, entry.timestamp - 1)
        last = max(last, entry.timestamp)
    return last
