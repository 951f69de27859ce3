"""A new index for the samples that a cut keeps, and which ranges of the source they lie in.

The result is a file of `header` and, behind it, the ranges one after the other: not one byte of
the media is changed. What describes a track (codec, size, rotation, colours, language) is copied
as it is.
"""

import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import sub

from shared.media.cutting.by_index.mp4_boxes import Box, box, full_box, patched, swapped
from shared.media.cutting.by_index.mp4_index import NORMAL_SPEED, Movie, Track
from shared.media.cutting.by_index.mp4_runs import Placement, Range, Runs, ranges_of, runs_of
from shared.media.cutting.by_index.mp4_selection import Selection, Span
from shared.media.cutting.unsuitable import Unsuitable

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


def rewritten(
    file_type: bytes, movie: Movie, span: Span, ranges: Sequence[Range] | None = None
) -> Rewritten:
    """The film of a span; `file_type` is the source's `ftyp` box, or empty.

    `ranges` are those of the source that the new film keeps, by default just what it needs.
    """
    runs = [runs_of(selection) for selection in span.selections]
    ranges = ranges or ranges_of(runs)
    tables = [
        _sample_tables(selection, track)
        for selection, track in zip(span.selections, runs, strict=True)
    ]
    unknown = [array("Q", bytes(8 * len(track.offsets))) for track in runs]
    size = len(_header(file_type, movie, span, tables, unknown, 0))
    placement = Placement(ranges, size)
    chunks = [placement.of(track.offsets) for track in runs]
    media = sum(length for _, length in ranges)
    return Rewritten(_header(file_type, movie, span, tables, chunks, media), ranges)


def _header(
    file_type: bytes,
    movie: Movie,
    span: Span,
    tables: Sequence[bytes],
    chunks: Sequence[array[int]],
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


def _track(selection: Selection, timescale: int, tables: bytes, chunks: array[int]) -> bytes:
    track = selection.track
    length = _shown_for(selection, timescale)
    kept = [
        _track_header(inside, length) if inside.kind == b"tkhd" else bytes(inside.whole)
        for inside in track.box.children()
        if inside.kind in _KEPT_OF_A_TRACK
    ]
    places = swapped(chunks[:]).tobytes()
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


def _sample_tables(selection: Selection, runs: Runs) -> bytes:
    """All tables of a track but the places of its chunks."""
    track, numbers = selection.track, selection.numbers
    times = _of(track.decode_times, numbers)
    times.append(track.decode_times[numbers[-1] + 1])
    durations = map(sub, times[1:], times)
    description = track.box.child(b"mdia", b"minf", b"stbl", b"stsd")
    sizes = swapped(_of(track.sizes, numbers)).tobytes()
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
    offsets = _of(track.offsets, numbers)
    return full_box(b"ctts", int(min(offsets) < 0), 0, _run_lengths(offsets))


def _sync(track: Track, numbers: Sequence[int]) -> bytes:
    if track.sync is None:
        return b""
    sync = set(track.sync)
    kept = array("I", (place for place, number in enumerate(numbers, 1) if number in sync))
    return full_box(b"stss", 0, 0, struct.pack(">I", len(kept)), swapped(kept).tobytes())


def _of(table: array[int], numbers: Sequence[int]) -> array[int]:
    """The entries of these samples, in an array of their own."""
    first, last = numbers[0], numbers[-1]
    if last - first + 1 == len(numbers):
        return table[first : last + 1]
    return array(table.typecode, (table[number] for number in numbers))


def _run_lengths(values: Iterable[int]) -> bytes:
    """How often each value comes, and the value: two numbers of 32 bits a run."""
    flat, count, last = array("I"), 0, 0
    for value in values:
        if value == last or not count:
            count, last = count + 1, value
        else:
            flat.extend((count, last & _LARGEST_32_BITS))
            count, last = 1, value
    flat.extend((count, last & _LARGEST_32_BITS))
    return struct.pack(">I", len(flat) // 2) + swapped(flat).tobytes()


def _chunk_counts(runs: Runs) -> bytes:
    entries: list[int] = []
    for place, samples in enumerate(runs.samples, 1):
        if not entries or entries[-2] != samples:
            entries += (place, samples, 1)
    return struct.pack(">I", len(entries) // 3) + swapped(array("I", entries)).tobytes()
