"""Clips that are encoded: exact to the frame from any film, upright, square, 8 bit, no lead-in."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from shared.errors import CutOutOfRange
from shared.media import Limits, opened
from shared.media.cutting.by_encoding.encoders import ENCODERS
from shared.media.cutting.by_index.mp4_film import read_film
from shared.media.cutting.clip_maker import CutRange, encode_clip
from shared.media.cutting.packets import CopiedFilm
from shared.model.cut_method import Accuracy
from shared.model.playability import PlaybackVerdict, playback_of
from tests.media.clips import UPRIGHT as UPRIGHT_QUARTERS
from tests.media.clips import (
    Clip,
    decoded,
    make,
    nearest_quarters,
    quarter_colors,
    scene,
    source_of,
)
from tests.media.counted import UNTIMED, counted, shown, sound_shift

FILMS: dict[str, Clip] = {
    "h264.mkv": counted(codec_options={"preset": "fast", "bf": "2"}),
    "h264.ts": counted(codec_options={"preset": "fast", "bf": "2"}),
    "mpeg4.avi": counted(codec="mpeg4", sounds=("libmp3lame",)),
    "vp8.webm": counted(codec="libvpx", sounds=("libopus",)),
    "hevc.mp4": counted(codec="libx265"),
    "prores.mov": counted(codec="prores_ks", pixel_format="yuv422p10le", sounds=("pcm_s16le",)),
}


def encoded(
    path: Path,
    to: Path,
    start: float,
    end: float,
    encoder: str = "libx264",
    check: Callable[[], None] = lambda: None,
) -> tuple[Path, CopiedFilm]:
    blocks: list[bytes] = []
    film = encode_clip(
        source_of(path),
        CutRange(start=start, end=end, accuracy=Accuracy.FRAME),
        encoder,
        blocks.append,
        block=65536,
        limits=Limits(),
        check=check,
    )
    to.write_bytes(film.beginning + b"".join(blocks))
    return to, film


@pytest.mark.parametrize("name", FILMS)
def test_encoded_clip_shows_exactly_its_frames_and_sound(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, FILMS[name])
    whole = shown(path)
    for start, end in [(0, 1), (3.3, 5.02)]:
        result, film = encoded(path, tmp_path / "clip.mp4", start, end)
        part = shown(result)
        begins = float(film.start)
        assert begins <= max(start, whole.frames[0][0]) + 0.001
        assert start - begins <= 0.041
        assert part.numbers == [n for t, n in whole.frames if begins - 0.002 < t < end - 0.0005]
        assert part.frames[0][0] == pytest.approx(0, abs=0.002)
        assert abs(sound_shift(whole.sound, part.sound, begins)) <= 96  # 2 ms


@pytest.mark.parametrize("name", UNTIMED)
def test_pictures_without_display_times_are_shown_in_their_order(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, UNTIMED[name])
    result, film = encoded(path, tmp_path / "clip.mp4", 1.5, 2.9)
    part = shown(result)
    first = part.numbers[0]
    assert part.numbers == list(range(first, first + 36))
    assert [round(time, 2) for time, _ in part.frames] == [round(n / 25, 2) for n in range(36)]
    # Muxers put up to three frames of delay before the first.
    assert 0 <= 1.5 - first / 25 <= 0.13
    assert abs(float(film.start) - 1.5) <= 0.041


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_keeps_the_frames(tmp_path: Path, encoder: str) -> None:
    path = make(tmp_path / "film.mkv", FILMS["h264.mkv"])
    result, _ = encoded(path, tmp_path / "clip.mp4", 2.4, 3.6, encoder)
    assert shown(result).numbers == list(range(60, 90))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_result_is_upright_with_square_pixels(
    tmp_path: Path,
    rotation: int,
    mirrored: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    recipe = Clip(
        rotation=rotation, mirrored=mirrored, pixel_shape=Fraction(3, 2), size=(160, 120), seconds=1
    )
    path = make(tmp_path / "film.mp4", recipe)
    with opened(source_of(path)) as before:
        wanted = nearest_quarters(decoded(before.frame_at(0.2, 640)))
        size = (before.media.video.width, before.media.video.height) if before.media.video else None
    result, _ = encoded(path, tmp_path / "clip.mp4", 0, 1)
    with opened(source_of(result)) as after:
        video = after.media.video
        assert video is not None
        assert (video.width, video.height, video.rotation) == (*(size or ()), 0)
        assert (video.coded_width, video.coded_height) == size
        assert nearest_quarters(decoded(after.frame_at(0.2, 640))) == wanted


def test_result_of_a_common_film_looks_like_it(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", Clip(seconds=1, size=(320, 180)))
    result, _ = encoded(path, tmp_path / "clip.mp4", 0, 1)
    with opened(source_of(result)) as after:
        assert nearest_quarters(decoded(after.frame_at(0, 640))) == UPRIGHT_QUARTERS


@pytest.mark.parametrize("space", [2, 1, 6])
@pytest.mark.parametrize("size", [(1280, 720), (320, 180)])
def test_result_has_the_colours_of_the_film(
    tmp_path: Path, size: tuple[int, int], space: int
) -> None:
    """Untagged films (2) are shown as BT.709 (1) if they are HD, and as BT.601 (6) if not."""
    path = make(tmp_path / "film.mp4", Clip(seconds=0.2, size=size, space=space))
    result, _ = encoded(path, tmp_path / "clip.mp4", 0, 1)
    with opened(source_of(path)) as before, opened(source_of(result)) as after:
        seen, wanted = (quarter_colors(decoded(file.frame_at(0, 320))) for file in (after, before))
    for quarter, color in wanted.items():
        assert seen[quarter] == pytest.approx(color, abs=6), quarter


@pytest.mark.parametrize(("transfer", "name"), [(16, "hdr10"), (18, "hlg")])
def test_hdr_becomes_what_a_normal_screen_shows(tmp_path: Path, transfer: int, name: str) -> None:
    recipe = Clip(
        seconds=0.4,
        codec="libx265",
        pixel_format="yuv420p10le",
        primaries=9,
        transfer=transfer,
        space=9,
        draw=lambda size, _: scene(size, brightness=0.6),
    )
    path = make(tmp_path / "film.mp4", recipe)
    result, _ = encoded(path, tmp_path / "clip.mp4", 0, 1)
    with opened(source_of(path)) as before, opened(source_of(result)) as after:
        assert before.media.video is not None
        assert before.media.video.hdr == name
        assert playback_of(after.media, fragmented=False).verdict is PlaybackVerdict.DIRECT
        pictures = [decoded(file.frame_at(0, 320)) for file in (before, after)]
    assert difference(*pictures) < 8


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of the quarters' colours, of 255."""
    small = [picture.resize((2, 2), Image.Resampling.BOX).tobytes() for picture in (one, other)]
    total: int = sum(abs(a - b) for a, b in zip(*small, strict=True))
    return total / len(small[0])


