"""Stills, cues and lengths count from the beginning of the clip, as players do."""

import pytest

from shared import media
from tests.media.clips import Clip, Size, decoded, mean_color, source_of
from tests.media.conftest import Make, stills_of
from tests.media.remux import KEEP_TIMES, Remux, remuxed
from tests.media.test_frame_at import numbered
from tests.media.test_storyboard import clock, tiles_of

SIZE: Size = (96, 64)
SOUND = Clip(codec=None, sounds=("aac",), seconds=14)


@pytest.mark.parametrize("gap", [0.0, 2.0])
@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.ts", "a.mkv", "a.flv"])
def test_time_counts_from_the_sound_that_begins_before_the_picture(
    made: Make, name: str, gap: float
) -> None:
    """Before the first picture, the first is shown."""
    film = made("a.mp4", Clip(seconds=10, size=SIZE, draw=clock))
    path = film.with_name(f"{gap} {name}")
    remuxed(path, film, Remux(delay=gap), made("a.m4a", SOUND))
    with media.opened(source_of(path)) as file:
        stills = file.stills()
        first = mean_color(decoded(file.frame_at(gap / 2, 96)))[0]
        later = mean_color(decoded(file.frame_at(gap + 6.02, 96)))[0]
    assert first == pytest.approx(0, abs=3)
    assert later == pytest.approx(60, abs=3)
    board = stills.storyboard
    assert board is not None
    assert board.starts[-1] > gap + 7
    for start, tile in list(zip(board.starts, tiles_of(stills), strict=True))[1:]:
        assert mean_color(tile)[0] == pytest.approx(10 * (start - gap), abs=4)


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv", "a.flv"])
def test_picture_much_shorter_than_its_sound_has_a_board(made: Make, name: str) -> None:
    """The picture has three of fourteen seconds; the last tile represents the rest."""
    film = made("a.mp4", Clip(seconds=10, size=SIZE, draw=clock))
    path = film.with_name(f"short {name}")
    remuxed(path, film, Remux(end=3.0), made("a.m4a", SOUND))
    with media.opened(source_of(path)) as file:
        stills, last = file.stills(), mean_color(decoded(file.frame_at(12, 96)))[0]
    board = stills.storyboard
    assert board is not None
    assert board.starts == pytest.approx((0, 1, 2), abs=0.1)
    assert board.duration == pytest.approx(14, abs=0.2)
    assert last == pytest.approx(29, abs=3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
@pytest.mark.parametrize("earlier", [0.12, 0.6])
def test_first_frames_decoded_far_before_zero_are_found(
    made: Make, name: str, earlier: float
) -> None:
    """Every frame is a keyframe, and the index knows when they are decoded."""
    film = made("a.mp4", Clip(size=SIZE, gop=1, draw=numbered))
    path = remuxed(
        film.with_name(f"{earlier} {name}"),
        film,
        Remux(earlier_decoding=earlier, options=KEEP_TIMES),
    )
    with media.opened(source_of(path)) as file:
        for number in (0, 1, 2, 20):
            shown = mean_color(decoded(file.frame_at(number / 25 + 0.001, 96)))[0] / 4
            assert shown == pytest.approx(number, abs=0.6)
        first = tiles_of(file.stills())[0]
    assert mean_color(first)[0] / 4 == pytest.approx(0, abs=0.6)


@pytest.mark.parametrize("delay", [-20.0, -3.5, 90_000.0])
@pytest.mark.parametrize(("name", "codec"), [("a.ts", "libx264"), ("a.mpg", "mpeg2video")])
def test_mpeg_is_shown_from_its_first_frame_at_any_time(
    made: Make, name: str, codec: str, delay: float
) -> None:
    """Also where its times are below zero, and its first keyframe is decoded before it is shown."""
    b_frames = {"preset": "medium", "bf": "2", "sc_threshold": "0"}
    clip = Clip(seconds=5, size=SIZE, gop=50, draw=clock, codec=codec, codec_options=b_frames)
    film = made("b.ts", clip)
    path = film.with_name(f"{delay} {name}")
    remuxed(path, film, Remux(delay=delay, options=KEEP_TIMES))
    shown = [mean_color(tile)[0] for tile in tiles_of(stills_of(path))]
    assert shown == pytest.approx([0, 10, 20, 30, 40], abs=3)
