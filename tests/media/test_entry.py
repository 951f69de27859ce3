"""FLV and Matroska without an index are sampled over their whole length."""

import random

import pytest
from PIL import Image

from shared import media
from shared.media.frames import entry, keyframes
from shared.media.frames import film as film_module
from shared.media.frames.budget import FrameBudget
from shared.media.pictures import stills as stills_module
from shared.media.reading import container
from tests.media.clips import Clip, Size, mean_color, source_of
from tests.media.conftest import Make
from tests.media.remux import Remux, remuxed
from tests.media.test_storyboard import clock, tiles_of

SIZE: Size = (160, 96)
LIVE = {"live": "1"}
NO_METADATA = {"flvflags": "no_metadata+no_duration_filesize"}


@pytest.mark.parametrize(
    ("name", "codec", "options", "with_sound"),
    [
        ("a.mkv", "libx264", LIVE, True),
        ("vp8.webm", "libvpx", LIVE, False),
        ("vp9.webm", "libvpx-vp9", LIVE, False),
        ("a.flv", "libx264", {}, True),
        ("bare.flv", "libx264", NO_METADATA, False),
        ("hevc.flv", "libx265", {}, True),
        ("old.flv", "flv1", {}, True),
    ],
)
def test_film_without_index_has_tiles_of_all_of_it(
    made: Make,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    codec: str,
    options: dict[str, str],
    *,
    with_sound: bool,
) -> None:
    """Each tile shows its time."""
    monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    suffix = ".webm" if name.endswith("webm") else ".flv" if codec == "flv1" else ".mp4"
    film = made(f"a{suffix}", Clip(seconds=12, size=SIZE, gop=25, draw=clock, codec=codec))
    sound = made("a.m4a", Clip(codec=None, sounds=("aac",), seconds=12)) if with_sound else None
    path = remuxed(film.with_name(f"no index {name}"), film, Remux(options=options), sound)
    with media.opened(source_of(path)) as file:
        stills = file.stills()
    board = stills.storyboard
    assert board is not None
    assert len(board.starts) >= 8
    assert board.starts[-1] > 9
    for start, tile in zip(board.starts, tiles_of(stills), strict=True):
        assert mean_color(tile)[0] == pytest.approx(10 * start, abs=5)


@pytest.mark.parametrize("name", ["a.mkv", "a.flv"])
def test_large_film_without_index_is_sampled_within_its_budget(
    made: Make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It has some tiles, spread over the film, for a fraction of its bytes."""
    monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    budgets: list[FrameBudget] = []

    def small_budget(film: object, count: int, max_bytes: int) -> FrameBudget:
        budgets.append(FrameBudget(film, count, min(max_bytes, 1_500_000)))  # type: ignore[arg-type]  # replaces the class
        return budgets[-1]

    monkeypatch.setattr(stills_module, "FrameBudget", small_budget)
    monkeypatch.setattr(stills_module, "_PREVIEW_BYTES", 0)
    clip = Clip(seconds=24, size=(640, 360), gop=25, codec_options={"crf": "2"})
    film = made("large.mp4", clip)
    path = remuxed(
        film.with_name(f"large {name}"), film, Remux(options=LIVE if "k" in name else {})
    )
    with media.opened(source_of(path)) as file:
        described = file.bytes_read
        board = file.stills().storyboard
        assert file.bytes_read - described < path.stat().st_size / 2
    assert board is not None
    assert board.starts[-1] > 12


def test_board_of_a_film_that_was_read_only_at_its_beginning_ends_there(
    made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last tile must not represent all that follows."""
    monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    monkeypatch.setattr(entry, "can_enter_anywhere", lambda _: False)
    monkeypatch.setattr(stills_module, "_FRAME_BYTES", (300_000, 300_000))
    film = made("large.mp4", Clip(seconds=24, size=(640, 360), gop=25, codec_options={"crf": "2"}))
    path = remuxed(film.with_name("begin.flv"), film, Remux())
    with media.opened(source_of(path)) as file:
        stills = file.stills()
    assert stills.poster is not None
    assert stills.storyboard is not None
    assert len(stills.storyboard.starts) > 1
    assert stills.storyboard.duration < 16


@pytest.mark.parametrize("with_sound", [True, False])
def test_recording_with_one_keyframe_is_not_searched_for_another(
    made: Make, monkeypatch: pytest.MonkeyPatch, *, with_sound: bool
) -> None:
    """FFmpeg would read it to its end, each time that it goes back to the beginning."""
    for module in (film_module, container):
        monkeypatch.setattr(module, "SEARCH_BYTES", 256 * 1024)
    noise = random.Random(4)
    clip = Clip(
        seconds=2,
        size=(320, 180),
        gop=999,
        codec_options={"crf": "1"},
        draw=lambda size, _: Image.frombytes("RGB", size, noise.randbytes(3 * size[0] * size[1])),
    )
    film = made("noise.mp4", clip)
    sound = made("a.m4a", Clip(codec=None, sounds=("aac",), seconds=12)) if with_sound else None
    path = remuxed(film.with_name("noise.mkv"), film, Remux(options=LIVE), sound)
    with media.opened(source_of(path)) as file:
        file.frame_at(0, 96)
        # Its end is looked at, and its beginning for the tracks and the frame rate.
        assert file.bytes_read < path.stat().st_size
