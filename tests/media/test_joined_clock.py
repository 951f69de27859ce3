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
from shared.media.reading.source import SourceFile
from shared.model.cut_method import Accuracy
from tests.media.clips import MemorySource, Size, decoded, make, source_of
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


def joined(made: Make, name: str, parts: tuple[int, ...] = PARTS, **changes: Any) -> bytes:  # noqa: ANN401 - the fields of a Clip, of any type
    """Films one after another, whose frames are numbered on."""
    film, first = b"", 0
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
    for moment in (0.5, 2.9, 3.1, seconds - 4.5, seconds - 0.1):
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
    parts = joined(made, "a.ts", (6, 6)), joined(made, "a.ts", (6,))
    del parts
    first, second = (
        made(
            "a.ts",
            counted(
                seconds=6.0,
                gop=25,
                draw=partial(draw_from, 6 * number),
                options={"output_ts_offset": str(begin)},
            ),
        )
        for number, begin in enumerate(begins)
    )
    check_is_one_film(first.read_bytes() + second.read_bytes())
