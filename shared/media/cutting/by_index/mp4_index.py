"""The index of an MP4 or MOV: for every sample its time, its size and its place in the file.

Only films that one edit for each track describes can be cut by their index: no fragments, no
other files, no second edit. Everything else raises Unsuitable, and another method is used.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import add

from shared.media.cutting.by_index.mp4_boxes import Box, MalformedIndex, boxes_in
from shared.media.cutting.by_index.mp4_sample_tables import (
    MOST_SAMPLES,
    Chunks,
    chunks_of,
    decode_times_of,
    offsets_of,
    sizes_of,
    sync_of,
)
from shared.media.cutting.unsuitable import Unsuitable

_PICTURE, _SOUND = b"vide", b"soun"
_TRACK_ENABLED = 1
# The rate of an edit, a number with 16 bits behind the point.
NORMAL_SPEED = 0x1_0000


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
                room = MOST_SAMPLES - sum(track.count for track in tracks)
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
    sizes = sizes_of(tables, most_samples)
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
        decode_times=decode_times_of(tables, len(sizes)),
        offsets=offsets_of(tables, len(sizes)),
        sizes=sizes,
        sync=sync_of(tables, len(sizes)),
        chunks=chunks_of(tables, len(sizes)),
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
