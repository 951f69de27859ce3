"""The times in an MPEG transport or program stream, and a source in which its clock runs through.

Recordings that were joined, and those of a device that started again, have a clock that begins anew
in the middle. Players go on as if nothing had happened. So does FFmpeg if the times that it reads
behind such a joint follow those in front of it.

Sources: ISO/IEC 13818-1, sections 2.4.3.6 and 2.4.3.7; ISO/IEC 11172-1, section 2.4.3.3. Times are
in units of 1/90,000 s.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shared.media.reading.byte_source import ByteSource

CLOCK_RATE = 90_000
PICTURES = range(0xE0, 0xF0)
_WRAP = 1 << 33

# The start of a PES packet with the time at which it is shown, and the time at which it is decoded
# if that is another one. No picture has this start code inside; sound is random, but it would have
# to match some 30 bits. Each is: the start code with the number of the stream (MPEG sound, picture,
# AC-3 and others), the length, the header of MPEG-2 or else of MPEG-1, and the times.
_TIMED_PACKET = re.compile(
    rb"\x00\x00\x01([\xbd\xc0-\xef\xfd]).."
    rb"(?:[\x80-\xbf][\x80-\xff].|\xff{0,16}(?:[\x40-\x7f].)?)"
    rb"(?:([\x20-\x2f].{4})|([\x30-\x3f].{4})([\x10-\x1f].{4}))",
    re.DOTALL,
)
_LONGEST_HEADER = 40

# A picture of MPEG-1 or MPEG-2 video begins, or the first slice of one of H.264.
_PICTURE = b"\x00\x00\x01\x00"
_H264_PICTURE = re.compile(rb"\x00\x00\x01[\x01\x21\x41\x61\x05\x25\x45\x65][\x80-\xff]")

_SYNC, _STARTS, _ADAPTATION, _PACKET = b"\x47", 0x40, 0x20, 188
# In what is between the head of a packet and its payload, the first byte of a head is rare.
_MOST_SYNCS = 8

# What has to be known around a range to find each time in it: a packet's header is before it.
_MARGIN = _PACKET + _LONGEST_HEADER


@dataclass(frozen=True, slots=True)
class TimedPacket:
    """When a picture or a sound is decoded and shown, and at which byte of the file it starts.

    `stream` is the number that says whether it is a picture. `track` is that of the transport
    packet; in a program stream it is the same as `stream`.
    """

    place: int
    track: int
    stream: int
    decoded: int
    shown: int


@dataclass(frozen=True, slots=True)
class MpegPart:
    """A part of a transport or program stream: `data`, which begins at `offset` of the file."""

    data: bytes
    offset: int
    is_transport: bool
    times: Sequence[TimedPacket] = field(init=False)

    def __post_init__(self) -> None:
        """Finds the times."""
        object.__setattr__(self, "times", list(self._times()))

    def _times(self) -> Iterator[TimedPacket]:
        for match in _TIMED_PACKET.finditer(self.data):
            stream = match[1][0]
            track = _track_at(self.data, match.start()) if self.is_transport else stream
            if track is not None:
                shown = _ticks(match[2] or match[3])
                decoded = _ticks(match[4]) if match[4] else shown
                yield TimedPacket(self.offset + match.start(), track, stream, decoded, shown)

    def pictures_between(self, place: int, end: int) -> int:
        """Returns how many pictures begin in a range of the file that begins with a timed packet.

        A transport stream has a time for each, a program stream for one now and then.
        """
        if self.is_transport:
            return 1
        data = self.data[place - self.offset : end - self.offset]
        return data.count(_PICTURE) or len(_H264_PICTURE.findall(data)) or 1


def ticks_between(earlier: int, later: int) -> int:
    """Returns how far two times are apart; the clock starts at zero again after 26.5 hours."""
    return (later - earlier + _WRAP // 2) % _WRAP - _WRAP // 2


@dataclass(frozen=True, slots=True)
class Joint:
    """Where the clock begins anew, and what is added to the times from this byte on."""

    place: int
    added: int


@dataclass(frozen=True, slots=True)
class JoinedSource:
    """A source whose clock runs through: the joints are in the order of the file."""

    source: ByteSource
    joints: Sequence[Joint]
    is_transport: bool

    @property
    def size(self) -> int:
        """Length of the whole in bytes."""
        return self.source.size

    def read(self, offset: int, length: int) -> bytes:
        """Returns a range with the times that follow those in front of each joint."""
        if offset + length <= self.joints[0].place:
            return self.source.read(offset, length)
        start = max(0, offset - _MARGIN)
        end = min(self.size, offset + length + _LONGEST_HEADER)
        data = bytearray(self.source.read(start, end - start))
        for match in _TIMED_PACKET.finditer(bytes(data)):
            added = self._added_at(start + match.start())
            if added and (not self.is_transport or _track_at(data, match.start()) is not None):
                for group in (2, 3, 4):
                    if match[group]:
                        data[match.start(group) : match.end(group)] = _moved(match[group], added)
        return bytes(data[offset - start : offset - start + length])

    def _added_at(self, place: int) -> int:
        number = bisect_right(self.joints, place, key=lambda joint: joint.place)
        return self.joints[number - 1].added if number else 0


def _track_at(data: bytes | bytearray, payload: int) -> int | None:
    """Returns the number of the transport packet whose payload starts here; None if none does."""
    begin, head = max(0, payload - _PACKET), payload - 3
    for _ in range(_MOST_SYNCS):
        head = data.rfind(_SYNC, begin, head)
        if head < 0:
            return None
        adaptation = 1 + data[head + 4] if data[head + 3] & _ADAPTATION else 0
        if head + 4 + adaptation == payload and data[head + 1] & _STARTS:
            return int.from_bytes(data[head + 1 : head + 3]) & 0x1FFF
    return None


def _ticks(time: bytes) -> int:
    """Reads 33 bits, in three parts that each end with a mark."""
    high, middle, low = time[0], int.from_bytes(time[1:3]), int.from_bytes(time[3:5])
    return (high >> 1 & 7) << 30 | middle >> 1 << 15 | low >> 1


def _moved(time: bytes, added: int) -> bytes:
    ticks = (_ticks(time) + added) % _WRAP
    high = time[0] & 0xF0 | ticks >> 30 << 1 | 1
    parts = ((ticks >> 15 & 0x7FFF) << 1 | 1, (ticks & 0x7FFF) << 1 | 1)
    return bytes((high, *parts[0].to_bytes(2), *parts[1].to_bytes(2)))
