"""Lets an MPEG transport or program stream be read with one clock, wherever its own begins anew.

A small file is read as a whole. Of a larger one a few places are looked at, each twice as far from
the beginning as the one before. A clock that begins anew where it first began is then behind that
of the look before, wherever it does so between the two. Then a file of moderate size is read as a
whole; in others halving finds the place, and each part is searched like that.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, pairwise
from statistics import median

from shared.media.inspect.clock_jumps import FilmTracks, jumps_in
from shared.media.reading.mpeg_clock import (
    CLOCK_RATE,
    JoinedSource,
    Joint,
    MpegPart,
    TimedPacket,
    ticks_between,
)
from shared.media.reading.source import BLOCK_BYTES, WHOLE_BYTES, SourceFile

_PROGRAM_START = b"\x00\x00\x01\xba"
# Each packet of a transport stream begins with this byte. Its length: alone, behind its time of
# arrival (M2TS), or in front of parity. The first one need not be whole.
_SYNC, _FEWEST_SYNCS = b"\x47", 5
_PACKET_LENGTHS = (188, 192, 204)

# Looks in front of the end, and what each reads. In most films a picture begins in it; where too
# few looks in a large film find one, each reads more.
_FIRST_LOOKS, _FEWEST_LOOKS = 4, 3
_LOOK_BYTES, _LONG_LOOK_BYTES = 128 * 1024, 512 * 1024
# At both ends, and where a joint is searched for, a large picture is passed.
_LARGEST_PICTURE = 1024 * 1024
# A stretch is halved to the first length, and read as a whole if it is not longer than the second.
# What is around it is read too, for the pictures beside a joint.
_SHORT_STRETCH, _LONGEST_STRETCH = 512 * 1024, 4 * 1024 * 1024
_AROUND_BYTES = 128 * 1024

# A film that is larger than this is left as it is if a search needs more bytes: these are enough
# for about seven joints.
_MOST_BYTES = 16 * 1024 * 1024
# The rest of a film is left as it is after so many stretches that only seemed to have a joint.
_MOST_MISTAKES = 2

# Between two looks at one track the clock goes ahead: by more or less than other parts of the film
# say, but by no more than so many times that and these ticks, and by no less than that share of it
# and a second, which one large picture may take. Sound and picture are stored up to a second apart.
_MOST_SHARES, _MOST_AHEAD, _LEAST_SHARE = 4, 10 * CLOCK_RATE, 0.05
_SECOND = CLOCK_RATE


def join_clock(file: SourceFile) -> None:
    """Lets `file` be read with one clock, if it is an MPEG stream whose clock begins anew."""
    head = file.peek(0, _FEWEST_SYNCS * max(_PACKET_LENGTHS))
    is_transport = _is_transport(head)
    if not is_transport and not head.startswith(_PROGRAM_START):
        return
    search = _Search(file, is_transport=is_transport)
    joints = search.in_whole() if file.size <= WHOLE_BYTES else search.by_looks()
    if joints:
        added = accumulate(joint.added for joint in joints)
        joined = [Joint(joint.place, total) for joint, total in zip(joints, added, strict=True)]
        file.read_through(lambda source: JoinedSource(source, joined, is_transport))


def _is_transport(head: bytes) -> bool:
    return any(
        head[first::length][:_FEWEST_SYNCS] == _FEWEST_SYNCS * _SYNC
        for length in _PACKET_LENGTHS
        for first in range(length)
    )


class _Search:
    """The search for joints in one file."""

    def __init__(self, file: SourceFile, *, is_transport: bool) -> None:
        self._file = file
        self._is_transport = is_transport
        self._tracks: FilmTracks | None = None
        self._bytes_left = _MOST_BYTES
        self._look_bytes = _LOOK_BYTES
        self._slope = 0.0  # ticks for each byte, 0 if unknown

    def in_whole(self) -> list[Joint]:
        """Returns the joints of a file that is read as a whole."""
        (data,) = self._file.read_ranges([(0, self._file.size)])
        part = self._part(data, 0)
        self._tracks = FilmTracks.of(part.times)
        return jumps_in(part, self._tracks) if self._tracks else []

    def by_looks(self) -> list[Joint]:
        """Returns the joints that a few looks show."""
        head = self._part(self._file.peek(0, BLOCK_BYTES), 0)
        self._tracks = FilmTracks.of(head.times)
        before, end = self._first(head.times), self._end()
        joints: list[Joint] = []
        mistakes = 0
        while before is not None and end is not None and mistakes < _MOST_MISTAKES:
            jump = self._first_jump(before, end)
            if jump is None:
                break
            if self._file.size <= _MOST_BYTES:
                return self.in_whole()
            around = self._halved(*jump)
            if self._bytes_left < 0 or around[1].place - around[0].place > _LONGEST_STRETCH:
                return []
            found = self._exactly(*around)
            joints += found
            mistakes += not found
            before = around[1]
        return joints

    def _end(self) -> TimedPacket | None:
        """Returns the last time of the film."""
        for length in (BLOCK_BYTES, _LARGEST_PICTURE):
            tail = self._part(self._file.peek_end(length), self._file.size - length)
            end = self._first(tail.times[::-1])
            if end is not None:
                return end
        return None

    def _first_jump(
        self, start: TimedPacket, end: TimedPacket
    ) -> tuple[TimedPacket, TimedPacket] | None:
        """Returns the first two looks with a joint between them, None if there is none."""
        looks = pairwise(chain((start,), self._looks_from(start, end), (end,)))
        return next((pair for pair in looks if self._is_jump(*pair)), None)

    def _looks_from(self, start: TimedPacket, end: TimedPacket) -> Iterator[TimedPacket]:
        """Looks at places that are twice as far from `start` each, all at once the first time."""
        length = end.place - start.place
        places = [start.place + (length >> n) for n in range(_FIRST_LOOKS, 0, -1)]
        if length <= _SHORT_STRETCH:
            return
        if not self._slope:
            looks = list(self._looks(places, self._look_bytes))
            if len(looks) < _FEWEST_LOOKS and self._file.size > _MOST_BYTES:
                self._look_bytes = _LONG_LOOK_BYTES
                looks = list(self._looks(places, self._look_bytes))
            self._slope = _usual_slope([start, *looks, end])
            yield from looks
            return
        for place in places:
            yield from self._looks([place], self._look_bytes)

    def _halved(self, before: TimedPacket, behind: TimedPacket) -> tuple[TimedPacket, TimedPacket]:
        """Returns two looks near to each other, with a joint between them."""
        while behind.place - before.place > _SHORT_STRETCH and self._bytes_left > 0:
            middle = self._behind((before.place + behind.place) // 2)
            if middle is None or middle.place >= behind.place:
                break
            if self._is_jump(before, middle):
                behind = middle
            else:
                before = middle
        return before, behind

    def _behind(self, place: int) -> TimedPacket | None:
        """Returns the first time behind a place."""
        pieces = range(place, min(place + _LARGEST_PICTURE, self._file.size), 2 * _LOOK_BYTES)
        found = (look for piece in pieces for look in self._looks([piece], 2 * _LOOK_BYTES))
        return next(found, None)

    def _is_jump(self, before: TimedPacket, behind: TimedPacket) -> bool:
        passed = ticks_between(before.decoded, behind.decoded)
        usual = self._slope * (behind.place - before.place)
        apart = 0 if before.track == behind.track else _SECOND
        least = max(-apart, _LEAST_SHARE * usual - _SECOND)
        return not least <= passed <= _MOST_AHEAD + _MOST_SHARES * usual

    def _exactly(self, before: TimedPacket, behind: TimedPacket) -> list[Joint]:
        """Returns the joints between two places that are near to each other."""
        start = max(0, before.place - _AROUND_BYTES)
        end = min(self._file.size, behind.place + _AROUND_BYTES)
        self._bytes_left -= end - start
        (data,) = self._file.read_ranges([(start, end - start)])
        jumps = jumps_in(self._part(data, start), self._tracks) if self._tracks else []
        return [joint for joint in jumps if before.place < joint.place <= behind.place]

    def _looks(self, places: Sequence[int], size: int) -> Iterator[TimedPacket]:
        """Yields the first time at or behind each place, if one is near."""
        ranges = [(place, min(size, self._file.size - place)) for place in places]
        self._bytes_left -= sum(length for _, length in ranges)
        for place, data in zip(places, self._file.read_ranges(ranges), strict=True):
            look = self._first(self._part(data, place).times)
            if look is not None:
                yield look

    def _first(self, times: Sequence[TimedPacket]) -> TimedPacket | None:
        """Returns the first time of the picture, or else of its sound."""
        if self._tracks is None:
            return None
        sounds = (each for each in times if each.track in self._tracks.all)
        pictures = (each for each in times if each.track == self._tracks.main)
        return next(pictures, None) or next(sounds, None)

    def _part(self, data: bytes, offset: int) -> MpegPart:
        return MpegPart(data, offset, self._is_transport)


def _usual_slope(looks: Sequence[TimedPacket]) -> float:
    """Returns how many ticks a byte usually lasts between looks, 0 if that is unknown."""
    slopes = (
        ticks_between(before.decoded, behind.decoded) / (behind.place - before.place)
        for before, behind in pairwise(looks)
        if behind.place > before.place
    )
    return median([slope for slope in slopes if slope > 0] or [0.0])
