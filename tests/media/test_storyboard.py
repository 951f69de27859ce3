"""The geometry of a storyboard as WebVTT, and that its tiles show what they say."""

import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from shared.media.pictures.sheet import Sheet, tile_count
from shared.media.pictures.stills import Stills
from shared.model.storyboard import Storyboard, webvtt
from tests.media.clips import Clip, Size, mean_color
from tests.media.conftest import Make, stills_of

ROOT = Path(__file__).parents[2]
GEOMETRY = Storyboard(
    columns=2,
    rows=2,
    tile_width=160,
    tile_height=90,
    starts=(0.0, 1.5, 3599.9996),
    duration=3725.25,
)


def test_webvtt() -> None:
    """Header, cues without gaps, fractions of a second rounded once for both neighbours."""
    assert webvtt(GEOMETRY, "https://host/sheet.jpg?sig=a%2Bb&se=1") == (
        "WEBVTT\n"
        "\n"
        "00:00:00.000 --> 00:00:01.500\n"
        "https://host/sheet.jpg?sig=a%2Bb&se=1#xywh=0,0,160,90\n"
        "\n"
        "00:00:01.500 --> 01:00:00.000\n"
        "https://host/sheet.jpg?sig=a%2Bb&se=1#xywh=160,0,160,90\n"
        "\n"
        "01:00:00.000 --> 01:02:05.250\n"
        "https://host/sheet.jpg?sig=a%2Bb&se=1#xywh=0,90,160,90\n"
    )


def test_cue_without_length_is_left_out() -> None:
    """Players refuse a cue that ends when it begins."""
    board = Storyboard(
        columns=2, rows=1, tile_width=1, tile_height=1, starts=(0.0, 0.9999), duration=1.0
    )
    assert webvtt(board, "a").count("-->") == 1


def test_webvtt_needs_neither_ffmpeg_nor_pillow() -> None:
    """An instance that only hands out links does not pay for them."""
    code = (
        "import sys, shared.model.storyboard; sys.exit('av' in sys.modules or 'PIL' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("seconds", "tiles"),
    [(None, 1), (0.0, 1), (0.4, 1), (2.5, 2), (10.0, 10), (50.0, 50), (899.0, 50), (36_000.0, 50)],
)
def test_tile_count(seconds: float | None, tiles: int) -> None:
    """One a second, fifty at most."""
    assert tile_count(seconds) == tiles


def clock(size: Size, seconds: float) -> Image.Image:
    """Draws a picture whose gray shows the time: ten levels a second, on a textured ground."""
    return Image.new("RGB", size, (round(10 * seconds),) * 3)


def tiles_of(stills: Stills) -> list[Image.Image]:
    """Cuts the sheet up."""
    board, sheet = stills.storyboard, stills.sheet
    assert board is not None
    assert sheet is not None
    image = Image.open(BytesIO(sheet.data))
    assert image.size == (sheet.width, sheet.height)
    assert image.size == (board.columns * board.tile_width, board.rows * board.tile_height)
    corners = [board.place(number) for number in range(len(board.starts))]
    return [image.crop((x, y, x + board.tile_width, y + board.tile_height)) for x, y in corners]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
@pytest.mark.parametrize("gop", [25, 1000])
def test_tiles_show_the_clip_at_their_start(made: Make, name: str, gop: int) -> None:
    """With a keyframe a second, and with a single one."""
    codec = "mpeg4" if name == "a.avi" else "libx264"
    path = made(name, Clip(seconds=12, gop=gop, draw=clock, codec=codec))
    stills = stills_of(path)
    board = stills.storyboard
    assert board is not None
    assert 11 <= len(board.starts) <= 12
    assert board.starts[0] == 0.0
    assert board.duration == pytest.approx(12, abs=0.1)
    for start, tile in zip(board.starts, tiles_of(stills), strict=True):
        assert mean_color(tile)[0] == pytest.approx(10 * start, abs=4)


def test_tiles_of_a_film_too_large_to_play(made: Make) -> None:
    """Only keyframes are fetched; each is at the time when it is shown, also with B-frames."""
    path = made(
        "a.mp4",
        Clip(
            seconds=12,
            size=(960, 540),
            frame_rate=100,
            gop=100,
            draw=clock,
            codec_options={"bf": "3"},
        ),
    )
    stills = stills_of(path)
    board = stills.storyboard
    assert board is not None
    assert board.starts == pytest.approx(tuple(range(12)), abs=0.05)
    for start, tile in zip(board.starts, tiles_of(stills), strict=True):
        assert mean_color(tile)[0] == pytest.approx(10 * start, abs=3)


