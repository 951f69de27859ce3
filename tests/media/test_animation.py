"""Animated WebP: each picture has its time, and contains only the changed part."""

from io import BytesIO
from pathlib import Path

import av
import pytest
from PIL import Image, ImageSequence

from shared.media.pictures.animation import Shown, animated
from tests.media.clips import Clip, mean_color, scene
from tests.media.conftest import Make, stills_of

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
    return frames_of(image)


def frames_of(image: Image.Image) -> tuple[list[Image.Image], list[int]]:
    """Returns the pictures of an animation, and the milliseconds of each."""
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
    """This includes pictures of which only a part, at an odd position, was written."""
    pictures = [(gray_with_red(box), 125) for box in boxes]
    frames, times = shown_again([(gray_with_red(), 250), *pictures])
    assert times == [250, *[125] * len(boxes)]
    for frame, (expected, _) in zip(frames[1:], pictures, strict=True):
        for corner in ((2, 2), (60, 40), (116, 76), (12, 70)):
            assert frame.getpixel(corner) == pytest.approx(expected.getpixel(corner), abs=60)


def test_pictures_that_are_alike_are_written_once() -> None:
    """The first picture is shown for the time of all of them."""
    alike = gray_with_red((10, 10, 60, 60))
    frames, times = shown_again([(alike, 125), (alike.copy(), 125), (gray_with_red(), 250)])
    assert times == [250, 250]
    assert mean_color(frames[1]) == pytest.approx(GRAY, abs=4)


def test_small_changes_take_few_bytes() -> None:
    """The film is like a screen on which only a pointer moves."""
    pictures = []
    for number in range(20):
        picture = scene((320, 180))
        picture.paste(RED, (10 * number, 10, 10 * number + 8, 18))
        pictures.append((picture, 125))
    assert len(animated(pictures).data) < 2 * len(animated(pictures[:1]).data)


@pytest.mark.parametrize("name", ["a.mov", "a.mkv"])
def test_preview_of_a_film_whose_times_go_back(made: Make, tmp_path: Path, name: str) -> None:
    """Each picture is shown for some time, and the clip is not refused for damaged times."""
    film = made(name, Clip(codec="mpeg4", size=(96, 64), draw=_moving))
    preview = stills_of(_with_times_that_go_back(film, tmp_path / name)).preview
    assert preview is not None
    _, times = frames_of(Image.open(BytesIO(preview.data)))
    assert len(times) > 1
    assert all(time > 0 for time in times)


def _moving(size: tuple[int, int], seconds: float) -> Image.Image:
    picture = scene(size)
    picture.paste(RED, (int(30 * seconds), 10, int(30 * seconds) + 20, 40))
    return picture


def _with_times_that_go_back(film: Path, target: Path) -> Path:
    """Lets every second run of ten frames be shown late."""
    with av.open(str(film)) as source, av.open(str(target), "w") as output:
        copy = output.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux(video=0) if p.size):
            if packet.pts is not None and number // 10 % 2 == 0:
                packet.pts += 20 * (packet.duration or 0)
            packet.stream = copy
            output.mux(packet)
    return target
