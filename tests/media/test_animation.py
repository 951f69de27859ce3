"""Animated WebP: each picture as long as it is to be shown, and only what changes of it."""

from io import BytesIO

import pytest
from PIL import Image, ImageSequence

from shared.media.pictures.animation import Shown, animated
from tests.media.clips import mean_color, scene

SIZE = (120, 81)
GRAY, RED = (90, 90, 90), (220, 30, 30)


def gray_with_red(*boxes: tuple[int, int, int, int]) -> Image.Image:
    """Draws red boxes on gray."""
    image = Image.new("RGB", SIZE, GRAY)
    for box in boxes:
        image.paste(RED, box)
    return image


def shown_again(pictures: list[Shown]) -> tuple[list[Image.Image], list[int]]:
    """Returns what a browser shows of `pictures`, and for how many milliseconds."""
    image = Image.open(BytesIO(animated(pictures).data))
    assert (image.format, image.size, image.info["loop"]) == ("WEBP", SIZE, 0)
    frames, times = [], []
    for frame in ImageSequence.Iterator(image):
        frames.append(frame.convert("RGB"))
        times.append(frame.info["duration"])
    return frames, times


@pytest.mark.parametrize(
    "boxes",
    [
        [(0, 0, 120, 81), (10, 10, 50, 50)],
        [(1, 1, 41, 40), (61, 31, 119, 80)],
        [(100, 60, 120, 81), (0, 0, 20, 20), (30, 31, 33, 80)],
    ],
)
def test_each_picture_replaces_the_one_before(boxes: list[tuple[int, int, int, int]]) -> None:
    """Also where only a part of it was written, at an odd place."""
    pictures = [(gray_with_red(box), 125) for box in boxes]
    frames, times = shown_again([(gray_with_red(), 250), *pictures])
    assert times == [250, *[125] * len(boxes)]
    for frame, (expected, _) in zip(frames[1:], pictures, strict=True):
        for corner in ((2, 2), (60, 40), (116, 76), (12, 70)):
            assert frame.getpixel(corner) == pytest.approx(expected.getpixel(corner), abs=60)


def test_pictures_that_are_alike_are_written_once() -> None:
    """The first of them is shown for all of their time."""
    alike = gray_with_red((10, 10, 60, 60))
    frames, times = shown_again([(alike, 125), (alike.copy(), 125), (gray_with_red(), 250)])
    assert times == [250, 250]
    assert mean_color(frames[1]) == pytest.approx(GRAY, abs=4)


def test_small_changes_take_few_bytes() -> None:
    """As of a screen on which only a pointer moves."""
    pictures = []
    for number in range(20):
        picture = scene((320, 180))
        picture.paste(RED, (10 * number, 10, 10 * number + 8, 18))
        pictures.append((picture, 125))
    assert len(animated(pictures).data) < 2 * len(animated(pictures[:1]).data)
