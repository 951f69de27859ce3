"""MPEG streams whose clock begins anew in the middle: joined recordings are one film."""

from functools import partial
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from shared import media
from shared.media import Limits
from shared.media.cutting.clip_maker import CutRange, copy_clip
from shared.media.inspect.clock_joints import join_clock
from shared.media.reading.mpeg_clock import JoinedSource, Joint
from shared.media.reading.source import BLOCK_BYTES, SourceFile
from shared.model.cut_method import Accuracy
from tests.media.clips import MemorySource, Size, decoded
from tests.media.conftest import Make
from tests.media.counted import RATE, counted, draw_number, number_in, shown
from tests.media.test_storyboard import tiles_of

# Seconds; one part is so short that the clock goes back by less than a second.
PARTS = (3, 4, 1, 4)
WHOLE = sum(PARTS)
B_FRAMES = {"preset": "veryfast", "x264-params": "open-gop=1:b-pyramid=normal:bframes=3"}

FILMS: dict[str, dict[str, Any]] = {
    "a.ts": {},
    "mute.ts": {"sounds": ()},
    "pyramid.ts": {"sounds": ("ac3",), "codec_options": B_FRAMES},
    "blu-ray.m2ts": {"codec_options": B_FRAMES, "options": {"mpegts_m2ts_mode": "1"}},
    "flagged.ts": {"options": {"mpegts_flags": "initial_discontinuity"}},
    "hevc.ts": {"codec": "libx265"},
    "mpeg2.ts": {"codec": "mpeg2video", "codec_options": {"bf": "2"}, "sounds": ("mp2",)},
    "mpeg2.mpg": {"codec": "mpeg2video", "codec_options": {"bf": "2"}, "sounds": ("mp2",)},
    "dvd.vob": {"codec": "mpeg2video", "codec_options": {"bf": "2"}, "sounds": ("ac3",)},
    "mpeg1.mpg": {"codec": "mpeg1video", "sounds": ("mp2",), "format": "mpeg"},
}

_EMPTY_PACKET = b"\x47\x1f\xff\x10" + b"\xff" * 184


def draw_from(first: float, size: Size, seconds: float) -> Image.Image:
    return draw_number(size, first + seconds)


def joined(
    made: Make,
    name: str,
    parts: tuple[int, ...] = PARTS,
    *,
    first: int = 0,
    **changes: Any,  # noqa: ANN401 - the fields of a Clip, of any type
) -> bytes:
    """Films one after another, whose frames are numbered from those of a second on."""
    film = b""
    for seconds in parts:
        draw = partial(draw_from, first)
        plain = {"gop": 25, "draw": draw, "seconds": float(seconds)}
        film += made(name, counted(**plain | FILMS.get(name, {}) | changes)).read_bytes()
        first += seconds
    return film


def padded(film: bytes, times: int) -> bytes:
    """A transport stream with so many empty packets behind each of its own."""
    packets = (film[at : at + 188] for at in range(0, len(film), 188))
    return b"".join(packet + times * _EMPTY_PACKET for packet in packets)


def number_at(file: media.MediaFile, seconds: float) -> int:
    return number_on(decoded(file.frame_at(seconds, 96)))


def number_on(image: Image.Image) -> int:
    return number_in(av.VideoFrame.from_image(image))  # type: ignore[no-untyped-call]  # PyAV annotates none


def check_is_one_film(film: bytes, seconds: float = WHOLE) -> None:
    with media.opened(MemorySource(film)) as file:
        stills = file.stills()
        assert file.media.duration == pytest.approx(seconds, abs=0.12)
    assert stills.storyboard is not None
    starts = stills.storyboard.starts
    assert starts[-1] > seconds - 4
    for start, tile in zip(starts, tiles_of(stills), strict=True):
        assert number_on(tile) / RATE == pytest.approx(start, abs=0.12)
    for moment in (0.5, 7.1, seconds - 0.1):
        with media.opened(MemorySource(film)) as file:
            assert number_at(file, moment) / RATE == pytest.approx(moment, abs=0.12)


@pytest.mark.parametrize("name", FILMS)
def test_joined_parts_are_one_film(made: Make, name: str) -> None:
    check_is_one_film(joined(made, name))


@pytest.mark.parametrize("begins", [(0, 5000), (36000, 0), (0, 2), (95440, 95400), (95440, 0)])
def test_clock_may_jump_ahead_and_back_and_start_at_zero_again(
    made: Make, begins: tuple[int, int]
) -> None:
    """The clock of MPEG has 33 bits: it starts at zero again after 95,443.7 s by itself."""
    first, second = (
        joined(made, "a.ts", (6,), first=6 * number, options={"output_ts_offset": str(begin)})
        for number, begin in enumerate(begins)
    )
    check_is_one_film(first + second)


