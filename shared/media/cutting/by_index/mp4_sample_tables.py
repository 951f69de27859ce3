"""The tables of one track of an MP4: sizes, times, keyframes and places of its samples.

Every table is checked: what it claims may be far more than the file holds. All raise Unsuitable.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, chain, islice, pairwise, repeat
from operator import mul

from shared.media.cutting.by_index.mp4_boxes import Box
from shared.media.cutting.unsuitable import Unsuitable

# Of all tracks together. A table of a few bytes may claim any number of samples, and each takes
# up to 20 bytes of memory.
MOST_SAMPLES = 8_000_000


@dataclass(frozen=True, slots=True)
class Chunks:
    """Samples that lie one after the other: of each chunk its first sample, and where it begins.

    `firsts` has one more entry: the number behind the last sample.
    """

    firsts: array[int]
    offsets: array[int]


def sizes_of(tables: Box, most: int) -> array[int]:
    table = tables.optional(b"stsz")
    if table is None:
        raise Unsuitable("sample sizes are compact")
    constant, count = table.uint(4, 4), table.uint(8, 4)
    if count > most:
        raise Unsuitable("the index is too large")
    return array("I", [constant]) * count if constant else table.numbers(12, count)


def _runs(table: Box, code: str) -> tuple[array[int], array[int]]:
    """Counts and values of a table of runs."""
    count = table.uint(4, 4)
    if count > MOST_SAMPLES:
        raise Unsuitable("the index is too large")
    values = table.numbers(8, 2 * count, code)
    return values[::2], values[1::2]


def decode_times_of(tables: Box, samples: int) -> array[int]:
    counts, deltas = _runs(tables.child(b"stts"), "I")
    if sum(counts) < samples:
        raise Unsuitable("samples have no time")
    return array("q", accumulate(_spread(counts, deltas, samples), initial=0))


def offsets_of(tables: Box, samples: int) -> array[int] | None:
    table = tables.optional(b"ctts")
    if table is None:
        return None
    # Writers put negative numbers into version 0 too; no offset is as large as 2**31.
    counts, values = _runs(table, "i")
    if any(count < 0 for count in counts) or sum(counts) < samples:
        raise Unsuitable("samples have no presentation time")
    return array("i", _spread(counts, values, samples))


def _spread(counts: array[int], values: array[int], samples: int) -> Iterator[int]:
    """Every value as often as its count says, for so many samples and no more."""
    return islice(chain.from_iterable(map(repeat, values, counts)), samples)


def sync_of(tables: Box, samples: int) -> array[int] | None:
    table = tables.optional(b"stss")
    if table is None:
        return None
    count = table.uint(4, 4)
    if count > samples:
        raise Unsuitable("more samples are keyframes than there are")
    return array("I", (n - 1 for n in table.numbers(8, count) if 0 < n <= samples))


def chunks_of(tables: Box, samples: int) -> Chunks:
    places = tables.optional(b"co64")
    if places is not None:
        offsets = places.numbers(8, places.uint(4, 4), "Q")
    else:
        places = tables.child(b"stco")
        offsets = places.numbers(8, places.uint(4, 4))
    table = tables.child(b"stsc")
    entries = table.numbers(8, 3 * table.uint(4, 4))
    begins, counts = entries[::3], entries[1::3]
    if not begins or begins[0] != 1 or any(after < at for at, after in pairwise(begins)):
        raise Unsuitable("chunks are out of order")
    # Each entry is for the chunks up to the one, counted from 1, at which the next entry begins.
    ends = [*begins[1:], len(offsets) + 1]
    alike = [max(0, min(end, len(offsets) + 1) - at) for at, end in zip(begins, ends, strict=True)]
    total = sum(map(mul, counts, alike))
    if total > MOST_SAMPLES:
        raise Unsuitable("the index is too large")
    if total < samples:
        raise Unsuitable("samples have no place")
    counts_of_chunks = chain.from_iterable(map(repeat, counts, alike))
    return Chunks(array("I", accumulate(counts_of_chunks, initial=0)), offsets)
