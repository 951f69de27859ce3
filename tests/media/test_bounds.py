"""No implausible number from a file is used, and none overflows."""

import math

import pytest

from shared import media
from shared.errors import UnplayableClip
from shared.media.reading.bounds import (
    believable_bit_rate,
    believable_rate,
    believable_seconds,
    is_believable_time,
    ticks_for_ffmpeg,
)
from tests.media.clips import Clip, MemorySource
from tests.media.conftest import Make
from tests.media.fuzz import check_numbers

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
SMALL = (96, 64)


@pytest.mark.parametrize("seconds", [None, 0.0, -1.0, 10_000_000.5, 9.2e15, math.inf, math.nan])
def test_length_beyond_reason_is_unknown(seconds: float | None) -> None:
    assert believable_seconds(seconds) is None


@pytest.mark.parametrize("rate", [None, 0.0, -25.0, 30_000.0, math.inf, math.nan])
def test_frame_rate_beyond_reason_is_unknown(rate: float | None) -> None:
    assert believable_rate(rate) is None


def test_bit_rate_beyond_reason_is_unknown() -> None:
    assert believable_bit_rate(1000, None) is None
    assert believable_bit_rate(10**12, 1e-6) is None
    assert believable_bit_rate(1_000_000, 8.0) == 1_000_000


@pytest.mark.parametrize("timestamp", [-(2**80), -(2**63), 2**63, 2**80])
def test_time_stamps_stay_within_what_ffmpeg_holds(timestamp: int) -> None:
    assert -(2**63) < ticks_for_ffmpeg(timestamp) < 2**63
    assert not is_believable_time(timestamp / 1000)


def with_number(data: bytes, box: bytes, at: int, number: int, width: int) -> bytes:
    """Returns an MP4 with a number in every such box, `at` bytes from its name on."""
    changed = bytearray(data)
    start = changed.find(box)
    assert start >= 0
    while start >= 0:
        changed[start + at : start + at + width] = number.to_bytes(width)
        start = changed.find(box, start + 4)
    return bytes(changed)


NUMBERS_64 = [2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 2]
NUMBERS_32 = [0, 1, 2**31 - 1, 2**31, 2**32 - 1]


def use(data: bytes) -> None:
    """Uses a film in every way; each is a picture, or a documented failure."""
    try:
        with media.opened(MemorySource(data)) as file:
            check_numbers(file.media, file.stills())
            for seconds in (0.0, 1.0, 1e9, math.inf):
                file.frame_at(seconds, 48)
    except UnplayableClip:
        pass


@pytest.mark.parametrize("number", NUMBERS_64)
def test_time_of_a_fragment_does_no_harm(made: Make, number: int) -> None:
    data = made("f.mp4", Clip(size=SMALL, seconds=1, gop=5, options=FRAGMENTED)).read_bytes()
    use(with_number(data, b"tfdt", 8, number, 8))


@pytest.mark.parametrize("number", NUMBERS_32)
@pytest.mark.parametrize(
    ("box", "at"),
    [(b"mvhd", 20), (b"mvhd", 24), (b"mdhd", 16), (b"mdhd", 20), (b"stts", 16), (b"elst", 12)],
)
def test_times_of_an_index_do_no_harm(made: Make, box: bytes, at: int, number: int) -> None:
    """This covers scales, lengths, distances of samples and an edit."""
    data = made("a.mp4", Clip(size=SMALL, seconds=1, gop=5)).read_bytes()
    use(with_number(data, box, at, number, 4))


@pytest.mark.parametrize("number", [2**31, 2**32 - 2, 0xFF000002])
def test_track_number_beyond_what_ffmpeg_holds_is_damage(made: Make, number: int) -> None:
    """It would take FFmpeg half a minute, without a read at which a deadline could end it."""
    data = made("f.mp4", Clip(size=SMALL, seconds=1, gop=5, options=FRAGMENTED)).read_bytes()
    with (
        pytest.raises(UnplayableClip),
        media.opened(MemorySource(with_number(data, b"tkhd", 16, number, 4))),
    ):
        pass


@pytest.mark.parametrize("number", [0, 1, 2**16, 2**24 - 1])
def test_scale_of_matroska_does_no_harm(made: Make, number: int) -> None:
    data = made("a.mkv", Clip(size=SMALL, seconds=1, gop=5)).read_bytes()
    at = data.index(bytes.fromhex("2ad7b183")) + 4
    use(data[:at] + number.to_bytes(3) + data[at + 3 :])
