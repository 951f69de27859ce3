"""A stretch of a film without an index: found by bisecting, and read as a film of its own.

FFmpeg would read such a film from the beginning. Fragments of an MP4, clusters of Matroska and tags
of FLV have a time each, so that about ten small reads find the one that a cut begins in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from shared.media.reading.byte_source import ByteSource

# Seconds by which a stretch begins earlier than what is wanted, one after the other until it has a
# keyframe; and ends later. Sound may be stored half a second apart from its picture.
_STEPS_BACK = (0.5, 3.0, 8.0, 20.0, 70.0)
_LATER = 1.0
# How many entries are passed one by one, by their lengths, before the search jumps again.
_HOPS = 8
# When a search ends: after so many jumps, or so many seconds before what is wanted.
_MOST_JUMPS = 40
_NEAR = 0.5


@dataclass(frozen=True, slots=True)
class Entry:
    """A place at which a film can be entered: its first byte, its time in seconds.

    `end` is where the next one begins, None where that is not written.
    """

    place: int
    time: float
    end: int | None


class Entries(Protocol):
    """The entries of one film."""

    @property
    def first(self) -> int:
        """Where the first entry begins."""

    def at(self, place: int) -> Entry | None:
        """The entry that begins at this place; None if none does."""

    def behind(self, place: int, limit: int) -> Entry | None:
        """The first entry that begins at or behind a place, and before `limit`."""

    def front(self, place: int) -> "Front":
        """What stands in front of the entry at a place, in a film that begins with it."""


@dataclass(frozen=True, slots=True)
class Front:
    """The first bytes of a film, and so many zeros behind them."""

    head: bytes
    zeros: int = 0

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`."""
        data = self.head[offset : offset + length]
        end = min(offset + length, len(self.head) + self.zeros)
        return data + bytes(max(0, end - offset - len(data)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A source of bytes: a front and, behind it, a part of another source."""

    source: ByteSource
    front: Front
    begin: int
    end: int

    @property
    def size(self) -> int:
        """Length of the whole in bytes."""
        return len(self.front.head) + self.front.zeros + self.end - self.begin

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`, fewer only at the end."""
        length = max(0, min(length, self.size - offset))
        data = self.front.read(offset, length)
        if len(data) == length:
            return data
        behind = offset + len(data) - len(self.front.head) - self.front.zeros
        return data + self.source.read(self.begin + behind, length - len(data))


class Search:
    """Finds entries by their time; each found entry narrows where it looks next."""

    def __init__(self, source: ByteSource, entries: Entries) -> None:
        self._source = source
        self._size = source.size
        self._entries = entries
        self._seconds: float | None = None

    def beginning(self) -> Stretch:
        """The first two entries: enough to see the tracks, and when the film begins."""
        first = self._entries.first
        last = self._entries.behind(first, self._size)
        if last is not None:
            last = self._entries.behind(last.end or last.place + 1, self._size) or last
        end = self._size if last is None else self.end_of(last)
        return Stretch(self._source, self._entries.front(first), first, end)

    def stretches(self, start: float, end: float, seconds: float | None) -> Iterator[Stretch]:
        """Stretches that show the film from `start` to `end`, each beginning earlier.

        Times are those of the entries; `seconds` is how long the film is said to be.
        """
        self._seconds = seconds
        last = self.last_before(end + _LATER)
        for back in _STEPS_BACK:
            first = self.last_before(start - back)
            if first is None or last is None:
                return
            front = self._entries.front(first.place)
            yield Stretch(self._source, front, first.place, self.end_of(last))
            if first.place <= self._entries.first:
                return

    def last_before(self, time: float) -> Entry | None:
        """The last entry at or before a time; the first of all if there is none."""
        low = self._entries.behind(self._entries.first, self._size)
        if low is None or low.time > time:
            return low
        high, high_time = self._size, self._seconds
        for _ in range(_MOST_JUMPS):
            low, is_last = self._hop(low, time, high)
            if is_last or time - low.time < _NEAR or high <= low.place + 1:
                break
            jump = _reckoned(low, time, high, high_time)
            found = self._entries.behind(jump, high)
            if found is None:
                high = jump
            elif found.time > time:
                high, high_time = jump, found.time
            else:
                low = found
        return low

    def end_of(self, entry: Entry) -> int:
        """Where an entry ends: the next one, or the end of the film."""
        if entry.end is not None:
            return min(entry.end, self._size)
        following = self._entries.behind(entry.place + 1, self._size)
        return self._size if following is None else following.place

    def _hop(self, low: Entry, time: float, high: int) -> tuple[Entry, bool]:
        """The last of the next few entries at or before a time, and whether no later one is."""
        for _ in range(_HOPS):
            if low.end is None:
                return low, False
            following = self._entries.at(low.end) if low.end < high else None
            if following is None or following.time > time:
                return low, low.end >= high or following is not None
            low = following
        return low, False


def _reckoned(low: Entry, time: float, high: int, high_time: float | None) -> int:
    """An estimate of where an entry of this time is: rather too early, and never at the ends."""
    share = 0.5
    if high_time is not None and high_time > low.time:
        share = min(0.9, 0.97 * (time - low.time) / (high_time - low.time))
    return low.place + max(1, int((high - low.place) * share))
