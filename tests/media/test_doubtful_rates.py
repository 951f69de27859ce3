"""Frame rates that are wrong in every header, and films that begin late or slowly."""

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from shared import media
from tests.media.clips import Clip, MemorySource, Size, decoded, mean_color, source_of
from tests.media.conftest import Make, describe, stills_of
from tests.media.remux import Remux, remuxed
from tests.media.test_timing import with_avi_rate

SECONDS = 4.0
FILM = Clip(size=(96, 64), seconds=SECONDS, gop=10)


def with_rate_in_both_headers(data: bytes, rate: int) -> bytes:
    """Returns an AVI whose headers agree on a frame rate."""
    data = with_avi_rate(data, Fraction(rate))
    main = data.index(b"avih") + 8
    return data[:main] + (1_000_000 // rate).to_bytes(4, "little") + data[main + 4 :]


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mpeg2video"])
@pytest.mark.parametrize("rate", [300, 1000, 25_000])
def test_silent_avi_beyond_reason_has_the_rate_of_its_codec(
    made: Make, codec: str, rate: int
) -> None:
    path = made("a.avi", Clip(size=(96, 64), seconds=SECONDS, gop=10, codec=codec))
    source = MemorySource(with_rate_in_both_headers(path.read_bytes(), rate))
    described = describe(source)
    assert described.video is not None
    assert described.video.frame_rate == pytest.approx(25, rel=0.02)
    assert described.duration == pytest.approx(SECONDS, abs=0.1)
    board = stills_of(source).storyboard
    assert board is not None
    assert len(board.starts) >= SECONDS - 1


@pytest.mark.parametrize("rate", [300, 1000])
def test_rate_beyond_reason_is_unknown_where_nothing_confirms_it(made: Make, rate: int) -> None:
    """Motion JPEG has no rate of its own."""
    clip = Clip(size=(96, 64), seconds=SECONDS, codec="mjpeg", pixel_format="yuvj420p")
    data = with_rate_in_both_headers(made("a.avi", clip).read_bytes(), rate)
    described = describe(MemorySource(data))
    assert described.video is not None
    assert described.video.frame_rate is None
    assert stills_of(MemorySource(data)).poster is not None


def test_high_rate_is_trusted_if_the_sound_confirms_it(made: Make) -> None:
    clip = Clip(
        size=(96, 64), seconds=1.0, frame_rate=400, codec="mpeg4", sounds=("pcm_s16le",), gop=100
    )
    described = describe(made("fast.avi", clip))
    assert described.video is not None
    assert described.video.frame_rate == pytest.approx(400, rel=0.02)
    assert described.duration == pytest.approx(1.0, abs=0.1)


def test_rate_of_a_slow_avi_is_trusted(made: Make) -> None:
    """A camera that takes a picture every five seconds."""
    data = made("a.avi", Clip(size=(96, 64), seconds=1.0, codec="mpeg4")).read_bytes()
    at = data.index(b"strh") + 8 + 20
    data = data[:at] + struct.pack("<2I", 5, 1) + data[at + 8 :]
    main = data.index(b"avih") + 8
    data = data[:main] + (5_000_000).to_bytes(4, "little") + data[main + 4 :]
    described = describe(MemorySource(data))
    assert described.video is not None
    assert described.video.frame_rate == pytest.approx(0.2)
    assert described.duration == pytest.approx(125, rel=0.02)


@pytest.mark.parametrize("first", [1, 3, 12])
@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "frag_every_frame+empty_moov"])
def test_long_frame_of_a_fragmented_film_does_not_change_its_rate(
    made: Make, first: int, flags: str
) -> None:
    """The first frame lasts longer than the others, as at the start of many recordings."""
    film = made("a.mp4", FILM)
    path = film.with_name(f"{first} {flags}.mp4")
    rewritten_with_long_first_frame(film, path, first, flags)
    video = describe(path).video
    assert video is not None
    assert video.frame_rate == pytest.approx(25, abs=0.001)


def rewritten_with_long_first_frame(film: Path, path: Path, frames: int, flags: str) -> None:
    """Writes `film` with a first frame that lasts so many frames more."""
    with (
        av.open(str(film)) as source,
        av.open(str(path), "w", options={"movflags": flags}) as output,
    ):
        copy = output.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux(video=0) if p.size):
            late = 0 if number == 0 else round(frames / 25 / packet.time_base)
            packet.stream = copy
            packet.pts, packet.dts = (packet.pts or 0) + late, (packet.dts or 0) + late
            output.mux(packet)


