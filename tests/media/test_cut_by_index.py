"""Cuts of MP4 and MOV by a new index: the right frames and the right sound, no media byte read."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import pytest

from shared.errors import CutOutOfRange
from shared.media.cutting.by_index.mp4_film import Mp4Film, read_film
from shared.media.cutting.by_index.mp4_selection import Span
from shared.media.cutting.unsuitable import Unsuitable
from shared.model.cut_method import Accuracy
from tests.media.clips import MemorySource, make, source_of
from tests.media.counted import RATE, Shown, counted, shown, sound_shift

CODECS = {
    "h264": counted(codec_options={"bf": "0"}),
    "h264 with B-frames": counted(codec_options={"preset": "fast", "bf": "2"}),
    "h264 open GOP": counted(
        codec_options={"preset": "fast", "bf": "2", "x264-params": "open-gop=1:scenecut=0"}
    ),
    "hevc": counted(codec="libx265"),
    "vp9": counted(codec="libvpx-vp9"),
    "av1": counted(codec="libsvtav1", options={}),
}


@dataclass(frozen=True, slots=True)
class Made:
    """A film and what it shows."""

    path: Path
    shown: Shown


@pytest.fixture(scope="session")
def film_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Films by the name of their codec, each made once."""
    made: dict[str, Made] = {}
    folder = tmp_path_factory.mktemp("counted")

    def film(name: str) -> Made:
        if name not in made:
            path = make(folder / f"{len(made)}.mp4", CODECS[name])
            made[name] = Made(path, shown(path))
        return made[name]

    return film


def write_cut(
    source: MemorySource, to: Path, start: float, end: float, accuracy: Accuracy
) -> tuple[Path, Span]:
    """Cuts as storage does: the new beginning, and behind it ranges of the source."""
    span, cut = read_film(source).cut(start, end, accuracy)
    ranges = (source.data[offset : offset + length] for offset, length in cut.ranges)
    to.write_bytes(cut.header + b"".join(ranges))
    assert to.stat().st_size == cut.size
    return to, span


RANGES = [(0, 1), (2, 3), (3.3, 5.02), (3.32, 3.36), (5.999, 7), (6.1, 20)]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("accuracy", [Accuracy.KEYFRAME, Accuracy.EDIT_LIST])
def test_cut_shows_exactly_the_frames_and_sound_of_its_range(
    film_of: Callable[[str], Made], tmp_path: Path, codec: str, accuracy: Accuracy
) -> None:
    film = film_of(codec)
    source = source_of(film.path)
    for start, end in RANGES:
        path, span = write_cut(source, tmp_path / "cut.mp4", start, end, accuracy)
        first, last = round(span.start * RATE), round(span.end * RATE)
        cut = shown(path)
        assert cut.numbers == list(range(first, last)), (start, end)
        assert cut.frames[0][0] == pytest.approx(0, abs=0.001)
        assert cut.duration == pytest.approx(float(span.end - span.start), abs=0.03)
        if span.end - span.start > 0.5:
            assert abs(sound_shift(film.shown.sound, cut.sound, float(span.start))) <= 96


@pytest.mark.parametrize(("start", "end"), RANGES)
def test_cut_begins_at_the_frame_that_is_shown_at_the_wanted_time(
    film_of: Callable[[str], Made], start: float, end: float
) -> None:
    film = read_film(source_of(film_of("h264 with B-frames").path))
    exact, _ = film.cut(start, end, Accuracy.EDIT_LIST)
    snapped = [number for number in range(200) if number / RATE <= start + 0.0005][-1]
    assert exact.start * RATE == snapped
    keyframe, _ = film.cut(start, end, Accuracy.KEYFRAME)
    assert keyframe.start * RATE == snapped // 50 * 50
    assert exact.end == keyframe.end


def test_only_the_index_and_the_head_of_a_keyframe_are_read(
    film_of: Callable[[str], Made],
) -> None:
    source = source_of(film_of("h264").path)
    index = source.data.rindex(b"moov") - 4
    read_film(source).cut(2, 4, Accuracy.KEYFRAME)
    assert sum(length for _, length in source.reads) <= len(source.data) - index + 2 * 4096 + 16


def test_cut_begins_with_its_index(film_of: Callable[[str], Made], tmp_path: Path) -> None:
    path, _ = write_cut(
        source_of(film_of("h264").path), tmp_path / "cut.mp4", 1, 4, Accuracy.KEYFRAME
    )
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_range_outside_of_the_film_is_refused(film_of: Callable[[str], Made]) -> None:
    film = read_film(source_of(film_of("h264").path))
    with pytest.raises(CutOutOfRange, match=r"8\.000 s"):
        film.cut(8, 9, Accuracy.KEYFRAME)


