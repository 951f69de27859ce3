"""All stills of a clip: sizes, formats, placeholder, preview, and what they cost."""

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from thash import thumb_hash_to_average_rgba

from shared import media
from shared.media import Limits
from shared.media.frames import keyframes
from shared.media.frames.film import Film, TimedFrame
from shared.media.frames.playback import onward
from shared.media.pictures import poster
from shared.media.pictures.stills import Stills, _allowance
from shared.model.link import ImageFormat
from tests.media.clips import (
    UPRIGHT,
    Clip,
    MemorySource,
    Size,
    decoded,
    make_long,
    mean_color,
    nearest_quarters,
    scene,
    source_of,
)
from tests.media.conftest import Make, stills_of
from tests.media.remux import Remux, remuxed


def opened(data: bytes) -> Image.Image:
    """Returns an encoded picture."""
    return Image.open(BytesIO(data))


@pytest.mark.parametrize(
    ("size", "rotation", "widths"),
    [
        ((1920, 1080), 0, [320, 640, 1280]),
        ((1280, 720), 90, [320, 640, 720]),
        ((1280, 720), 0, [320, 640, 1280]),
        ((640, 360), 0, [320, 640]),
        ((500, 280), 0, [320, 500]),
        ((200, 120), 0, [200]),
        ((16, 16), 0, [16]),
    ],
)
def test_posters(made: Make, size: Size, rotation: int, widths: list[int]) -> None:
    """JPEG and WebP of each width below the clip's, and its own up to 1280; the same picture."""
    stills = stills_of(made("a.mp4", Clip(size=size, seconds=0.04, rotation=rotation)))
    assert [picture.width for picture in stills.posters[::2]] == widths
    assert [picture.format for picture in stills.posters] == list(ImageFormat) * len(widths)
    displayed = size if rotation == 0 else size[::-1]
    for picture in stills.posters:
        image = opened(picture.data)
        assert image.size == (picture.width, picture.height)
        assert image.format == picture.format.upper()
        assert picture.content_type == f"image/{picture.format}"
        assert picture.height == pytest.approx(picture.width * displayed[1] / displayed[0], abs=1)
    assert stills.poster == stills.posters[-2]


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_every_size_shows_the_same(made: Make, name: str) -> None:
    """Each quarter is compared."""
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    for picture in stills_of(made(name, Clip(size=(960, 540), codec=codec))).posters:
        assert nearest_quarters(opened(picture.data).convert("RGB")) == UPRIGHT


def test_placeholder_is_a_thumbhash_of_the_poster(made: Make) -> None:
    """Its average colour is that of the film."""
    clip = Clip(draw=lambda size, _: Image.new("RGB", size, (200, 100, 50)))
    placeholder = stills_of(made("a.mp4", clip)).placeholder
    assert placeholder is not None
    average = thumb_hash_to_average_rgba(list(base64.b64decode(placeholder)))
    assert average is not None
    assert [round(255 * part) for part in average[:3]] == pytest.approx([200, 100, 50], abs=12)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_preview_is_three_silent_seconds(made: Make, name: str) -> None:
    """It has at most 480 pixels a side, and repeats."""
    path = made(name, Clip(seconds=8, size=(960, 540), draw=moving))
    preview = stills_of(path).preview
    assert preview is not None
    image = opened(preview.data)
    assert (image.format, image.size) == ("WEBP", (480, 270))
    assert getattr(image, "n_frames", 1) == pytest.approx(24, abs=1)
    assert image.info["loop"] == 0
    image.seek(1)
    image.load()
    assert image.info["duration"] == 125


def moving(size: Size, seconds: float) -> Image.Image:
    """Draws the scene with a bar that moves: pictures that are all the same would be merged."""
    image = scene(size)
    image.paste((255, 255, 255), (0, 0, 20 + round(seconds * 25), 20))
    return image


def test_short_clip_has_a_short_preview_and_one_frame_none(made: Make) -> None:
    """A single frame has no preview, because nothing moves."""
    short = stills_of(made("a.mp4", Clip(seconds=1.5, draw=moving))).preview
    assert short is not None
    assert getattr(opened(short.data), "n_frames", 1) == pytest.approx(12, abs=1)
    assert stills_of(made("a.mp4", Clip(seconds=0.04))).preview is None


def test_sound_with_cover_has_posters_only(made: Make) -> None:
    """It has a placeholder as well."""
    path = made("a.mp3", Clip(codec=None, sounds=("libmp3lame",), cover=scene((400, 400))))
    stills = stills_of(path)
    assert [picture.width for picture in stills.posters] == [320, 320, 400, 400]
    assert stills.placeholder is not None
    assert (stills.storyboard, stills.sheet, stills.preview) == (None, None, None)


