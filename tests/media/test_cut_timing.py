"""Cuts of films with uneven times: a variable frame rate, late sound, a late picture, many edits.

Times of a cut count from where a player begins: at the container's start, which may be sound.
"""

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from shared.media import Limits
from shared.media.cutting.by_index.mp4_boxes import Box, box, boxes_in, full_box
from shared.media.cutting.by_index.mp4_film import read_film
from shared.media.cutting.clip_maker import CutRange, copy_clip, encode_clip
from shared.media.cutting.methods import cut_by_first, methods_for
from shared.model.cut_method import Accuracy, CutMethod
from tests.media.clips import make, source_of
from tests.media.counted import Shown, counted, shown, sound_shift

type Moment = Callable[[Fraction], Fraction]


def unchanged(time: Fraction) -> Fraction:
    return time


def half_speed_from_two(time: Fraction) -> Fraction:
    """The times of a screen recording: frames of 40 ms, later of 80 ms."""
    return time if time < 2 else 2 + 2 * (time - 2)


def gap_at_two(time: Fraction) -> Fraction:
    return time if time < 2 else time + Fraction(7, 10)


def later(seconds: str) -> Moment:
    return lambda time: time + Fraction(seconds)


# How the times of the picture and of the sound are changed.
CHANGES: dict[str, tuple[Moment, Moment]] = {
    "as it was": (unchanged, unchanged),
    "variable frame rate": (half_speed_from_two, unchanged),
    "gap": (gap_at_two, unchanged),
    "late sound": (unchanged, later("0.5")),
    "late picture": (later("0.3"), unchanged),
}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = counted(
        seconds=4.0,
        sounds=("aac", "aac"),
        codec_options={"preset": "ultrafast", "bf": "2"},
    )
    return make(tmp_path_factory.mktemp("film") / "film.mp4", recipe)


def moved(film: Path, to: Path, picture: Moment, sound: Moment) -> Path:
    """The packets of a film at other times; its sound tracks are German and French."""
    with av.open(str(film)) as source, av.open(str(to), "w") as output:
        targets = {s.index: output.add_stream_from_template(s) for s in source.streams}
        for stream, language in zip(source.streams.audio, ("deu", "fra"), strict=True):
            targets[stream.index].metadata["language"] = language
        packets = [packet for packet in source.demux() if packet.size]
        for packet in packets:
            moment = sound if packet.stream.type == "audio" else picture
            base = Fraction(packet.time_base.num, packet.time_base.den)
            packet.pts = round(moment((packet.pts or 0) * base) / base)
            packet.dts = round(moment((packet.dts or 0) * base) / base)
            packet.stream = targets[packet.stream.index]
        for packet in sorted(packets, key=lambda each: (each.dts or 0) * each.time_base):
            output.mux(packet)
    return to


def cut(film: Path, to: Path, method: CutMethod, start: float, end: float) -> tuple[float, float]:
    """Writes a clip by a method, and returns what it shows of the film."""
    source, blocks = source_of(film), list[bytes]()
    wanted = CutRange(start=start, end=end, accuracy=Accuracy.EDIT_LIST)
    if method is CutMethod.STORAGE_COPY:
        span, new = read_film(source).cut(start, end, Accuracy.EDIT_LIST)
        media = (source.data[offset : offset + length] for offset, length in new.ranges)
        to.write_bytes(new.header + b"".join(media))
        return float(span.start), float(span.end)
    if method is CutMethod.PACKETS:
        copied = copy_clip(source, wanted, blocks.append, block=65536, limits=Limits())
    else:
        copied = encode_clip(
            source,
            wanted,
            "libx264",
            blocks.append,
            block=65536,
            limits=Limits(),
            check=lambda: None,
        )
    to.write_bytes(copied.beginning + b"".join(blocks))
    return float(copied.start), float(copied.end)