def test_clock_that_starts_at_zero_again_by_itself_is_left_as_it_is(made: Make) -> None:
    film = joined(made, "a.ts", (12,), options={"output_ts_offset": "95436"})
    check_is_one_film(film)


def test_joints_of_a_large_film_are_found_by_few_looks(made: Make) -> None:
    """Empty packets make it large."""
    film = padded(joined(made, "a.ts"), 60)
    assert len(film) > 16 * 1024 * 1024
    file = SourceFile(MemorySource(film), Limits())
    join_clock(file)
    assert file.requests < 40
    assert file.bytes_read < 12_000_000
    check_is_one_film(film)


def test_film_of_moderate_size_may_have_many_parts(made: Make) -> None:
    film = padded(joined(made, "a.ts", (1,) * 12), 10)
    assert 3_000_000 < len(film) < 16_000_000
    check_is_one_film(film)


def test_ordinary_large_film_costs_four_looks_more(made: Make) -> None:
    film = MemorySource(padded(joined(made, "a.ts", (12,)), 12))
    file = SourceFile(film, Limits())
    file.peek(0, 1)
    file.peek_end(BLOCK_BYTES)  # FFmpeg reads both ends, too
    before = file.requests
    join_clock(file)
    assert file.requests - before == 4


def test_clock_that_begins_anew_all_the_time_is_left_as_it_is(made: Make) -> None:
    film = padded(joined(made, "a.ts", (1,)) * 70, 25)
    file = SourceFile(MemorySource(film), Limits())
    join_clock(file)
    assert not isinstance(file._source, JoinedSource)
    assert file.bytes_read < 20_000_000
    assert file.requests < 80


def test_any_range_of_a_joined_source_has_the_same_times(made: Make) -> None:
    """A time may stand across the border of two ranges."""
    film = joined(made, "a.ts", (1, 1))
    joint = len(joined(made, "a.ts", (1,)))
    source = JoinedSource(MemorySource(film), (Joint(joint, 90_000),), is_transport=True)
    whole = source.read(0, len(film))
    assert whole[:joint] == film[:joint]
    assert whole != film
    for size in (7, 188, 4096):
        ranges = range(0, len(film), size)
        assert b"".join(source.read(start, size) for start in ranges) == whole


@pytest.mark.parametrize("name", ["pyramid.ts", "mpeg2.mpg"])
@pytest.mark.parametrize(("start", "end"), [(1.5, 6.5), (4.2, 6.1)])
def test_cut_of_a_joined_film_shows_its_range(
    made: Make, tmp_path: Path, name: str, start: float, end: float
) -> None:
    film = joined(made, name)
    blocks: list[bytes] = []
    wanted = CutRange(start=start, end=end, accuracy=Accuracy.KEYFRAME)
    copied = copy_clip(MemorySource(film), wanted, blocks.append, block=8192, limits=Limits())
    result = tmp_path / "cut.mp4"
    result.write_bytes(copied.beginning + b"".join(blocks))
    numbers = shown(result).numbers
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[0] / RATE == pytest.approx(float(copied.start), abs=0.12)
    assert numbers[-1] / RATE == pytest.approx(end, abs=0.12)
    assert start - 2 < copied.start <= start


def test_first_pictures_are_found_in_a_film_whose_second_part_has_b_frames(made: Make) -> None:
    """FFmpeg takes the first keyframe for one without a decoding time then."""
    film = joined(made, "a.ts", (3,), codec_options={"bf": "0"})
    film += joined(made, "a.ts", (3,), first=3, codec_options=B_FRAMES)
    with media.opened(MemorySource(film)) as file:
        for moment in (5.5, 0.5, 2.5):
            assert number_at(file, moment) / RATE == pytest.approx(moment, abs=0.12)


@pytest.mark.parametrize("sounds", [("aac", ""), ("", "aac")])
def test_part_may_have_no_sound(made: Make, sounds: tuple[str, str]) -> None:
    film = b"".join(
        joined(made, "a.ts", (6,), first=6 * number, sounds=(sound,) if sound else ())
        for number, sound in enumerate(sounds)
    )
    check_is_one_film(film)


def test_clock_of_sound_alone_begins_anew(made: Make) -> None:
    film = joined(made, "a.ts", (3, 4), codec=None)
    with media.opened(MemorySource(film)) as file:
        assert file.media.duration == pytest.approx(7, abs=0.25)