@pytest.mark.parametrize("accuracy", [Accuracy.KEYFRAME, Accuracy.EDIT_LIST])
def test_hidden_lead_in_is_never_the_beginning_of_a_cut(
    film_of: Callable[[str], Made], tmp_path: Path, accuracy: Accuracy
) -> None:
    """A film that was cut with an edit list has frames before the edit list that are not shown."""
    source = source_of(film_of("h264 with B-frames").path)
    path, _ = write_cut(source, tmp_path / "trimmed.mp4", 3, 8, Accuracy.EDIT_LIST)
    film = read_film(source_of(path))
    with pytest.raises(Unsuitable, match="hidden"):
        film.cut(0.2, 2, accuracy)
    again, span = write_cut(source_of(path), tmp_path / "again.mp4", 1.5, 3, accuracy)
    first = 75 + round(span.start * RATE)
    assert shown(again).numbers == list(range(first, 75 + round(span.end * RATE)))
    assert span.start >= 0


def test_rotation_pixel_shape_colours_language_and_codec_tag_survive(tmp_path: Path) -> None:
    recipe = counted(
        codec="libx265",
        rotation=90,
        pixel_shape=Fraction(4, 3),
        primaries=9,
        transfer=16,
        space=9,
    )
    path = make(tmp_path / "film.mp4", recipe)
    cut, _ = write_cut(source_of(path), tmp_path / "cut.mp4", 2, 4, Accuracy.KEYFRAME)
    assert _described(cut) == _described(path)


def _described(path: Path) -> list[object]:
    with av.open(str(path)) as container:
        film = container.streams.video[0]
        frame = next(container.decode(film))
        context = film.codec_context
        return [
            context.codec_tag,
            film.sample_aspect_ratio,
            frame.rotation,
            context.color_primaries,
            context.color_trc,
            context.colorspace,
            [stream.metadata.get("language") for stream in container.streams],
        ]


def test_every_sound_track_is_kept(tmp_path: Path) -> None:
    path = make(tmp_path / "film.mov", counted(sounds=("aac", "pcm_s16le")))
    cut, span = write_cut(source_of(path), tmp_path / "cut.mov", 3, 5, Accuracy.EDIT_LIST)
    with av.open(str(cut)) as container:
        assert [s.codec_context.name for s in container.streams.audio] == ["aac", "pcm_s16le"]
    assert shown(cut).numbers == list(range(75, 125))
    assert span.start == 3


def test_film_without_a_picture_is_cut_by_its_sound(tmp_path: Path) -> None:
    path = make(tmp_path / "sound.m4a", counted(codec=None))
    cut, span = write_cut(source_of(path), tmp_path / "cut.m4a", 2, 5, Accuracy.KEYFRAME)
    whole, part = shown(path), shown(cut)
    assert abs(span.start - 2) < 0.03
    assert abs(sound_shift(whole.sound, part.sound, float(span.start))) <= 96
    assert part.duration == pytest.approx(3, abs=0.06)


@pytest.mark.parametrize(
    "options",
    [
        {"movflags": "frag_keyframe+empty_moov"},
        {"movflags": "frag_keyframe+delay_moov+default_base_moof"},
    ],
    ids=["empty moov", "delayed moov"],
)
def test_fragmented_film_is_left_to_another_method(tmp_path: Path, options: dict[str, str]) -> None:
    path = make(tmp_path / "film.mp4", counted(options=options))
    with pytest.raises(Unsuitable, match="fragmented"):
        read_film(source_of(path))


def _damaged(data: bytes, seed: int) -> bytes:
    import random

    source = random.Random(seed)
    copy = bytearray(data)
    for _ in range(source.randint(1, 6)):
        copy[source.randrange(len(copy))] = source.randrange(256)
    return bytes(copy)


def test_damaged_index_is_cut_or_refused_and_nothing_else(film_of: Callable[[str], Made]) -> None:
    data = film_of("h264 with B-frames").path.read_bytes()
    begin = data.rindex(b"moov") - 4
    cuts = 0
    for seed in range(400):
        try:
            Mp4Film(b"", _damaged(data[begin:], seed)).cut(2, 4, Accuracy.KEYFRAME)
        except (Unsuitable, CutOutOfRange):
            continue
        cuts += 1
    assert 0 < cuts < 400
