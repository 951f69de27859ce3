"""Recordings with a single keyframe that are too long to be played: a part of them is shown."""

from collections.abc import Iterator

import pytest

from shared import media
from shared.media.frames import budget, keyframes
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import onward
from shared.media.pictures import preview
from shared.media.pictures import stills as stills_module
from shared.media.reading.source import BLOCK_BYTES
from tests.media.clips import Clip, Size, mean_color, noisy_scene, source_of
from tests.media.conftest import Make
from tests.media.counted import RATE
from tests.media.test_storyboard import clock, tiles_of

SECONDS = 20.0
SIZE: Size = (160, 96)
PART_FRAMES = 200

FORMATS = [
    ("a.mp4", "libx264", {}),
    ("a.mov", "libx264", {}),
    ("a.mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
    ("a.mp4", "libx264", {"movflags": "empty_moov", "frag_duration": "1000000"}),
    ("a.mkv", "libx264", {}),
    ("a.mkv", "libx265", {}),
    ("live.mkv", "libx264", {"live": "1"}),
    ("a.webm", "libvpx", {"live": "1"}),
    ("a.ts", "libx264", {}),
    ("a.flv", "libx264", {}),
]


@pytest.fixture(autouse=True)
def _few_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    monkeypatch.setattr(budget, "_PIXELS", PART_FRAMES * SIZE[0] * SIZE[1])


@pytest.mark.parametrize(("name", "codec", "options"), FORMATS)
def test_part_that_can_be_decoded_has_a_board_with_an_honest_end(
    made: Make, name: str, codec: str, options: dict[str, str]
) -> None:
    clip = Clip(seconds=SECONDS, size=SIZE, gop=100_000, draw=clock, codec=codec, options=options)
    with media.opened(source_of(made(name, clip))) as file:
        stills = file.stills()
    board = stills.storyboard
    assert board is not None
    assert len(board.starts) >= 5
    assert board.duration <= PART_FRAMES / RATE + 0.5
    assert board.starts[-1] < board.duration
    for start, tile in zip(board.starts, tiles_of(stills), strict=True):
        assert mean_color(tile)[0] == pytest.approx(10 * start, abs=6)
    assert stills.preview is not None


def test_short_film_is_not_decoded_for_its_board(made: Make) -> None:
    """One picture is enough for a few seconds."""
    path = made("short.mp4", Clip(seconds=6, size=SIZE, gop=100_000, draw=clock))
    with media.opened(source_of(path)) as file:
        board = file.stills().storyboard
        assert board is not None
        assert board.duration == file.media.duration


@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.flv", "a.mp4"])
def test_search_for_other_keyframes_is_bounded(
    made: Make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """This includes the preview, whose position is after the only keyframe."""
    clip = Clip(
        seconds=SECONDS,
        size=SIZE,
        gop=100_000,
        draw=noisy_scene,
        codec_options={"crf": "10"},
    )
    path = made(name, clip)
    size = path.stat().st_size
    most = 12 * BLOCK_BYTES
    assert size > 2 * most
    monkeypatch.setattr(stills_module, "_FRAME_BYTES", (size // 10, size // 10))
    monkeypatch.setattr(stills_module, "_PREVIEW_BYTES", size // 20)
    monkeypatch.setattr(stills_module, "_allowance", lambda _: size // 5)
    with media.opened(source_of(path)) as file:
        described = file.bytes_read
        stills = file.stills()
        assert file.bytes_read - described < most
    assert stills.storyboard is not None
    assert stills.storyboard.duration < SECONDS / 2


def test_preview_whose_bytes_are_read_is_not_begun_again(
    made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three seconds of this film are more than a preview may read."""
    clip = Clip(
        seconds=12,
        size=SIZE,
        gop=50,
        draw=noisy_scene,
        codec_options={"crf": "1"},
    )
    begun = []

    def counted(film: Film, timestamp: int, last_byte: int | None = None) -> Iterator[TimedFrame]:
        begun.append(timestamp)
        return onward(film, timestamp, last_byte)

    monkeypatch.setattr(preview, "onward", counted)
    monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    monkeypatch.setattr(stills_module, "_PREVIEW_BYTES", BLOCK_BYTES)
    with media.opened(source_of(made("a.mp4", clip))) as file:
        assert file.stills().preview is None
    assert len(begun) < 2
