"""A new index for the samples that a cut keeps, and which ranges of the source they lie in.

The result is a file of `header` and, behind it, the ranges one after the other: not one byte of
the media is changed. What describes a track (codec, size, rotation, colours, language) is copied
as it is.
"""

import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from shared.media.cutting.mp4_boxes import Box, box, full_box, patched, swapped
from shared.media.cutting.mp4_index import NORMAL_SPEED, Movie, Track, Unsuitable
from shared.media.cutting.mp4_selection import Selection, Span

type Range = tuple[int, int]

# Bytes between two ranges that are copied as well: a request costs more than they do.
_LARGEST_GAP = 1024 * 1024
_LARGEST_32_BITS = 0xFFFF_FFFF
_KEPT_OF_A_TRACK = frozenset((b"tkhd", b"tapt"))


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A film as its new beginning and ranges (offset, length) of the source that follow it."""

    header: bytes
    ranges: Sequence[Range]

    @property
    def size(self) -> int:
        return len(self.header) + sum(length for _, length in self.ranges)


@dataclass(frozen=True, slots=True)
class _Run:
    """Samples of one track that lie one after the other in the source."""

    offset: int
    size: int
    samples: int


def rewritten(
    file_type: bytes, movie: Movie, span: Span, ranges: Sequence[Range] | None = None
) -> Rewritten:
    """The film of a span; `file_type` is the source's `ftyp` box, or empty.

    `ranges` are those of the source that the new film keeps, by default just what it needs.
    """
    runs = [list(_runs(selection)) for selection in span.selections]
    ranges = ranges or _merged(run for track in runs for run in track)
    tables = [
        _sample_tables(selection, track)
        for selection, track in zip(span.selections, runs, strict=True)
    ]
    size = len(_header(file_type, movie, span, tables, [[0] * len(track) for track in runs], 0))
    placement = _Placement(ranges, size)
    chunks = [[placement.of(run.offset) for run in track] for track in runs]
    media = sum(length for _, length in ranges)
    return Rewritten(_header(file_type, movie, span, tables, chunks, media), ranges)


class _Placement:
    """Where the bytes of the source are in the new file."""

    def __init__(self, ranges: Sequence[Range], begin: int) -> None:
        self._offsets = [offset for offset, _ in ranges]
        self._begins = list(accumulate((length for _, length in ranges), initial=begin))

    def of(self, offset: int) -> int:
        at = bisect_right(self._offsets, offset) - 1
        return self._begins[at] + offset - self._offsets[at]


def _runs(selection: Selection) -> Iterator[_Run]:
    track, numbers = selection.track, selection.numbers
    kept = None if isinstance(numbers, range) else set(numbers)
    offset, size, samples = -1, 0, 0
    for number, place in track.places(numbers[0], numbers[-1]):
        if kept is not None and number not in kept:
            continue
        if place != offset + size:
            if samples:
                yield _Run(offset, size, samples)
            offset, size, samples = place, 0, 0
        size += track.sizes[number]
        samples += 1
    yield _Run(offset, size, samples)


def _merged(runs: Iterator[_Run]) -> list[Range]:
    """The ranges that hold all runs, with small gaps between them closed."""
    ranges: list[Range] = []
    for run in sorted(runs, key=lambda run: run.offset):
        if ranges and run.offset <= sum(ranges[-1]) + _LARGEST_GAP:
            begin, length = ranges[-1]
            ranges[-1] = (begin, max(length, run.offset + run.size - begin))
        else:
            ranges.append((run.offset, run.size))
    return ranges


def _header(
    file_type: bytes,
    movie: Movie,
    span: Span,
    tables: Sequence[bytes],
    chunks: Sequence[Sequence[int]],
    media: int,
) -> bytes:
    timescale = _movie_timescale(movie, span)
    tracks = [
        _track(selection, timescale, table, places)
        for selection, table, places in zip(span.selections, tables, chunks, strict=True)
    ]
    length = max(_shown_for(selection, timescale) for selection in span.selections)
    moov = box(b"moov", _movie_header(movie.header, timescale, length), *tracks)
    beginning = file_type or box(b"ftyp", b"qt  ", bytes(4), b"qt  ")
    return beginning + moov + struct.pack(">I4sQ", 1, b"mdat", 16 + media)


def _movie_timescale(movie: Movie, span: Span) -> int:
    """The clock of the main track, so that the cut ends exactly where its last frame does."""
    main = span.selections[0].track.timescale
    fits = (span.end - span.start + 60) * main < _LARGEST_32_BITS
    return main if fits else movie.timescale


def _shown_for(selection: Selection, timescale: int) -> int:
    """How long a track is, its delay included, in units of the movie."""
    shown = selection.track.seconds(selection.end) - selection.track.seconds(selection.start)
    return round((selection.delay + shown) * timescale)


def _movie_header(header: Box, timescale: int, length: int) -> bytes:
    start = len(header.whole) - len(header.body)
    if header.version:
        changes = {start + 20: struct.pack(">IQ", timescale, length)}
    else:
        changes = {start + 12: struct.pack(">II", timescale, length)}
    return patched(header.whole, changes)


def _track(selection: Selection, timescale: int, tables: bytes, chunks: Sequence[int]) -> bytes:
    track = selection.track
    length = _shown_for(selection, timescale)
    kept = [
        _track_header(inside, length) if inside.kind == b"tkhd" else bytes(inside.whole)
        for inside in track.box.children()
        if inside.kind in _KEPT_OF_A_TRACK
    ]
    places = swapped(array("Q", chunks)).tobytes()
    table = box(b"stbl", tables, full_box(b"co64", 0, 0, struct.pack(">I", len(chunks)), places))
    information = track.box.child(b"mdia", b"minf")
    minf = box(b"minf", *_others(information, b"stbl"), table)
    media = track.box.child(b"mdia")
    header = _media_header(media.child(b"mdhd"), _media_length(selection))
    mdia = box(b"mdia", header, *_others(media, b"mdhd", b"minf"), minf)
    return box(b"trak", *kept, _edits(selection, timescale), mdia)


def _others(parent: Box, *replaced: bytes) -> list[bytes]:
    return [bytes(inside.whole) for inside in parent.children() if inside.kind not in replaced]


def _track_header(header: Box, length: int) -> bytes:
    start = len(header.whole) - len(header.body)
    at, value = (
        (28, struct.pack(">Q", length)) if header.version else (20, struct.pack(">I", length))
    )
    return patched(header.whole, {start + at: value})


def _media_header(header: Box, length: int) -> bytes:
    start = len(header.whole) - len(header.body)
    if header.version:
        return patched(header.whole, {start + 24: struct.pack(">Q", length)})
    return patched(header.whole, {start + 16: struct.pack(">I", min(length, _LARGEST_32_BITS))})


def _media_length(selection: Selection) -> int:
    times, numbers = selection.track.decode_times, selection.numbers
    return times[numbers[-1] + 1] - times[numbers[0]]


def _edits(selection: Selection, timescale: int) -> bytes:
    """From where in the track's media it is shown, for how long, and after what delay."""
    track = selection.track
    delay = round(selection.delay * timescale)
    media_time = selection.start - track.decode_times[selection.numbers[0]]
    if media_time < 0:
        raise Unsuitable("a frame is shown before it is decoded")
    entries = [(delay, -1)] if delay else []
    entries.append((_shown_for(selection, timescale) - delay, media_time))
    body = b"".join(struct.pack(">QqI", *entry, NORMAL_SPEED) for entry in entries)
    return box(b"edts", full_box(b"elst", 1, 0, struct.pack(">I", len(entries)), body))


