"""A file whose end is missing is recognised, wherever it was cut."""

import pytest

from shared import media
from shared.errors import UnplayableClip
from shared.media import FailureCode
from tests.media.clips import Clip, MemorySource
from tests.media.conftest import Make

POSITIONS = 80
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def cuts(data: bytes) -> list[int]:
    """Returns positions over the whole file, with more of them at both ends."""
    even = range(1, len(data), max(1, len(data) // POSITIONS))
    return sorted({*even, *range(1, 40), *range(len(data) - 40, len(data))})


def outcome(data: bytes) -> str:
    """Returns `ready` or the code of the failure of describing a file."""
    try:
        with media.opened(MemorySource(data)):
            return "ready"
    except UnplayableClip as failure:
        return failure.failure_code


@pytest.mark.parametrize(
    ("name", "clip", "header"),
    [
        ("fast start.mp4", Clip(sounds=("aac",), options={"movflags": "faststart"}), 8),
        ("moov at the end.mp4", Clip(sounds=("aac",)), 8),
        ("fragmented.mp4", Clip(gop=5, options=FRAGMENTED), 8),
        ("a.mov", Clip(), 8),
        ("a.mkv", Clip(sounds=("flac",)), 4),
        ("a.webm", Clip(codec="libvpx"), 4),
        ("a.avi", Clip(codec="mpeg4"), 12),
    ],
)
def test_cut_anywhere(made: Make, name: str, clip: Clip, header: int) -> None:
    """From the magic number of the format on, to its last byte; whole it is ready."""
    data = made(name, clip).read_bytes()
    assert outcome(data) == "ready"
    complete = boundaries(data) if "fragmented" in name else set()
    for position in cuts(data):
        expected: set[str] = {FailureCode.TRUNCATED}
        if position < header:
            expected = {FailureCode.NOT_A_VIDEO, FailureCode.TRUNCATED}
        elif position in complete or (name == "a.avi" and position == len(data) - 1):
            expected.add("ready")  # whole as it is, or but for a byte of padding
        assert outcome(data[:position]) in expected, position


def boundaries(data: bytes) -> set[int]:
    """Returns where the outermost boxes of an MP4 end."""
    ends, position = set(), 0
    while position < len(data):
        position += int.from_bytes(data[position : position + 4])
        ends.add(position)
    return ends


def test_truncation_of_a_broadcast_cannot_be_detected(made: Make) -> None:
    """MPEG-TS has no beginning and no end: the existing packets count."""
    data = made("a.ts").read_bytes()
    assert outcome(data[: len(data) * 2 // 3]) == "ready"