def test_plain_film_is_not_walked_through(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its frames are equally plain: a longer search would find nothing better."""

    def plain(size: Size, _: float) -> Image.Image:
        return (
            scene(size).convert("L").point([60 + tone // 2 for tone in range(256)]).convert("RGB")
        )

    path = made("a.mp4", Clip(seconds=8, draw=plain))
    monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    monkeypatch.setattr(poster, "onward", lambda *_: pytest.fail("it is walked through"))
    assert stills_of(path).poster is not None


def test_walk_is_bounded(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A black film with one keyframe is not decoded to its end."""
    path = made("a.mp4", Clip(seconds=8, gop=10_000, draw=black))
    walked = []

    def counted(film: Film, timestamp: int, last_byte: int) -> Iterator[TimedFrame]:
        for frame in onward(film, timestamp, last_byte):
            walked.append(frame.timestamp)
            yield frame

    monkeypatch.setattr(keyframes, "_PLAYED_PIXELS", 0)
    monkeypatch.setattr(poster, "_PIXELS", 50 * 320 * 180)
    monkeypatch.setattr(poster, "onward", counted)
    assert stills_of(path).poster is not None
    assert len(walked) == 51


def black(size: Size, _: float) -> Image.Image:
    """Draws nothing."""
    return Image.new("RGB", size)


def test_cost_does_not_grow_with_the_film(made: Make) -> None:
    """A film that is four times as long takes about the same bytes."""
    short = made("short.mp4", Clip(size=(640, 360), codec_options={"crf": "4"}))
    costs = []
    for times in (60, 240):
        path = make_long(short.with_name(f"long {times}.mp4"), short, times, options={})
        with media.opened(source_of(path)) as file:
            file.stills()
            costs.append(file.bytes_read)
        path.unlink()
    assert costs[1] < costs[0] * 1.2


def test_stills_found_within_the_limits_are_enough(made: Make) -> None:
    """With less time or fewer bytes there are fewer tiles and no preview, but a poster."""
    path = made("a.ts", Clip(seconds=20, size=(640, 360), codec_options={"crf": "1"}))
    with media.opened(source_of(path)) as file:
        described = file.bytes_read
    with media.opened(source_of(path), Limits(max_bytes=described + 2_000_000)) as file:
        stills = file.stills()
    assert stills.poster is not None
    assert stills.preview is None


@pytest.mark.parametrize(
    ("size", "share"), [(316_000_000, 0.02), (1_000_000_000, 0.0195), (100_000_000_000, 0.0002)]
)
def test_allowance(size: int, share: float) -> None:
    """What a large file may cost; a megabyte is left for its index and half of one for rounding."""
    assert _allowance(size) <= share * size


def test_every_frame_marked_as_keyframe(made: Make) -> None:
    """Some writers leave the table of keyframes out, which says that all are."""
    path = made("a.mp4", Clip(seconds=30))
    data = path.read_bytes()
    assert data.count(b"stss") == 1
    stills = with_data(data.replace(b"stss", b"free"))
    assert stills.poster is not None
    assert nearest_quarters(opened(stills.poster.data).convert("RGB")) == UPRIGHT
    assert stills.storyboard is not None
    assert len(stills.storyboard.starts) >= 4


def with_data(data: bytes) -> Stills:
    """Returns the stills of a file of these bytes."""
    return stills_of(MemorySource(data))


def test_interlaced_pictures_do_not_comb(made: Make) -> None:
    """Every second row of this film is black: of two fields, one is left out."""

    def comb(size: Size, _: float) -> Image.Image:
        image = Image.new("RGB", size, "white")
        for row in range(0, size[1], 2):
            image.paste((0, 0, 0), (0, row, size[0], row + 1))
        return image

    clip = Clip(
        codec="mpeg2video",
        size=(320, 192),
        draw=comb,
        pixel_format="yuv422p",
        codec_options={"flags": "+ildct+ilme", "q": "1"},
    )
    picture = stills_of(interlaced(made("a.mpg", clip))).poster
    assert picture is not None
    assert mean_color(opened(picture.data))[0] in (*range(30), *range(225, 256))


def interlaced(path: Path) -> MemorySource:
    """Returns an MPEG-2 film with the flag `progressive_frame` taken from each picture."""
    data = bytearray(path.read_bytes())
    at = data.find(b"\0\0\1\xb5\x8f")
    while at >= 0:
        data[at + 8] &= 0x7F
        at = data.find(b"\0\0\1\xb5\x8f", at + 1)
    return MemorySource(bytes(data))


def dark_at_first(size: Size, seconds: float) -> Image.Image:
    return scene(size, brightness=0.0 if seconds < 8 else 1.0)


@pytest.mark.parametrize("name", ["a.ts", "a.flv", "a.mkv"])
def test_film_with_one_keyframe_has_a_preview(made: Make, name: str) -> None:
    """Its best frame is late, and FFmpeg enters some formats behind the keyframe."""
    film = made("late.mp4", Clip(seconds=12, size=(96, 64), gop=999, draw=dark_at_first))
    path = remuxed(film.with_name(f"late {name}"), film, Remux())
    assert stills_of(path).preview is not None


@pytest.mark.parametrize("name", ["a.mkv", "a.flv", "a.ts", "a.mp4"])
def test_picture_that_ends_before_its_sound_has_a_preview(made: Make, name: str) -> None:
    """Its best frame may be the last one."""
    film = made("short.mp4", Clip(seconds=2.04, size=(96, 64), gop=50))
    sound = made("long.m4a", Clip(codec=None, sounds=("aac",), seconds=12))
    path = remuxed(film.with_name(f"short {name}"), film, Remux(), sound)
    assert stills_of(path).preview is not None


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "libx264"),
        ("a.ts", "libx264"),
        ("a.avi", "libx264"),
        ("a.avi", "mpeg4"),
        ("a.flv", "libx264"),
        ("a.flv", "flv1"),
        ("a.asf", "libx264"),
        ("a.mpg", "mpeg2video"),
        ("a.webm", "libvpx"),
        ("a.mkv", "mjpeg"),
    ],
)
def test_film_of_one_frame_has_a_poster_and_one_tile(made: Make, name: str, codec: str) -> None:
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = made(name, Clip(seconds=0.04, codec=codec, pixel_format=pixels))
    stills = stills_of(path)
    assert nearest_quarters(decoded(stills.poster.data if stills.poster else None)) == UPRIGHT
    assert stills.storyboard is not None
    assert stills.storyboard.starts == (0.0,)
