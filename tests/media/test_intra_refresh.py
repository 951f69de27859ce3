"""Films without pictures that can be decoded alone: intra refresh, with recovery points only."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared import media
from shared.media import Limits
from shared.media.frames import keyframes
from tests.media.clips import UPRIGHT, Clip, decoded, make_long, nearest_quarters, source_of
from tests.media.conftest import Make
from tests.media.remux import Remux, remuxed
from tests.media.test_storyboard import tiles_of

FILM = Clip(
    seconds=8,
    size=(160, 96),
    codec_options={"x264-params": "intra-refresh=1:keyint=25:bframes=0:ref=1:scenecut=0"},
)


@pytest.mark.parametrize("played", [True, False])
@pytest.mark.parametrize("dropped", [0, 3])
@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.mp4", "fragmented.mp4"])
def test_film_with_recovery_points_has_a_board(
    made: Make, monkeypatch: pytest.MonkeyPatch, name: str, dropped: int, *, played: bool
) -> None:
    """It has one with and without the real keyframe at the beginning."""
    if not played:
        monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    options = {"movflags": "frag_keyframe+empty_moov"} if "fragmented" in name else {}
    film = made("a.ts", FILM)
    path = remuxed(
        film.with_name(f"{dropped} {name}"), film, Remux(dropped=dropped, options=options)
    )
    with media.opened(source_of(path)) as file:
        stills, first = file.stills(), decoded(file.frame_at(0, 160))
    assert stills.storyboard is not None
    assert len(stills.storyboard.starts) >= 5
    assert stills.storyboard.starts[-1] > 5
    for picture in (first, *tiles_of(stills)):
        assert nearest_quarters(picture) == UPRIGHT


@pytest.mark.parametrize("played", [True, False])
@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.mp4", "fragmented.mp4"])
def test_hevc_without_a_keyframe_is_shown_after_a_refresh(
    made: Make, monkeypatch: pytest.MonkeyPatch, name: str, *, played: bool
) -> None:
    """Its encoder writes no recovery points, so decoders withhold every frame."""
    if not played:
        monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    params = {"x265-params": "intra-refresh=1:keyint=25:bframes=0:log-level=none"}
    film = made("a.ts", replace(FILM, codec="libx265", codec_options=params))
    options = {"movflags": "frag_keyframe+empty_moov"} if "fragmented" in name else {}
    path = film.with_name(f"hevc {played} {name}")
    remuxed(path, film, Remux(dropped=3, options=options))
    with media.opened(source_of(path)) as file:
        stills, late = file.stills(), decoded(file.frame_at(7, 160))
    assert stills.poster is not None
    for picture in (decoded(stills.poster.data), late):
        assert nearest_quarters(picture) == UPRIGHT
    if played:
        assert stills.storyboard is not None
        assert len(stills.storyboard.starts) >= 4
        assert stills.storyboard.starts[-1] > 5
        assert all(nearest_quarters(tile) == UPRIGHT for tile in tiles_of(stills))


@pytest.mark.parametrize("name", ["long.ts", "long.mkv", "long.mp4"])
def test_long_film_with_recovery_points_stays_within_its_budget(made: Make, name: str) -> None:
    """The docs say so: 13 MB for pictures, for any size."""
    film = made("a.mp4", replace(FILM, size=(480, 272), codec_options={
        "crf": "1", **FILM.codec_options}))  # fmt: skip
    path = _long(film, name)
    try:
        with media.opened(source_of(path), Limits(max_seconds=600)) as file:
            described = file.bytes_read
            stills = file.stills()
            assert file.bytes_read - described < 13_000_000
    finally:
        path.unlink()
    assert stills.storyboard is not None
    assert stills.storyboard.starts[-1] > stills.storyboard.duration / 2


def _long(film: Path, name: str) -> Path:
    return make_long(film.with_name(name), film, 12, options={})
