"""The length of recordings that do not say it."""

import pytest

from shared import media
from shared.media.inspect.matroska import last_block_seconds
from shared.media.reading.byte_source import Limits
from shared.media.reading.source import SourceFile
from tests.media.clips import Clip, MemorySource, make_long, source_of
from tests.media.conftest import Make, describe


def file_of(data: bytes) -> SourceFile:
    """Returns a file of these bytes."""
    return SourceFile(MemorySource(data), Limits(), clock=lambda: 0.0)


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("a.webm", Clip(codec="libvpx", options={"live": "1"}, seconds=7)),
        ("a.webm", Clip(codec="libvpx-vp9", sounds=("libopus",), options={"live": "1"}, seconds=7)),
        ("a.mkv", Clip(options={"live": "1"}, sounds=("flac",), seconds=7)),
        ("a.webm", Clip(codec=None, sounds=("libopus",), options={"live": "1"}, seconds=7)),
    ],
)
def test_length_of_a_recording(made: Make, name: str, clip: Clip) -> None:
    """To the frame."""
    assert describe(made(name, clip)).duration == pytest.approx(7.0, abs=0.05)


def test_long_recording_is_not_read_completely(made: Make) -> None:
    """Only its beginning and its end."""
    short = made("short.mp4", Clip(size=(640, 360), codec_options={"crf": "4"}))
    path = make_long(short.with_name("live.mkv"), short, 60, options={"live": "1"})
    source = source_of(path)
    with media.opened(source) as file:
        assert file.media.duration == pytest.approx(120.0, abs=0.1)
    assert file.bytes_read < 6_000_000 < source.size / 5


CLUSTER = bytes.fromhex("1f43b675")
BLOCK = bytes.fromhex("a3 86 81 0010 80 0000")  # track 1, 16 ticks in, two bytes


@pytest.mark.parametrize(
    ("tail", "seconds"),
    [
        (b"", None),
        (CLUSTER, None),
        (CLUSTER + b"\xff\xe7\x82\x03\xe8" + BLOCK, 1.016),
        (CLUSTER + b"\x8c\xe7\x82\x03\xe8" + BLOCK, 1.016),
        (CLUSTER + b"\xff\xe7\x82\x03\xe8\xa0\x88" + b"\xa1" + BLOCK[1:], 1.016),
        (CLUSTER + b"\xff\xe7\x82\x03\xe8" + BLOCK[:4], None),
        (CLUSTER + b"\xff\xe7\x82\x03\xe8" + BLOCK + CLUSTER + b"\xff\xff", 1.016),
        (CLUSTER + b"\xff" + BLOCK, None),
        (CLUSTER + b"\xff\xe7\x82\x03\xe8\xa3\xff", None),
        (CLUSTER + b"\0" * 20, None),
        (CLUSTER + b"\xff\xe7\x40\x90" + b"\xff" * 144 + BLOCK, None),  # a number of 144 bytes
    ],
)
def test_last_block(tail: bytes, seconds: float | None) -> None:
    """Simple or in a group, in a cluster of known size or not, cut or damaged."""
    assert last_block_seconds(file_of(bytes(50) + tail)) == seconds


def test_ticks_have_a_scale() -> None:
    """Ten microseconds here."""
    head = bytes.fromhex("1a45dfa3 80 18538067 01ffffffffffffff 1549a966 86 2ad7b1 82 2710")
    tail = CLUSTER + b"\xff\xe7\x82\x03\xe8" + BLOCK
    assert last_block_seconds(file_of(head + tail)) == pytest.approx(0.01016)
