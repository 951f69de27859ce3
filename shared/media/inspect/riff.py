"""AVI and WAV: whether the end is missing, and the frame rate that an AVI should have.

An AVI has no times but the number of each frame: its rate makes its length and the time of each
picture. Two headers have it, and the length of the sound shows which of them is right.

Source: the RIFF section of Microsoft's "Multimedia Programming Interface", and its "AVI RIFF File
Reference".
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from shared.media.inspect.layout import Layout
from shared.media.reading.bounds import is_usual_rate
from shared.media.reading.corrections import Correction
from shared.media.reading.source import BLOCK_BYTES, SourceFile

# Recorders that cannot seek back leave a size at or near the largest possible one.
_UNKNOWN_SIZE = 0xFFFF_F000

# Two rates that differ by no more than this are the same.
_NEAR_RATE = 0.1

_MICROSECONDS = 1_000_000
_HEADER = 8


@dataclass(frozen=True, slots=True)
class _Stream:
    """What `strh` says: the rate is a fraction, and stands at `rate_at` in the file."""

    kind: bytes
    scale: int
    rate: int
    length: int
    rate_at: int

    @property
    def a_second(self) -> float:
        return self.rate / self.scale if self.scale else 0.0


def read_riff(head: bytes, file: SourceFile) -> Layout:
    """Returns the layout of a file that begins with `head`, twelve bytes or more of it."""
    declared = int.from_bytes(head[4:8], "little")
    known = 0 < declared < _UNKNOWN_SIZE
    is_avi = head[8:12] == b"AVI "
    return Layout(
        container="avi" if is_avi else "wav",
        # Some writers count a padding byte that they do not write.
        truncated=known and declared + 8 > file.size + 1,
        corrections=tuple(_corrected_rates(file.peek(0, BLOCK_BYTES))) if is_avi else (),
    )


def _corrected_rates(data: bytes) -> Iterator[Correction]:
    """Yields the right rate of each picture track whose rate is wrong."""
    main = data.find(b"avih") + _HEADER
    if main < _HEADER or main + 20 > len(data):
        return
    microseconds = int.from_bytes(data[main : main + 4], "little")
    streams = list(_streams(data))
    sounds = [stream for stream in streams if stream.kind == b"auds" and stream.a_second > 0]
    sound_seconds = max((sound.length / sound.a_second for sound in sounds), default=0.0)
    for picture in streams:
        if picture.kind == b"vids" and picture.a_second > 0:
            right = _right_rate(picture, microseconds, sound_seconds)
            if right is not None:
                yield picture.rate_at, struct.pack("<2I", *right)


def _right_rate(
    picture: _Stream, microseconds: int, sound_seconds: float
) -> tuple[int, int] | None:
    """Returns the frame rate as a fraction, upside down as `strh` has it; None if it is right."""
    declared = picture.a_second
    main = _MICROSECONDS / microseconds if microseconds else 0.0
    by_sound = picture.length / sound_seconds if sound_seconds else 0.0
    if is_usual_rate(declared) and not (
        is_usual_rate(main) and by_sound > 0 and _distance(main, by_sound) < _NEAR_RATE
    ):
        return None
    if is_usual_rate(main):
        differs = _distance(main, declared) > _NEAR_RATE
        return (microseconds, _MICROSECONDS) if differs else None
    if is_usual_rate(by_sound):
        return round(sound_seconds * 1000), picture.length * 1000
    return None


def _distance(one: float, other: float) -> float:
    """Returns by which share two positive rates differ, about."""
    return abs(math.log(one / other))


def _streams(data: bytes) -> Iterator[_Stream]:
    at = data.find(b"strh")
    while at >= 0 and at + _HEADER + 36 <= len(data):
        body = at + _HEADER
        scale, rate, _, length = struct.unpack_from("<4I", data, body + 20)
        yield _Stream(data[body : body + 4], scale, rate, length, body + 20)
        at = data.find(b"strh", body)