def test_large_picture_is_shrunk_to_full_hd(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mp4", Clip(seconds=0.2, size=(2560, 1440)))
    result, _ = encoded(path, tmp_path / "clip.mp4", 0, 1)
    with opened(source_of(result)) as after:
        assert after.media.video is not None
        assert (after.media.video.width, after.media.video.height) == (1920, 1080)


def test_sound_alone_is_encoded(tmp_path: Path) -> None:
    path = make(tmp_path / "sound.mkv", counted(codec=None, sounds=("flac",)))
    result, film = encoded(path, tmp_path / "clip.mp4", 2, 4)
    assert film.start == 2
    part = shown(result)
    assert part.duration == pytest.approx(2, abs=0.05)
    assert abs(sound_shift(shown(path).sound, part.sound, 2)) <= 96


def test_range_behind_the_film_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", FILMS["h264.mkv"])
    with pytest.raises(CutOutOfRange):
        encoded(path, tmp_path / "clip.mp4", 30, 31)


def test_file_contains_nothing_before_the_start(tmp_path: Path) -> None:
    """An edit list hides a lead-in; encoding leaves it out, also from a film that hides one."""
    path = make(tmp_path / "film.mp4", FILMS["hevc.mp4"])
    source = source_of(path)
    _, cut = read_film(source).cut(3, 8, Accuracy.EDIT_LIST)
    trimmed = tmp_path / "trimmed.mp4"
    ranges = (source.data[offset : offset + length] for offset, length in cut.ranges)
    trimmed.write_bytes(cut.header + b"".join(ranges))
    result, _ = encoded(trimmed, tmp_path / "clip.mp4", 0, 2)
    with av.open(str(result), options={"ignore_editlist": "1"}) as container:
        frames = sum(1 for _ in container.decode(video=0))
    assert frames == 50
    assert shown(result).numbers == list(range(75, 125))


def test_encoding_ends_when_its_check_raises(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mkv", FILMS["h264.mkv"])
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls > 20:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        encoded(path, tmp_path / "clip.mp4", 0, 8, check=check)
    assert calls == 21