def _sample_tables(selection: Selection, runs: Sequence[_Run]) -> bytes:
    """All tables of a track but the places of its chunks."""
    track, numbers = selection.track, selection.numbers
    times = track.decode_times
    ends = [times[number] for number in numbers[1:]] + [times[numbers[-1] + 1]]
    durations = [end - times[number] for number, end in zip(numbers, ends, strict=True)]
    description = track.box.child(b"mdia", b"minf", b"stbl", b"stsd")
    sizes = swapped(array("I", (track.sizes[number] for number in numbers))).tobytes()
    return b"".join(
        (
            bytes(description.whole),
            full_box(b"stts", 0, 0, _run_lengths(durations)),
            _offsets(track, numbers),
            _sync(track, numbers),
            full_box(b"stsz", 0, 0, struct.pack(">II", 0, len(numbers)), sizes),
            full_box(b"stsc", 0, 0, _chunk_counts(runs)),
        )
    )


def _offsets(track: Track, numbers: Sequence[int]) -> bytes:
    if track.offsets is None:
        return b""
    offsets = [track.offsets[number] for number in numbers]
    return full_box(b"ctts", int(min(offsets) < 0), 0, _run_lengths(offsets))


def _sync(track: Track, numbers: Sequence[int]) -> bytes:
    if track.sync is None:
        return b""
    sync = set(track.sync)
    kept = array("I", (place for place, number in enumerate(numbers, 1) if number in sync))
    return full_box(b"stss", 0, 0, struct.pack(">I", len(kept)), swapped(kept).tobytes())


def _run_lengths(values: Sequence[int]) -> bytes:
    runs = [(len(list(equal)), value) for value, equal in groupby(values)]
    flat = array("I", (number & _LARGEST_32_BITS for run in runs for number in run))
    return struct.pack(">I", len(runs)) + swapped(flat).tobytes()


def _chunk_counts(runs: Sequence[_Run]) -> bytes:
    entries: list[int] = []
    for place, run in enumerate(runs, 1):
        if not entries or entries[-2] != run.samples:
            entries += (place, run.samples, 1)
    return struct.pack(">I", len(entries) // 3) + swapped(array("I", entries)).tobytes()
