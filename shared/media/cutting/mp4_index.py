"""The index of an MP4 or MOV: for every sample its time, its size and its place in the file.

Only films that one edit for each track describes can be cut by their index: no fragments, no
other files, no second edit. Everything else raises Unsuitable, and another method is used.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, chain, islice, pairwise, repeat
from operator import add, mul

from shared.media.cutting.mp4_boxes import Box, MalformedIndex, boxes_in

# Of all tracks together. A table of a few bytes may claim any number of samples, and each takes
# up to 20 bytes of memory.
_MOST_SAMPLES = 8_000_000
_PICTURE, _SOUND = b"vide", b"soun"
_TRACK_ENABLED = 1
# The rate of an edit, a number with 16 bits behind the point.
NORMAL_SPEED = 0x1_0000


class Unsuitable(Exception):
    """The film cannot be cut by rewriting its index; the message says why."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """Samples that lie one after the other: of each chunk its first sample, and where it begins.

    `firsts` has one more entry: the number behind the last sample.
    """

    firsts: array[int]
    offsets: array[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track, its samples in decoding order; times in units of `timescale` a second.

    `decode_times` has one more entry than there are samples: the end of the last one.
    `offsets` is what turns a decoding time into a presentation time, None where they are equal.
    `sync` are the numbers of the samples at which decoding can begin, None where all are.
    `zero` is the presentation time that the movie's clock shows as 0: what is before it, and what
    follows after `shown` units, is hidden by an edit list.
    """

    box: Box
    is_picture: bool
    enabled: bool
    timescale: int
    decode_times: array[int]
    offsets: array[int] | None
    sizes: array[int]
    sync: array[int] | None
    chunks: Chunks
    zero: int
    shown: int | None

    @property
    def count(self) -> int:
        return len(self.sizes)

    def presented(self, number: int) -> int:
        """When a sample is shown, on the clock of the track's media."""
        offset = self.offsets[number] if self.offsets is not None else 0
        return self.decode_times[number] + offset

    def presentation_times(self) -> array[int]:
        """When each sample is shown, by its number."""
        if self.offsets is None:
            return self.decode_times[: self.count]
        return array("q", map(add, self.decode_times, self.offsets))

    def seconds(self, presented: int) -> Fraction:
        """A presentation time on the clock of the movie."""
        return Fraction(presented - self.zero, self.timescale)

    def units(self, seconds: Fraction) -> Fraction:
        """A time on the clock of the movie as a presentation time of the track."""
        return seconds * self.timescale + self.zero

    def place(self, number: int) -> int:
        """Where a sample begins in the file."""
        chunk = bisect_right(self.chunks.firsts, number) - 1
        return self.chunks.offsets[chunk] + sum(self.sizes[self.chunks.firsts[chunk] : number])


@dataclass(frozen=True, slots=True, kw_only=True)
class Movie:
    """The `moov` box and the tracks that a cut keeps: pictures and sound."""

    header: Box
    timescale: int
    tracks: Sequence[Track]


def read_movie(moov: bytes) -> Movie:
    """The tables of a `moov` box, given with its header; raises Unsuitable."""
    try:
        outer = next(boxes_in(memoryview(moov)), None)
        if outer is None or outer.kind != b"moov":
            raise Unsuitable("there is no whole moov box")
        if outer.optional(b"mvex") is not None:
            raise Unsuitable("the film is fragmented")
        if outer.optional(b"cmov") is not None:
            raise Unsuitable("the index is compressed")
        header = outer.child(b"mvhd")
        timescale = header.uint(20 if header.version else 12, 4)
        if not timescale:
            raise Unsuitable("the movie has no clock")
        tracks: list[Track] = []
        for box in outer.children():
            if box.kind == b"trak":
                room = _MOST_SAMPLES - sum(track.count for track in tracks)
                track = _track(box, timescale, room)
                tracks += [] if track is None else [track]
    except MalformedIndex as error:
        raise Unsuitable(str(error)) from error
    return Movie(header=header, timescale=timescale, tracks=tracks)


