"""Which of several tracks is the film, and which is its sound."""

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from av.stream import Disposition
from PIL import Image

from tests.media.clips import Clip, MemorySource, decoded, make, mean_color, scene
from tests.media.conftest import Make, describe, poster_of, sample

MAGENTA, FILM_SIZE, OTHER_SIZE = (255, 0, 255), (160, 96), (96, 64)
SECONDS = 1.0

type Maker = Callable[..., bytes]


@pytest.fixture(scope="module")
def films(made: Make) -> tuple[Path, Path]:
    """The film, and a magenta film of another size."""

    def magenta(size: tuple[int, int], _: float) -> Image.Image:
        return Image.new("RGB", size, MAGENTA)

    return (
        made("film.mp4", Clip(size=FILM_SIZE, seconds=SECONDS, gop=5)),
        made("other.mp4", Clip(size=OTHER_SIZE, seconds=SECONDS, gop=5, draw=magenta)),
    )


def joined(path: Path, *sources: tuple[Path, bool], options: dict[str, str] | None = None) -> bytes:
    """Returns a file with a track from each source; the flag says whether it is a default one."""
    with av.open(str(path), "w", options=options or {}) as output:
        packets = []
        for source, default in sources:
            with av.open(str(source)) as film:
                stream = film.streams[0]
                copy = output.add_stream_from_template(stream)
                copy.disposition = Disposition.default if default else Disposition(0)
                for packet in film.demux(stream):
                    if packet.size:
                        again = av.Packet(bytes(packet))
                        again.pts, again.dts = packet.pts, packet.dts
                        again.time_base, again.duration = packet.time_base, packet.duration
                        again.is_keyframe, again.stream = packet.is_keyframe, copy
                        packets.append(again)
        packets.sort(key=lambda packet: (packet.dts or 0) * packet.time_base)
        for packet in packets:
            output.mux(packet)
    return path.read_bytes()


def disabled(data: bytes, number: int) -> bytes:
    """Returns an MP4 whose track (0 is the first) has the flag "enabled" off."""
    at = -1
    for _ in range(number + 1):
        at = data.index(b"tkhd", at + 1)
    return data[: at + 7] + bytes((data[at + 7] & ~1,)) + data[at + 8 :]


def enabled(data: bytes) -> bytes:
    """Returns an MP4 all of whose tracks are enabled."""
    at = data.find(b"tkhd")
    while at >= 0:
        data = data[: at + 7] + bytes((data[at + 7] | 1,)) + data[at + 8 :]
        at = data.find(b"tkhd", at + 1)
    return data


def without_samples(data: bytes) -> bytes:
    """Returns an MP4 whose first track has empty tables."""
    for table, count_at in ((b"stts", 8), (b"stsz", 12), (b"stsc", 8), (b"stco", 8)):
        at = data.index(table) + count_at
        data = data[:at] + bytes(4) + data[at + 4 :]
    return data


def check_film(data: bytes) -> None:
    described = describe(MemorySource(data))
    assert described.video is not None
    assert (described.video.width, described.video.height) == FILM_SIZE
    assert described.duration == pytest.approx(SECONDS, abs=0.1)
    poster = decoded(poster_of(MemorySource(data)))
    assert poster.size == FILM_SIZE
    assert mean_color(poster)[1] > 60  # magenta has no green


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
@pytest.mark.parametrize("fragmented", [False, True])
def test_enabled_track_comes_before_disabled_one(
    films: tuple[Path, Path], tmp_path: Path, name: str, *, fragmented: bool
) -> None:
    options = {"movflags": "frag_keyframe+empty_moov"} if fragmented else {}
    data = joined(tmp_path / name, (films[1], False), (films[0], True), options=options)
    check_film(disabled(data, 0))


@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
@pytest.mark.parametrize("other", [1, 2])
def test_default_track_comes_before_others(
    made: Make, tmp_path: Path, name: str, other: int
) -> None:
    """A whole film or a single picture comes before it."""
    codec = "libx264" if name == "a.mkv" else "libvpx"
    film = made("film.mkv", Clip(size=FILM_SIZE, seconds=SECONDS, gop=5, codec=codec))
    seconds = SECONDS if other == 1 else 0.04
    draw = Clip(
        size=OTHER_SIZE,
        seconds=seconds,
        codec=codec,
        draw=lambda size, _: Image.new("RGB", size, MAGENTA),
    )
    first = make(tmp_path / "other.mkv", draw)
    check_film(joined(tmp_path / name, (first, False), (film, True)))


@pytest.mark.parametrize("pictures", [1, 2, 5])
@pytest.mark.parametrize("name", ["a.mp4", "fragmented.mp4", "a.mkv"])
def test_track_with_many_samples_comes_before_one_with_few(
    films: tuple[Path, Path], tmp_path: Path, name: str, pictures: int
) -> None:
    """Although both are enabled; in MP4 the index says so, in other files their beginning."""
    preview = Clip(
        size=OTHER_SIZE,
        seconds=pictures / 25,
        draw=lambda size, _: Image.new("RGB", size, MAGENTA),
    )
    few = make(tmp_path / "few.mp4", preview)
    options = {"movflags": "frag_keyframe+empty_moov"} if "fragmented" in name else {}
    data = joined(tmp_path / name, (few, True), (films[0], True), options=options)
    check_film(enabled(data))


def test_track_with_samples_comes_before_one_without(
    films: tuple[Path, Path], tmp_path: Path
) -> None:
    data = enabled(joined(tmp_path / "a.mp4", (films[1], True), (films[0], True)))
    check_film(without_samples(data))


def test_first_of_equal_tracks_is_the_film(films: tuple[Path, Path], tmp_path: Path) -> None:
    check_film(enabled(joined(tmp_path / "a.mp4", (films[0], True), (films[1], True))))


def test_single_disabled_track_is_shown(films: tuple[Path, Path]) -> None:
    check_film(disabled(films[0].read_bytes(), 0))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_track_that_gives_no_frame_gives_way_to_the_next(
    made: Make, tmp_path: Path, name: str
) -> None:
    """The media block describes the one that is shown."""
    broken = make(tmp_path / "broken.mp4", Clip(size=OTHER_SIZE, seconds=SECONDS, gop=5))
    data = bytearray(broken.read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[start:end] = b"\xff" * (end - start)
    broken.write_bytes(data)
    film = made("film.mp4", Clip(size=FILM_SIZE, seconds=SECONDS, gop=5))
    check_film(enabled(joined(tmp_path / name, (broken, True), (film, True))))


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_enabled_sound_comes_before_others(tmp_path: Path, name: str) -> None:
    mono = make(tmp_path / "mono.mp4", Clip(codec=None, sounds=("aac",), seconds=1, channels=1))
    stereo = make(tmp_path / "stereo.mp4", Clip(codec=None, sounds=("aac",), seconds=1))
    data = joined(tmp_path / name, (mono, False), (stereo, True))
    audio = describe(MemorySource(data)).audio
    assert audio is not None
    assert audio.channels == 2


def test_cover_is_not_the_film(made: Make) -> None:
    clip = Clip(size=FILM_SIZE, seconds=SECONDS, gop=5, cover=scene((64, 64)))
    check_film(made("cover.mp4", clip).read_bytes())


@pytest.mark.parametrize(
    "name", ["disabled_track_first.mp4", "webm_preview_image_first.webm", "cover_is_stream_0.mp4"]
)
def test_samples_show_their_film(name: str) -> None:
    """The samples beside the repository; what is not the film is magenta."""
    poster = decoded(poster_of(MemorySource(sample(f"field/{name}").read_bytes())))
    assert mean_color(poster)[1] > 60
