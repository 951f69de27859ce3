"""The poster: a good frame, upright, in the right shape, as a JPEG of bounded size."""

from collections.abc import Callable
from fractions import Fraction
from io import BytesIO

import pytest
from PIL import Image, ImageStat

from shared import media
from shared.media.frames.samples import Sample, within
from shared.media.reading.source import BLOCK_BYTES
from tests.media.clips import (
    QUARTERS,
    UPRIGHT,
    Clip,
    Size,
    decoded,
    mean_color,
    nearest_quarters,
    scene,
    source_of,
)
from tests.media.conftest import Make, poster_of, sample

SIZE = (320, 180)


def turned(*, rotation: int, mirrored: bool) -> dict[str, str]:
    """Returns where the quarters end up, from moving corners by hand."""
    corners = ["top left", "top right", "bottom right", "bottom left"]  # clockwise
    shown = dict(zip(corners, corners, strict=True))
    if mirrored:
        shown = {
            "top left": "bottom left",
            "bottom left": "top left",
            "top right": "bottom right",
            "bottom right": "top right",
        }
    for _ in range(rotation // 90):
        shown = {corners[(n + 1) % 4]: shown[corner] for n, corner in enumerate(corners)}
    return shown


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_poster_is_upright(made: Make, rotation: int, *, mirrored: bool) -> None:
    """In all eight positions; ffmpeg's own autorotation agrees (compared with ffmpeg 5.1)."""
    image = decoded(poster_of(made("a.mp4", Clip(rotation=rotation, mirrored=mirrored))))
    assert nearest_quarters(image) == turned(rotation=rotation, mirrored=mirrored)
    assert image.size == ((320, 180) if rotation in (0, 180) else (180, 320))


@pytest.mark.parametrize(
    ("shape", "rotation", "size"),
    [(Fraction(4, 3), 0, (427, 180)), (Fraction(4, 3), 270, (180, 427))],
)
def test_poster_has_square_pixels(
    made: Make, shape: Fraction, rotation: int, size: tuple[int, int]
) -> None:
    """The poster is as wide as the picture is shown."""
    path = made("a.mp4", Clip(pixel_shape=shape, rotation=rotation))
    assert decoded(poster_of(path)).size == size


def test_poster_of_a_large_film_is_1280_wide(made: Make) -> None:
    """1280 pixels are the largest width of a poster."""
    path = made("a.mp4", Clip(size=(1920, 1080), seconds=0.04))
    assert decoded(poster_of(path)).size == (1280, 720)


def test_poster_is_a_jpeg(made: Make) -> None:
    """It has eight bits, and no metadata about its maker."""
    jpeg = poster_of(made("a.mp4"))
    assert jpeg is not None
    image = Image.open(BytesIO(jpeg))
    assert (image.format, image.mode) == ("JPEG", "RGB")


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("hevc.mp4", Clip(codec="libx265")),
        ("vp8.webm", Clip(codec="libvpx")),
        ("vp9.webm", Clip(codec="libvpx-vp9", size=(321, 181))),
        ("av1.mp4", Clip(codec="libsvtav1")),
        ("av1.webm", Clip(codec="libsvtav1")),
        ("mpeg4.avi", Clip(codec="mpeg4")),
        ("h264.ts", Clip()),
        ("h264.mkv", Clip()),
        ("h264.flv", Clip()),
        ("mpeg2.mpg", Clip(codec="mpeg2video")),
        ("live.webm", Clip(codec="libvpx", options={"live": "1"})),
        ("one frame.mp4", Clip(seconds=0.04)),
        ("one keyframe.mp4", Clip(gop=250)),
        ("prores.mov", Clip(codec="prores_ks", pixel_format="yuv422p10le", seconds=0.4)),
        (
            "fragmented.mp4",
            Clip(options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
        ),
        (
            "dash.mp4",
            Clip(seconds=8, options={"movflags": "dash+frag_keyframe+empty_moov+global_sidx"}),
        ),
    ],
)
def test_every_kind_of_film_has_a_poster(made: Make, name: str, clip: Clip) -> None:
    """This covers every codec and container."""
    image = decoded(poster_of(made(name, clip)))
    assert image.size == clip.size
    assert nearest_quarters(image) == UPRIGHT


def lead(seconds: float, before: float) -> Callable[[Size, float], Image.Image]:
    """Returns a film that shows the scene at `before` brightness for its first `seconds`."""
    return lambda size, time: scene(size, brightness=before if time < seconds else 1.0)


def fade(seconds: float) -> Callable[[Size, float], Image.Image]:
    """Returns a film that rises from black to the scene within `seconds`."""
    return lambda size, time: scene(size, brightness=min(1.0, time / seconds))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("gop", [25, 1000])