def _track(box: Box, movie_timescale: int, most_samples: int) -> Track | None:
    """A track of pictures or sound that has samples; None for any other."""
    handler = bytes(box.child(b"mdia", b"hdlr").body[8:12])
    if handler not in {_PICTURE, _SOUND}:
        return None
    media = box.child(b"mdia", b"mdhd")
    timescale = media.uint(20 if media.version else 12, 4)
    tables = box.child(b"mdia", b"minf", b"stbl")
    sizes = _sizes(tables, most_samples)
    if not sizes:
        return None
    if not timescale:
        raise Unsuitable("a track has no clock")
    _check_in_this_file(box)
    zero, shown = _edit(box, timescale, movie_timescale)
    return Track(
        box=box,
        is_picture=handler == _PICTURE,
        enabled=bool(box.child(b"tkhd").uint(0, 4) & _TRACK_ENABLED),
        timescale=timescale,
        decode_times=_decode_times(tables, len(sizes)),
        offsets=_offsets(tables, len(sizes)),
        sizes=sizes,
        sync=_sync(tables, len(sizes)),
        chunks=_chunks(tables, len(sizes)),
        zero=zero,
        shown=shown,
    )


def _check_in_this_file(box: Box) -> None:
    """Raises Unsuitable for samples in another file, or described in more than one way."""
    references = box.child(b"mdia", b"minf", b"dinf", b"dref")
    if any(not entry.uint(0, 4) & 1 for entry in references.children(skip=8)):
        raise Unsuitable("samples are in another file")
    if box.child(b"mdia", b"minf", b"stbl", b"stsd").uint(4, 4) != 1:
        raise Unsuitable("the codec changes within a track")


def _edit(box: Box, timescale: int, movie_timescale: int) -> tuple[int, int | None]:
    """Presentation time of the movie's zero, and for how long the track is shown from there on.

    An empty edit delays the track: its media begins after the movie.
    """
    edits = box.optional(b"edts")
    table = edits.optional(b"elst") if edits is not None else None
    if table is None:
        return 0, None
    wide = table.version == 1
    size, entries = (20, "qq") if wide else (12, "ii")
    delay, media = Fraction(0), None
    for number in range(table.uint(4, 4)):
        at = 8 + number * size
        duration = table.uint(at, 8 if wide else 4)
        time = table.numbers(at + (8 if wide else 4), 1, entries[0])[0]
        if table.uint(at + size - 4, 4) != NORMAL_SPEED:
            raise Unsuitable("an edit changes the speed")
        if time == -1 and media is None:
            delay += Fraction(duration, movie_timescale)
        elif media is None and time >= 0:
            media = (time, duration)
        else:
            raise Unsuitable("a track has several edits")
    if media is None:
        return -round(delay * timescale), None
    zero = media[0] - round(delay * timescale)
    shown = round(Fraction(media[1], movie_timescale) * timescale) or None
    return zero, None if shown is None else shown + round(delay * timescale)


def _sizes(tables: Box, most: int) -> array[int]:
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
    if count > _MOST_SAMPLES:
        raise Unsuitable("the index is too large")
    values = table.numbers(8, 2 * count, code)
    return values[::2], values[1::2]


def _decode_times(tables: Box, samples: int) -> array[int]:
    counts, deltas = _runs(tables.child(b"stts"), "I")
    if sum(counts) < samples:
        raise Unsuitable("samples have no time")
    return array("q", accumulate(_spread(counts, deltas, samples), initial=0))


def _offsets(tables: Box, samples: int) -> array[int] | None:
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


def _sync(tables: Box, samples: int) -> array[int] | None:
    table = tables.optional(b"stss")
    if table is None:
        return None
    count = table.uint(4, 4)
    if count > samples:
        raise Unsuitable("more samples are keyframes than there are")
    return array("I", (n - 1 for n in table.numbers(8, count) if 0 < n <= samples))


def _chunks(tables: Box, samples: int) -> Chunks:
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
    if total > _MOST_SAMPLES:
        raise Unsuitable("the index is too large")
    if total < samples:
        raise Unsuitable("samples have no place")
    counts_of_chunks = chain.from_iterable(map(repeat, counts, alike))
    return Chunks(array("I", accumulate(counts_of_chunks, initial=0)), offsets)
