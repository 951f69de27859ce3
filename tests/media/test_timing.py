"""Lengths and frame rates that headers get wrong are measured."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.media.clips import Clip, MemorySource
from tests.media.conftest import Make, describe, sample, stills_of
from tests.media.remux import Remux, remuxed

SMALL = (96, 64)
SECONDS = 6.0


def clip(**changes: object) -> Clip:
    return Clip(**{"size": SMALL, "seconds": SECONDS, "gop": 10, **changes})  # type: ignore[arg-type]  # each test changes what it names


def with_flv_length(data: bytes, seconds: float) -> bytes:
    """Returns an FLV whose metadata has this length."""
    at = data.index(b"duration") + 9
    return data[:at] + struct.pack(">d", seconds) + data[at + 8 :]


def with_avi_frames(data: bytes, count: int) -> bytes:
    """Returns an AVI whose headers have this number of frames."""
    main = data.index(b"avih") + 8 + 16
    stream = data.index(b"strh") + 8 + 32
    number = count.to_bytes(4, "little")
    for at in (main, stream):
        data = data[:at] + number + data[at + 4 :]
    return data


def with_matroska_length(data: bytes, factor: float) -> bytes:
    """Returns a Matroska file whose length is another: a number of eight bytes."""
    at = data.index(bytes.fromhex("448988")) + 3
    (ticks,) = struct.unpack(">d", data[at : at + 8])
    return data[:at] + struct.pack(">d", ticks * factor) + data[at + 8 :]


def check_length(data: bytes, seconds: float = SECONDS) -> None:
    described = describe(MemorySource(data))
    assert described.duration == pytest.approx(seconds, abs=0.1)
    assert described.bit_rate == pytest.approx(len(data) * 8 / seconds, rel=0.05)
    board = stills_of(MemorySource(data)).storyboard
    assert board is not None
    assert len(board.starts) >= int(seconds) - 1
    assert board.duration == described.duration


SOUNDS = [(), ("aac",), ("libmp3lame",)]


@pytest.mark.parametrize("length", [0.0, 3.0, 20.0, 36_000.0, 1e300, float("nan"), -5.0])
@pytest.mark.parametrize("sounds", SOUNDS)
def test_flv_lasts_as_long_as_its_tags(made: Make, length: float, sounds: tuple[str, ...]) -> None:
    check_length(with_flv_length(made("a.flv", clip(sounds=sounds)).read_bytes(), length))


@pytest.mark.parametrize("count", [1, 75, 300, 9_090_000, 2**32 - 1])
@pytest.mark.parametrize("sounds", [(), ("pcm_s16le",), ("libmp3lame",)])
def test_avi_lasts_as_long_as_its_index(made: Make, count: int, sounds: tuple[str, ...]) -> None:
    data = made("a.avi", clip(codec="mpeg4", sounds=sounds)).read_bytes()
    check_length(with_avi_frames(data, count))


def test_avi_whose_sound_is_longer_lasts_as_long_as_the_sound(made: Make) -> None:
    """The picture ends first; the header is right, the index of the picture is not the length."""
    data = joined_avi(made, picture=2.0, sound=SECONDS)
    assert describe(MemorySource(data)).duration == pytest.approx(SECONDS, abs=0.1)


def joined_avi(made: Make, *, picture: float, sound: float) -> bytes:
    """Returns an AVI with picture and sound of different lengths."""
    film = made("film.avi", clip(codec="mpeg4", seconds=picture))
    speech = made("sound.avi", clip(codec=None, seconds=sound, sounds=("pcm_s16le",)))
    path = film.with_name("joined.avi")
    with av.open(str(path), "w") as output:
        for source in (film, speech):
            with av.open(str(source)) as container:
                output.add_stream_from_template(container.streams[0])
        for number, source in enumerate((film, speech)):
            with av.open(str(source)) as container:
                for packet in container.demux():
                    if packet.size:
                        packet.stream = output.streams[number]
                        output.mux(packet)
    return path.read_bytes()


@pytest.mark.parametrize("factor", [0.1, 0.5, 3.0, 10.0, 1e9, 1e300])
@pytest.mark.parametrize(
    ("name", "codec", "sounds"),
    [("a.mkv", "libx264", ()), ("a.mkv", "libx264", ("flac",)), ("a.webm", "libvpx", ("libopus",))],
)
def test_matroska_lasts_as_long_as_its_blocks(
    made: Make, factor: float, name: str, codec: str, sounds: tuple[str, ...]
) -> None:
    data = made(name, clip(codec=codec, sounds=sounds)).read_bytes()
    check_length(with_matroska_length(data, factor))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("a.webm", {"codec": "libvpx"}),
        ("a.webm", {"codec": "libvpx-vp9", "sounds": ("libopus",)}),
        ("a.mkv", {}),
        ("a.mkv", {"codec": "libx265", "sounds": ("flac",)}),
    ],
)
def test_recording_without_a_length_has_a_whole_board(
    made: Make, name: str, changes: dict[str, object]
) -> None:
    """Browsers write such files, with neither length nor index."""
    check_length(made(name, clip(options={"live": "1"}, **changes)).read_bytes())


@pytest.mark.parametrize("hours", [1, 10])
def test_subtitle_that_ends_late_does_not_lengthen_the_film(made: Make, hours: int) -> None:
    path = made("a.mkv", clip())
    subtitles = path.with_name("a.srt")
    subtitles.write_text(f"1\n00:00:01,000 --> {hours:02}:00:00,000\nStray\n")
    mixed = path.with_name("mixed.mkv")
    with av.open(str(mixed), "w") as output:
        for number, source in enumerate((path, subtitles)):
            with av.open(str(source)) as container:
                output.add_stream_from_template(container.streams[0])
                packets = [packet for packet in container.demux() if packet.size]
            for packet in packets:
                packet.stream = output.streams[number]
        for number, source in enumerate((path, subtitles)):
            with av.open(str(source)) as container:
                for packet in container.demux():
                    if packet.size:
                        packet.stream = output.streams[number]
                        output.mux(packet)
    with av.open(str(mixed)) as container:
        assert container.duration is not None
        assert container.duration > 1_000_000_000
    check_length(mixed.read_bytes())


def with_frame_duration(path: Path, clip_rate: int, declared: float) -> bytes:
    """Returns a Matroska file whose DefaultDuration is that of another frame rate."""
    data = path.read_bytes()
    true = round(1e9 / clip_rate).to_bytes(4)
    at = data.index(b"\x23\xe3\x83\x84" + true) + 4
    return data[:at] + round(1e9 / declared).to_bytes(4) + data[at + 4 :]


@pytest.mark.parametrize("declared", [1, 5, 60, 120, 1000, 30_000])
@pytest.mark.parametrize("rate", [10, 25, 30])
@pytest.mark.parametrize("codec", ["libx264", "libvpx"])
def test_frame_rate_of_matroska_is_measured(
    made: Make, declared: float, rate: int, codec: str
) -> None:
    path = made("a.mkv", clip(codec=codec, frame_rate=rate, seconds=2))
    video = describe(MemorySource(with_frame_duration(path, rate, declared))).video
    assert video is not None
    assert video.frame_rate == pytest.approx(rate, rel=0.02)


def test_frame_rate_with_b_frames_is_measured(made: Make) -> None:
    """Their time stamps are out of order."""
    options = {"preset": "medium", "bf": "3"}
    path = made("a.mkv", clip(seconds=2, codec_options=options))
    video = describe(MemorySource(with_frame_duration(path, 25, 1000))).video
    assert video is not None
    assert video.frame_rate == pytest.approx(25, rel=0.02)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mjpeg"])
def test_empty_frames_of_an_avi_do_not_count(made: Make, codec: str) -> None:
    """An AVI of fifty frames a second says "nothing new" with every other one."""
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    film = made("a.avi", clip(seconds=2, codec=codec, pixel_format=pixels))
    path = film.with_name(f"{codec}.avi")
    with av.open(str(film)) as source, av.open(str(path), "w") as output:
        copy = output.add_stream_from_template(source.streams.video[0])
        copy.time_base = Fraction(1, 50)
        for number, packet in enumerate(p for p in source.demux(video=0) if p.size):
            packet.stream, packet.time_base = copy, copy.time_base
            packet.pts = packet.dts = 2 * number
            packet.duration = 1
            output.mux(packet)
    described = describe(path)
    assert described.video is not None
    assert described.video.frame_rate == pytest.approx(25, rel=0.02)
    assert described.duration == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_right_frame_rates_stay_as_they_are(made: Make, rate: int) -> None:
    """They stay exact, although Matroska rounds its time stamps to milliseconds."""
    video = describe(made("a.mkv", clip(seconds=2, frame_rate=rate))).video
    assert video is not None
    assert video.frame_rate == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "seconds", "rate"),
    [
        ("avi_says_101_hours.avi", 3.0, 25),
        ("flv_duration_lies.flv", 3.0, 25),
        ("subtitle_ten_hours.mkv", 3.02, 25),
        ("mkv_says_1000_fps.mkv", 3.0, 25),
        ("webm_live_no_duration.webm", 3.0, 25),
    ],
)
def test_samples_have_their_true_length_and_rate(name: str, seconds: float, rate: float) -> None:
    """This uses the samples beside the repository."""
    described = describe(sample(f"field/{name}"))
    assert described.video is not None
    assert described.duration == pytest.approx(seconds, abs=0.12)
    assert described.video.frame_rate == pytest.approx(rate, abs=0.5)


def with_avi_rate(data: bytes, rate: Fraction) -> bytes:
    """Returns an AVI whose header of the picture has this frame rate."""
    at = data.index(b"strh") + 8 + 20
    assert data[at - 20 : at - 16] == b"vids"
    return data[:at] + struct.pack("<2I", rate.denominator, rate.numerator) + data[at + 8 :]


@pytest.mark.parametrize(
    ("rate", "sounds"),
    [
        (Fraction(1000), ()),
        (Fraction(30_000_000), ("libmp3lame",)),
        (Fraction(1, 100), ()),
        (Fraction(1), ("pcm_s16le",)),
        (Fraction(100), ("pcm_s16le",)),
    ],
)
def test_wrong_frame_rate_of_an_avi_is_corrected(
    made: Make, rate: Fraction, sounds: tuple[str, ...]
) -> None:
    """The other header corrects it; the sound decides between two likely rates."""
    data = with_avi_rate(made("a.avi", clip(codec="mpeg4", sounds=sounds)).read_bytes(), rate)
    check_length(data)
    video = describe(MemorySource(data)).video
    assert video is not None
    assert video.frame_rate == pytest.approx(25, rel=0.02)


def test_wrong_frame_rate_in_both_headers_of_an_avi_is_corrected_by_its_sound(made: Make) -> None:
    data = made("a.avi", clip(codec="mpeg4", sounds=("pcm_s16le",))).read_bytes()
    data = with_avi_rate(data, Fraction(1000))
    main = data.index(b"avih") + 8
    check_length(data[:main] + (1000).to_bytes(4, "little") + data[main + 4 :])


@pytest.mark.parametrize("rate", [Fraction(1), Fraction(15), Fraction(200)])
def test_likely_frame_rate_of_a_silent_avi_is_trusted(made: Make, rate: Fraction) -> None:
    data = made("a.avi", clip(codec="mpeg4")).read_bytes()
    video = describe(MemorySource(with_avi_rate(data, rate))).video
    assert video is not None
    assert video.frame_rate == pytest.approx(float(rate), rel=0.02)


@pytest.mark.parametrize("length", [1, 1000])
def test_mp4_lasts_as_long_as_its_samples(made: Make, length: int) -> None:
    """The header of its track says less."""
    data = made("a.mp4", clip(gop=25)).read_bytes()
    at = data.index(b"mdhd") + 20
    check_length(data[:at] + length.to_bytes(4) + data[at + 4 :])


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_sample_that_lasts_for_hours_does_not_change_the_frame_rate(made: Make, name: str) -> None:
    film = made("a.mp4", clip())
    path = film.with_name(f"late {name}")
    with av.open(str(film)) as source, av.open(str(path), "w") as output:
        copy = output.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for packet in packets:
            packet.stream = copy
            late = 36_000 * packet.time_base.denominator if packet is packets[-1] else 0
            packet.pts, packet.dts = (packet.pts or 0) + late, (packet.dts or 0) + late
            output.mux(packet)
    video = describe(path).video
    assert video is not None
    assert video.frame_rate == pytest.approx(25, rel=0.02)


@pytest.mark.parametrize("options", [{}, {"movflags": "frag_keyframe+delay_moov"}])
def test_empty_beginning_is_part_of_the_length(made: Make, options: dict[str, str]) -> None:
    """An edit list shows nothing for two seconds."""
    film = made("a.mp4", clip(gop=25))
    path = remuxed(film.with_name("late.mp4"), film, Remux(delay=2.0, options=options))
    assert b"elst" in path.read_bytes()
    assert describe(path).duration == pytest.approx(SECONDS + 2, abs=0.1)
    board = stills_of(path).storyboard
    assert board is not None
    assert board.starts[-1] == pytest.approx(SECONDS + 1, abs=0.1)
