"""AVI and WAV: whether the end is missing, and the frame rate that an AVI should have.

An AVI has no times but the number of each frame: its rate makes its length and the time of each
picture. Two headers have it, and the length of the sound shows which of them is right. Where both
are beyond reason, that of the codec is used, which FFmpeg knows.

Source: the RIFF section of Microsoft's "Multimedia Programming Interface", and its "AVI RIFF File
Reference".
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from shared.media.inspect.layout import Layout
from shared.media.reading.bounds import is_too_fast, is_usual_rate
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
    # Some writers count a padding byte that they do not write.
    truncated = known and declared + 8 > file.size + 1
    if head[8:12] != b"AVI ":
        return Layout(container="wav", truncated=truncated)
    data = file.peek(0, BLOCK_BYTES)
    sound_seconds = _sound_seconds(data)
    corrections = tuple(_corrected_rates(data, sound_seconds))
    return Layout(
        container="avi",
        truncated=truncated,
        corrections=corrections,
        doubtful_rate_at=None if corrections else _doubtful_rate_at(data, sound_seconds),
    )


def with_rate_of_codec(layout: Layout, rate: Fraction | None) -> Layout:
    """Returns the layout of an AVI with a doubtful rate corrected to `rate`, if that is usual."""
    if layout.doubtful_rate_at is None or rate is None or not is_usual_rate(float(rate)):
        return layout
    right = struct.pack("<2I", rate.denominator, rate.numerator)
    corrections = (*layout.corrections, (layout.doubtful_rate_at, right))
    return replace(layout, corrections=corrections, doubtful_rate_at=None)


def _sound_seconds(data: bytes) -> float:
    sounds = [each for each in _streams(data) if each.kind == b"auds" and each.a_second > 0]
    return max((sound.length / sound.a_second for sound in sounds), default=0.0)


def _doubtful_rate_at(data: bytes, sound_seconds: float) -> int | None:
    """Returns where the first picture track has a rate beyond reason that no sound confirms."""
    picture = next((stream for stream in _streams(data) if stream.kind == b"vids"), None)
    if picture is None or not is_too_fast(picture.a_second):
        return None
    by_sound = picture.length / sound_seconds if sound_seconds else 0.0
    is_confirmed = by_sound > 0 and _distance(by_sound, picture.a_second) < _NEAR_RATE
    return None if is_confirmed else picture.rate_at


def _corrected_rates(data: bytes, sound_seconds: float) -> Iterator[Correction]:
    """Yields the right rate of each picture track whose rate is wrong."""
    main = data.find(b"avih") + _HEADER
    if main < _HEADER or main + 20 > len(data):
        return
    microseconds = int.from_bytes(data[main : main + 4], "little")
    for picture in _streams(data):
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
