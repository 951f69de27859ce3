"""Colours are preserved for every matrix and range, and HDR fits a normal screen."""

from collections.abc import Callable
from fractions import Fraction

import av
import pytest
from av.video.reformatter import Colorspace
from PIL import Image

from shared.media.pictures.color import to_srgb
from shared.model.media import Hdr
from tests.media.clips import Clip, Rgb, Size, decoded, mean_color, nearest_quarters, scene
from tests.media.conftest import Make, poster_of, sample

BARS: tuple[Rgb, ...] = (
    (191, 191, 191),
    (191, 191, 0),
    (0, 191, 191),
    (0, 191, 0),
    (191, 0, 191),
    (191, 0, 0),
    (0, 0, 191),
    (64, 64, 64),
)
HD, SD = (1280, 720), (640, 360)


def bars(colors: tuple[Rgb, ...]) -> Callable[[Size, float], Image.Image]:
    """Returns a film of vertical bars."""

    def draw(size: Size, _: float) -> Image.Image:
        image = Image.new("RGB", size)
        width = size[0] // len(colors)
        for number, color in enumerate(colors):
            image.paste(color, (number * width, 0, (number + 1) * width, size[1]))
        return image

    return draw


def bars_of(image: Image.Image, count: int = len(BARS)) -> list[Rgb]:
    """Returns the colour in the middle of each bar."""
    width = image.width // count
    return [
        mean_color(image.crop((n * width + width // 4, 0, n * width + width * 3 // 4, 20)))
        for n in range(count)
    ]


def worst(actual: list[Rgb], expected: tuple[Rgb, ...]) -> int:
    """Returns the largest difference of any component, in levels of 255."""
    return max(
        abs(a - b)
        for one, other in zip(actual, expected, strict=True)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize(
    ("space", "matrix", "size"),
    [
        (1, Colorspace.ITU709, HD),
        (1, Colorspace.ITU709, SD),
        (5, Colorspace.ITU601, HD),
        (6, Colorspace.ITU601, SD),
        (9, Colorspace.BT2020, SD),
        (2, Colorspace.ITU709, HD),  # untagged: by size, as players do
        (2, Colorspace.ITU601, SD),
    ],
)
def test_matrix_and_range(
    made: Make, space: int, matrix: Colorspace, size: Size, color_range: int
) -> None:
    """Tagged or not, within a few levels of what was drawn."""
    clip = Clip(
        seconds=0.04,
        size=size,
        space=space,
        matrix=matrix,
        color_range=color_range,
        draw=bars(BARS),
    )
    assert worst(bars_of(decoded(poster_of(made("a.mp4", clip)))), BARS) <= 4


def test_rgb_needs_no_matrix(made: Make) -> None:
    """H.264 of a screen recorder may hold RGB."""
    clip = Clip(codec="libx264rgb", pixel_format="rgb24", seconds=0.04, size=SD, draw=bars(BARS))
    assert worst(bars_of(decoded(poster_of(made("a.mkv", clip)))), BARS) <= 4


def test_untagged_hd_sample() -> None:
    """FFmpeg alone would take BT.601 and err by up to 31 levels."""
    image = decoded(poster_of(sample("bars709_untagged.mp4")))
    yellow = image.getpixel((int(image.width * 2.5 / 8), 40))
    assert isinstance(yellow, tuple)
    assert worst([(yellow[0], yellow[1], yellow[2])], ((190, 188, 0),)) <= 4


def pq(nits: float) -> int:
    """Returns the 8-bit code of a light level by the inverse EOTF of SMPTE ST 2084."""
    power = (nits / 10_000) ** 0.1593017578125
    code: float = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    return round(255 * code)


def hdr_clip(transfer: int, colors: tuple[Rgb, ...]) -> Clip:
    """Returns ten-bit BT.2020 bars of these code values."""
    return Clip(
        codec="libx265",
        pixel_format="yuv420p10le",
        seconds=0.04,
        size=SD,
        primaries=9,
        transfer=transfer,
        space=9,
        color_range=1,
        matrix=Colorspace.BT2020,
        draw=bars(colors),
    )


def test_pq_gray_fills_the_range_of_a_screen(made: Make) -> None:
    """Black stays black, white (203 cd/m2) is nearly white, shadows hold, highlights differ."""
    levels = (0.0, 1.0, 26.0, 100.0, 203.0, 1000.0)
    clip = hdr_clip(16, tuple((pq(nits),) * 3 for nits in levels))
    grays = bars_of(decoded(poster_of(made("a.mp4", clip))), len(levels))
    for red, green, blue in grays:
        assert max(red, green, blue) - min(red, green, blue) <= 4
    black, shadow, gray, bright, white, highlight = (color[1] for color in grays)
    assert black <= 2
    assert shadow == pytest.approx(15, abs=6)  # sRGB of 1/203
    assert gray == pytest.approx(101, abs=6)  # sRGB of 26/203: below the roll-off nothing changes
    assert 180 <= bright <= 200
    assert 222 <= white <= 238
    assert highlight >= 250


def test_hlg_gray_fills_the_range_of_a_screen(made: Make) -> None:
    """HLG puts white at three quarters of its range, and its peak at the end."""
    levels = (0, 191, 255)
    clip = hdr_clip(18, tuple((level,) * 3 for level in levels))
    grays = bars_of(decoded(poster_of(made("a.mp4", clip))), len(levels))
    black, white, peak = (color[1] for color in grays)
    assert black <= 2
    assert 222 <= white <= 238
    assert peak >= 250


def test_hdr_colors_keep_their_hue(made: Make) -> None:
    """BT.709 red at 100 cd/m2, written as BT.2020 (BT.2087), is red again; green too."""
    red = tuple(pq(100 * share) for share in (0.6274, 0.0691, 0.0164))
    green = tuple(pq(100 * share) for share in (0.3293, 0.9195, 0.0880))
    clip = hdr_clip(16, ((red[0], red[1], red[2]), (green[0], green[1], green[2])))
    first, second = bars_of(decoded(poster_of(made("a.mp4", clip))), 2)
    assert first[0] > 150
    assert max(first[1:]) < 25
    assert second[1] > 150
    assert max(second[0], second[2]) < 45


def test_hdr_sample_is_not_washed_out() -> None:
    """A film untouched would lie between 20 and 150 and be pale."""
    image = decoded(poster_of(sample("hevc_hdr10_720p.mp4")))
    tones = image.convert("L").histogram()
    assert sum(tones[:15]) > 0
    assert sum(tones[220:]) > 0
    saturation = image.convert("HSV").getchannel("S")
    assert mean_color(Image.merge("RGB", (saturation,) * 3))[0] > 70


def test_frame_whose_rows_go_up() -> None:
    """Some decoders give such frames: the picture is not turned over."""
    graph = av.filter.Graph()
    upright = av.VideoFrame.from_image(scene((64, 48)))  # type: ignore[no-untyped-call]  # PyAV has no types for it
    source = graph.add_buffer(width=64, height=48, format=upright.format, time_base=Fraction(1, 25))
    graph.link_nodes(source, graph.add("vflip"), graph.add("buffersink")).configure()
    graph.push(upright)
    frame = graph.pull()
    assert isinstance(frame, av.VideoFrame)
    assert frame.planes[0].line_size < 0
    turned = to_srgb(frame, (64, 48), Hdr.SDR)
    assert nearest_quarters(turned) == {
        "top left": "bottom left",
        "top right": "bottom right",
        "bottom left": "top left",
        "bottom right": "top right",
    }