@pytest.mark.parametrize(
    ("size", "rotation", "tile"),
    [
        ((1280, 720), 0, (240, 135)),
        ((1280, 720), 90, (180, 320)),
        ((64, 48), 0, (64, 48)),
        ((2000, 200), 0, (240, 24)),
    ],
)
def test_tile_size(made: Make, size: Size, rotation: int, tile: Size) -> None:
    """Upright, bounded both ways, never enlarged."""
    board = stills_of(made("a.mp4", Clip(size=size, seconds=0.2, rotation=rotation))).storyboard
    assert board is not None
    assert (board.tile_width, board.tile_height) == tile


def test_sheet_has_a_short_last_row_and_one_size() -> None:
    """Twelve tiles are two rows of ten; a film may change its size."""
    sheet = Sheet()
    for second in reversed(range(12)):
        sheet.add(Image.new("RGB", (40 if second else 20, 30)), float(second))
    board, picture = sheet.laid_out(12.0, 12.0, 12.0, in_order=False) or pytest.fail(
        "there is no sheet"
    )
    assert (board.columns, board.rows) == (10, 2)
    assert (board.tile_width, board.tile_height) == (20, 30)
    assert (picture.width, picture.height) == (200, 60)
    assert board.starts == tuple(float(second) for second in range(12))


def test_film_of_unknown_or_partly_read_length_has_no_storyboard() -> None:
    """A storyboard of the first minute must not stand for the rest of an hour."""
    for duration in (None, 3600.0):
        sheet = Sheet()
        sheet.add(Image.new("RGB", (40, 30)), 0.0)
        sheet.add(Image.new("RGB", (40, 30)), 60.0)
        assert sheet.laid_out(duration, 3600.0, 60.0, in_order=False) is None


def test_storyboard_of_a_part_that_was_read_in_order_ends_there() -> None:
    sheet = Sheet()
    for second in range(0, 120, 10):
        sheet.add(Image.new("RGB", (40, 30)), float(second))
    board, _ = sheet.laid_out(3600.0, 3600.0, 60.5, in_order=True) or pytest.fail("no sheet")
    assert board.starts == tuple(float(second) for second in range(0, 61, 10))
    assert board.duration == 60.5


def test_crowded_tiles_are_thinned() -> None:
    """A keyframe every frame gives a tile a second."""
    sheet = Sheet()
    for number in range(50):
        sheet.add(Image.new("RGB", (4, 3)), number / 10)
    board, _ = sheet.laid_out(5.0, 5.0, 5.0, in_order=False) or pytest.fail("there is no sheet")
    assert board.starts == (0.0, 1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize(("rate", "tiles"), [(29.97, 12), (30.0, 12), (60.0, 12), (27.0, 12)])
def test_keyframes_closer_than_a_second_give_a_full_board(rate: float, tiles: int) -> None:
    """A keyframe every 25 frames, of a film with more than 25 frames a second."""
    sheet = Sheet()
    count = int(12 * rate / 25)
    keyframes = [25 * number / rate for number in range(count)]
    for second in range(12):
        nearest = min(keyframes, key=lambda start: abs(start - second))
        sheet.add(Image.new("RGB", (4, 3)), nearest)
    board, _ = sheet.laid_out(12.0, 12.0, 12.0, in_order=False) or pytest.fail("no sheet")
    assert len(board.starts) >= tiles - 1


def test_tiles_of_a_film_that_moves_only_at_its_end_all_stay() -> None:
    """An edit list shows the first picture for most of it."""
    sheet = Sheet()
    for second in range(20):
        sheet.add(Image.new("RGB", (4, 3)), 5000.0 + second)
    board, _ = sheet.laid_out(5020.0, 5020.0, 5020.0, in_order=False) or pytest.fail("no sheet")
    assert board.starts == (0.0, *(5000.0 + second for second in range(1, 20)))


def test_sound_has_no_storyboard(made: Make) -> None:
    """It has no posters, placeholder or preview either."""
    assert stills_of(made("a.m4a", Clip(codec=None, sounds=("aac",)))) == Stills()


def test_cues_tile_the_whole_clip(made: Make) -> None:
    """From zero to its end."""
    board = stills_of(made("a.mp4", Clip(seconds=5))).storyboard
    assert board is not None
    cues = re.findall(r"(\S+) --> (\S+)", webvtt(board, "storyboard.jpg"))
    assert cues[0][0] == "00:00:00.000"
    assert cues[-1][1] == "00:00:05.000"
    assert [end for _, end in cues[:-1]] == [start for start, _ in cues[1:]]