def assert_shows(whole: Shown, clip: Path, begins: float, ends: float, start: float) -> None:
    """The clip shows and sounds the film from the frame at `start` on."""
    part = shown(clip)
    at_start = [time for time, _ in whole.frames if time <= start + 0.001]
    assert begins == pytest.approx(max(at_start, default=whole.frames[0][0]), abs=0.002)
    expected = [(t - begins, n) for t, n in whole.frames if begins - 0.002 < t < ends - 0.002]
    assert part.numbers == [number for _, number in expected]
    times = [time for time, _ in part.frames]
    assert times == pytest.approx([time for time, _ in expected], abs=0.003)
    assert abs(sound_shift(whole.sound, part.sound, begins)) <= 96  # 2 ms


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("film.mp4", CutMethod.STORAGE_COPY),
        ("film.mkv", CutMethod.PACKETS),
        ("film.ts", CutMethod.PACKETS),
        ("film.ts", CutMethod.ENCODE),
    ],
)
def test_cut_counts_from_where_players_begin(
    film: Path, tmp_path: Path, change: str, name: str, method: CutMethod
) -> None:
    source = moved(film, tmp_path / name, *CHANGES[change])
    whole, clip = shown(source), tmp_path / "cut.mp4"
    for start, end in ((1.1, 2.6), (2.3, 3.5)):
        begins, ends = cut(source, clip, method, start, end)
        assert_shows(whole, clip, begins, ends, start)


@pytest.mark.parametrize(
    ("name", "method"),
    [("film.mp4", CutMethod.STORAGE_COPY), ("film.mkv", CutMethod.PACKETS)],
)
def test_languages_of_all_sound_tracks_survive(
    film: Path, tmp_path: Path, name: str, method: CutMethod
) -> None:
    source = moved(film, tmp_path / name, unchanged, unchanged)
    cut(source, tmp_path / "cut.mp4", method, 1, 2)
    with av.open(str(tmp_path / "cut.mp4")) as clip:
        assert [sound.metadata["language"] for sound in clip.streams.audio] == ["deu", "fra"]


def with_edits(film: Path, to: Path, edits: list[tuple[float, float]]) -> Path:
    """A film whose tracks show parts of their media, (from, for) seconds, one after the other."""
    data = film.read_bytes()
    (moov,) = [each for each in boxes_in(memoryview(data)) if each.kind == b"moov"]
    clock = moov.child(b"mvhd").uint(12, 4)

    def edited(track: Box) -> bytes:
        first = track.child(b"edts", b"elst").uint(12, 4)  # behind what a decoder is primed with
        units = track.child(b"mdia", b"mdhd").uint(12, 4)
        entries = [
            struct.pack(">IIHH", round(length * clock), first + round(begin * units), 1, 0)
            for begin, length in edits
        ]
        elst = full_box(b"elst", 0, 0, struct.pack(">I", len(entries)), *entries)
        kept = [each.whole for each in track.children() if each.kind != b"edts"]
        return box(b"trak", kept[0], box(b"edts", elst), *kept[1:])

    parts = [edited(each) if each.kind == b"trak" else each.whole for each in moov.children()]
    to.write_bytes(data[: data.index(b"moov") - 4] + box(b"moov", *parts))
    return to


def test_film_of_several_edits_is_cut_as_it_is_shown(film: Path, tmp_path: Path) -> None:
    """Parts are repeated, left out and in another order."""
    source = with_edits(film, tmp_path / "film.mp4", [(0.4, 1), (2.4, 0.8), (1.2, 1)])
    clip = tmp_path / "cut.mp4"

    def by(method: CutMethod) -> tuple[float, float]:
        return cut(source, clip, method, 0.6, 2.4)

    method, (begins, ends) = cut_by_first(methods_for(Accuracy.EDIT_LIST), by)
    assert method is not CutMethod.STORAGE_COPY
    assert_shows(shown(source), clip, begins, ends, 0.6)