@pytest.mark.parametrize("reordered", [True, False])
def test_fragmented_film_with_b_frames_has_its_even_rate(made: Make, *, reordered: bool) -> None:
    options = {"bf": "2" if reordered else "0", "b_strategy": "0"}
    film = made("b.mp4", Clip(size=(96, 64), seconds=SECONDS, gop=10, codec_options=options))
    flags = "frag_keyframe+empty_moov"
    path = film.with_name(f"{reordered} fragmented.mp4")
    rewritten_with_long_first_frame(film, path, 1, flags)
    video = describe(path).video
    assert video is not None
    assert video.frame_rate == pytest.approx(25, abs=0.001)


@pytest.mark.parametrize("seconds", [1, 3, 10])
@pytest.mark.parametrize("name", ["slow.ts", "slow.mkv", "slow.flv", "slow.mp4"])
def test_rate_of_a_film_with_seconds_between_its_pictures(
    made: Make, name: str, seconds: int
) -> None:
    """FFmpeg knows 25 frames a second for MPEG-TS, as the data of the codec says."""
    film = made("a.mp4", Clip(size=(96, 64), seconds=0.4, gop=1))
    path = film.with_name(f"{seconds} {name}")
    with av.open(str(film)) as source, av.open(str(path), "w") as output:
        copy = output.add_stream_from_template(source.streams.video[0])
        for packet in (p for p in source.demux(video=0) if p.size):
            packet.stream = copy
            packet.pts = (packet.pts or 0) * 25 * seconds
            packet.dts = (packet.dts or 0) * 25 * seconds
            packet.duration = round(seconds / packet.time_base)
            output.mux(packet)
    described = describe(path)
    assert described.video is not None
    assert described.video.frame_rate == pytest.approx(1 / seconds, rel=0.02)
    assert described.duration == pytest.approx(10 * seconds, abs=seconds)


@pytest.mark.parametrize("delay", [30.0, 5000.0])
@pytest.mark.parametrize(
    "name", ["late.mkv", "late.asf", "late.ts", "late.mpg", "late.flv", "late live.mkv"]
)
def test_film_lasts_from_its_first_picture_on(made: Make, name: str, delay: float) -> None:
    """Cut out of a broadcast, with the times of the broadcast."""
    codec = {".mpg": "mpeg2video", ".asf": "mpeg4"}.get(Path(name).suffix, "libx264")
    film = made("a.mkv", Clip(size=(96, 64), seconds=SECONDS, gop=25, codec=codec))
    options = {"live": "1"} if "live" in name else {}
    path = remuxed(film.with_name(f"{delay} {name}"), film, Remux(delay=delay, options=options))
    assert describe(path).duration == pytest.approx(SECONDS, abs=0.1)
    board = stills_of(path).storyboard
    assert board is not None
    assert board.starts == pytest.approx(tuple(range(int(SECONDS))), abs=0.1)


@pytest.mark.parametrize("rate", [1, 2, 4])
@pytest.mark.parametrize("name", ["first.mkv", "first.webm", "first.flv", "first.ts"])
def test_slow_film_begins_with_its_first_picture(made: Make, name: str, rate: int) -> None:
    """FFmpeg may be sure of the time of a later picture only."""
    codec = "libvpx" if name.endswith("webm") else "libx264"
    clip = Clip(
        size=(96, 64), seconds=16 / rate, frame_rate=rate, gop=16, codec=codec, draw=by_number(rate)
    )
    source = source_of(made(f"{rate} {name}", clip))
    with media.opened(source) as file:
        for number in (0, 1, 7, 15):
            still = file.frame_at((number + 0.5) / rate, 96)
            assert mean_color(decoded(still))[0] == pytest.approx(10 * number, abs=4)
    assert describe(source).duration == pytest.approx(16 / rate, rel=0.02)


def by_number(rate: int) -> Callable[[Size, float], Image.Image]:
    """Returns a function that draws a gray for the number of a frame."""
    return lambda size, seconds: Image.new("RGB", size, (10 * round(seconds * rate),) * 3)


def test_film_of_two_very_different_paces_has_the_faster_one(made: Make, tmp_path: Path) -> None:
    """Half of the pictures are shown for a millisecond, the others for seconds."""
    path = tmp_path / "two.mkv"
    film = made("a.mkv", Clip(size=(96, 64), seconds=0.2, gop=1))
    with av.open(str(film)) as source, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for packet, time in zip(packets, (0, 1, 2, 2002, 4002), strict=True):
            packet.pts = packet.dts = time
            packet.stream = stream
            output.mux(packet)
    described = describe(path)
    assert described.video is not None
    assert described.video.frame_rate == pytest.approx(1000)
    assert stills_of(path).poster is not None
