"""A still at any time is exactly the frame that is shown then, in any format."""

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from shared import media
from shared.errors import UnplayableClip
from shared.model.link import ImageFormat
from tests.media.clips import (
    UPRIGHT,
    Clip,
    MemorySource,
    Size,
    decoded,
    mean_color,
    nearest_quarters,
    scene,
    source_of,
)
from tests.media.conftest import Make

RATE = 25


def numbered(size: Size, seconds: float) -> Image.Image:
    """Draws a picture whose gray is the number of the frame, four levels each."""
    return Image.new("RGB", size, (4 * round(seconds * RATE),) * 3)


def shown_at(source: MemorySource, seconds: float) -> float:
    """Returns the number of the frame that is shown then."""
    with media.opened(source) as file:
        return mean_color(decoded(file.frame_at(seconds, 320)))[0] / 4


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("keyframes.mp4", Clip(gop=10)),
        ("one keyframe.mp4", Clip(gop=1000)),
        ("b frames.mp4", Clip(gop=20, codec_options={"bf": "3", "b_strategy": "0"})),
        ("b frames.mkv", Clip(gop=20, codec_options={"bf": "3", "b_strategy": "0"})),
        ("b frames.ts", Clip(gop=20, codec_options={"bf": "3", "b_strategy": "0"})),
        ("hevc.mp4", Clip(codec="libx265", gop=20)),
        ("vp9.webm", Clip(codec="libvpx-vp9", gop=20)),
        ("live.webm", Clip(codec="libvpx", gop=20, options={"live": "1"})),
        ("fragmented.mp4", Clip(gop=10, options={"movflags": "frag_keyframe+empty_moov"})),
        ("sound first.mp4", Clip(gop=20, sounds=("aac",))),
    ],
)
def test_frames_are_exact(made: Make, name: str, clip: Clip) -> None:
    """At its time, and until the next one."""
    source = source_of(made(name, replace(clip, draw=numbered)))
    for number in (0, 1, 9, 10, 11, 19, 20, 29, 30, 48, 49):
        for seconds in (number / RATE + 0.001, (number + 0.9) / RATE):
            assert shown_at(source, seconds) == pytest.approx(number, abs=0.6)


OUTSIDE = [
    ("a.mp4", Clip()),
    ("a.ts", Clip()),
    ("a.mkv", Clip()),
    ("a.flv", Clip()),
    ("b frames.flv", Clip(codec_options={"bf": "2", "b_strategy": "0"})),
    ("a.asf", Clip(sounds=("libmp3lame",))),
    ("b frames.asf", Clip(codec_options={"bf": "2", "b_strategy": "0"})),
    ("a.wmv", Clip(codec="wmv2")),
    ("a.avi", Clip(codec="mpeg4")),
    ("a.mpg", Clip(codec="mpeg2video", sounds=("mp2",))),
    ("b frames.mpg", Clip(codec="mpeg2video", gop=12, codec_options={"bf": "2"})),
    ("b frames.vob", Clip(codec="mpeg2video", gop=12, codec_options={"bf": "2"}, format="vob")),
]


@pytest.mark.parametrize(("name", "clip"), OUTSIDE)
def test_outside_of_the_clip_is_its_first_or_last_frame(made: Make, name: str, clip: Clip) -> None:
    """The distance from the clip does not matter."""
    source = source_of(made(name, replace(clip, draw=numbered)))
    assert shown_at(source, -5.0) == pytest.approx(0, abs=0.6)
    assert shown_at(source, 0.0) == pytest.approx(0, abs=0.6)
    for seconds in (2.2, 1e6):
        assert shown_at(source, seconds) == pytest.approx(49, abs=0.6)


@pytest.mark.parametrize("file_format", list(ImageFormat))
@pytest.mark.parametrize(
    ("width", "size"), [(160, (160, 90)), (320, (320, 180)), (4000, (320, 180))]
)
def test_width_and_format(made: Make, file_format: ImageFormat, width: int, size: Size) -> None:
    """The still has the requested width and format, and is never enlarged."""
    with media.opened(source_of(made("a.mp4"))) as file:
        image = Image.open(BytesIO(file.frame_at(1.0, width, file_format)))
    assert (image.format, image.size) == (file_format.upper(), size)


def test_stills_are_upright(made: Make) -> None:
    """A still is turned like the poster."""
    with media.opened(source_of(made("a.mp4", Clip(rotation=90)))) as file:
        image = decoded(file.frame_at(0.5, 1280))
    assert image.size == (180, 320)
    assert nearest_quarters(image) != UPRIGHT


def test_sound_shows_its_cover_or_nothing(made: Make) -> None:
    """Sound shows its cover at any time."""
    covered = made("a.mp3", Clip(codec=None, sounds=("libmp3lame",), cover=scene((200, 200))))
    with media.opened(source_of(covered)) as file:
        assert decoded(file.frame_at(1.0, 100)).size == (100, 100)
    with (
        pytest.raises(UnplayableClip),
        media.opened(source_of(made("a.m4a", Clip(codec=None, sounds=("aac",))))) as file,
    ):
        file.frame_at(1.0, 100)


def test_several_calls_and_stills_do_not_disturb_each_other(made: Make) -> None:
    """The decoder starts again for each call."""
    source = source_of(made("a.mp4", Clip(draw=numbered, gop=10)))
    with media.opened(source) as file:
        first = file.frame_at(1.0, 320)
        stills = file.stills()
        assert file.frame_at(0.2, 320) != first
        assert file.frame_at(1.0, 320) == first
        assert file.stills() == stills


def test_still_reads_only_bytes_before_its_time(made: Make) -> None:
    """The still is at one second of half a minute."""
    source = source_of(made("a.mp4", Clip(seconds=30, codec_options={"crf": "1"})))
    with media.opened(source) as file:
        before = file.bytes_read
        file.frame_at(20.0, 320)
        assert file.bytes_read - before < source.size / 6