def test_black_lead_is_avoided(made: Make, name: str, gop: int) -> None:
    """The poster comes from a later keyframe, or from after the only one."""
    path = made(name, Clip(seconds=8, gop=gop, draw=lead(5, 0.0)))
    assert nearest_quarters(decoded(poster_of(path))) == UPRIGHT


@pytest.mark.parametrize("gop", [25, 1000])
def test_fade_is_avoided(made: Make, gop: int) -> None:
    """The poster is as bright as the scene after the fade."""
    path = made("a.mp4", Clip(seconds=6, gop=gop, draw=fade(3)))
    bright = ImageStat.Stat(scene(SIZE)).mean
    assert ImageStat.Stat(decoded(poster_of(path))).mean == pytest.approx(bright, abs=8)


def test_blank_is_avoided(made: Make) -> None:
    """Most of the film is a white title card."""

    def draw(size: Size, time: float) -> Image.Image:
        return scene(size) if 3 <= time < 5 else Image.new("RGB", size, "white")

    path = made("a.mp4", Clip(seconds=10, draw=draw))
    assert nearest_quarters(decoded(poster_of(path))) == UPRIGHT


def test_black_film_still_has_a_poster(made: Make) -> None:
    """If there is no better frame, the poster is black."""
    path = made("a.mp4", Clip(draw=lambda size, _: Image.new("RGB", size)))
    assert max(mean_color(decoded(poster_of(path)))) < 8


@pytest.mark.parametrize(
    ("name", "sound"), [("a.mp4", "aac"), ("a.mp3", "libmp3lame"), ("a.flac", "flac")]
)
def test_sound_file_shows_its_cover(made: Make, name: str, sound: str) -> None:
    """The poster of a sound file is its cover, if it has one."""
    cover = scene((200, 200))
    path = made(name, Clip(codec=None, sounds=(sound,), cover=cover))
    image = decoded(poster_of(path))
    assert image.size == (200, 200)
    assert nearest_quarters(image) == UPRIGHT


def test_sound_file_without_cover_has_no_poster(made: Make) -> None:
    """No poster is a result, not a failure."""
    assert poster_of(made("a.m4a", Clip(codec=None, sounds=("aac",)))) is None


def test_damaged_cover_does_not_fail_the_sound(made: Make) -> None:
    """The song still plays."""
    path = made("a.mp3", Clip(codec=None, sounds=("libmp3lame",), cover=scene((200, 200))))
    data = bytearray(path.read_bytes())
    picture = data.index(b"\xff\xd8\xff")
    data[picture + 4 : picture + 700] = bytes(696)
    source = source_of(path)
    source.data = bytes(data)
    with media.opened(source) as file:
        assert file.media.audio is not None
        file.stills()


def test_only_keyframes_are_fetched_from_an_mp4(made: Make) -> None:
    """Each is read by its exact range, without the bytes between; the preview reads more."""
    path = made("a.mp4", Clip(seconds=16, size=(640, 360), codec_options={"crf": "1"}))
    source = source_of(path)
    with media.opened(source) as file:
        before = len(source.reads)
        file.stills()
    fetched = source.reads[before:]
    keyframes = [length for _, length in fetched if length != BLOCK_BYTES]
    assert 14 <= len(keyframes) <= 17
    assert len(fetched) - len(keyframes) <= 4


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("anamorphic.mp4", (1024, 576)),
        ("black_lead.mp4", (1280, 720)),
        ("odd_vp9.webm", (852, 479)),
        ("rot90.mp4", (720, 1280)),
        ("single_frame.mp4", (640, 360)),
        ("tiny.mp4", (28, 16)),
        ("vfr.mp4", (1280, 720)),
    ],
)
def test_posters_of_the_samples(name: str, size: tuple[int, int]) -> None:
    """Posters have the right shape and show a picture, although several films begin in black."""
    image = decoded(poster_of(sample(name)))
    assert image.size == size
    assert max(mean_color(image)) > 60
    assert image.convert("L").entropy() > 3.5


def test_scene_has_four_different_quarters() -> None:
    """The tests above require it."""
    assert nearest_quarters(scene(SIZE)) == UPRIGHT
    assert len(QUARTERS) == 4


def test_huge_keyframes_are_fewer_but_still_spread() -> None:
    """A film in 8K is judged by fewer candidates, at least by one."""
    samples = [Sample(number=n, offset=n, length=10, timestamp=n, until=n) for n in range(8)]
    assert [s.timestamp for s in within(samples, 80)] == list(range(8))
    assert [s.timestamp for s in within(samples, 40)] == [0, 2, 4, 6]
    assert sum(s.length for s in within(samples, 29)) <= 29
    assert len(within(samples, 5)) == 1
    assert within([], 5) == []
