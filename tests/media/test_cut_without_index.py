"""Films without an index: a cut reads about its own bytes, wherever in the film it lies."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from shared.media import Limits
from shared.media.cutting.clip_maker import CutRange, copy_clip, encode_clip
from shared.media.cutting.packets import CopiedFilm
from shared.media.cutting.without_index.entries import entries_of
from shared.model.cut_method import Accuracy
from tests.media.clips import Clip, MemorySource, make, make_long
from tests.media.counted import RATE, draw_number, shown

TURN, TURNS = 50, 40
CUES, UNKNOWN = bytes.fromhex("1c53bb6b"), bytes.fromhex("1c53bb6a")


def draw_noisy(size: tuple[int, int], seconds: float) -> Image.Image:
    """The number of the frame in the middle, and noise around it, which no codec makes small."""
    image = Image.effect_noise(size, 60).convert("RGB")
    band = size[1] // 4
    image.paste(draw_number((size[0], 2 * band), seconds), (0, band))
    return image


@dataclass(frozen=True, slots=True)
class Kind:
    """How a long film is written; `change` takes its index away."""

    name: str
    options: dict[str, str]
    change: Callable[[bytes], bytes] = bytes


KINDS = {
    "mkv without cues": Kind("film.mkv", {}, lambda data: data.replace(CUES, UNKNOWN)),
    "live webm": Kind("film.mkv", {"live": "1"}),
    "fragments": Kind("film.mp4", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "delayed fragments": Kind("film.mp4", {"movflags": "frag_keyframe+delay_moov"}),
    "flv": Kind("film.flv", {}),
}


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = Clip(
        seconds=TURN / RATE,
        gop=25,
        size=(320, 180),
        draw=draw_noisy,
        codec_options={"preset": "veryfast", "bf": "2", "crf": "16"},
    )
    return make(tmp_path_factory.mktemp("short") / "film.mp4", recipe)


@pytest.fixture
def long(short: Path, tmp_path: Path) -> Callable[[str], MemorySource]:
    def film(kind: str) -> MemorySource:
        wanted = KINDS[kind]
        path = make_long(tmp_path / wanted.name, short, TURNS, options=wanted.options)
        data = wanted.change(path.read_bytes())
        path.unlink()
        return MemorySource(data)

    return film


def copied(source: MemorySource, to: Path, wanted: CutRange) -> CopiedFilm:
    blocks: list[bytes] = []
    film = copy_clip(source, wanted, blocks.append, block=65536, limits=Limits())
    to.write_bytes(film.beginning + b"".join(blocks))
    return film


@pytest.mark.parametrize("kind", KINDS)
def test_cut_of_a_film_without_an_index_reads_little_more_than_its_bytes(
    long: Callable[[str], MemorySource], tmp_path: Path, kind: str
) -> None:
    source = long(kind)
    assert entries_of(source) is not None
    for start, end, accuracy in (
        (41.3, 61.02, Accuracy.KEYFRAME),
        (65.1, 90, Accuracy.EDIT_LIST),
    ):
        source.reads.clear()
        wanted = CutRange(start=start, end=end, accuracy=accuracy)
        film = copied(source, tmp_path / "cut.mp4", wanted)
        begins = round(film.start * RATE)
        ends = min(round(end * RATE + 0.49), TURN * TURNS)
        assert begins == (
            int(start * RATE) // 25 * 25 if accuracy is Accuracy.KEYFRAME else int(start * RATE)
        )
        expected = [number % TURN for number in range(begins, ends)]
        assert shown(tmp_path / "cut.mp4").numbers == expected
        read = sum(length for _, length in source.reads)
        assert read < 2.5 * (tmp_path / "cut.mp4").stat().st_size


@pytest.mark.parametrize("kind", ["mkv without cues", "fragments"])
def test_exact_cut_of_a_film_without_an_index_reads_as_little(
    long: Callable[[str], MemorySource], tmp_path: Path, kind: str
) -> None:
    source, blocks = long(kind), list[bytes]()
    film = encode_clip(
        source,
        CutRange(start=61.3, end=63, accuracy=Accuracy.FRAME),
        "libx264",
        blocks.append,
        block=65536,
        limits=Limits(),
        check=lambda: None,
    )
    (tmp_path / "cut.mp4").write_bytes(film.beginning + b"".join(blocks))
    expected = [number % TURN for number in range(int(61.3 * RATE), 63 * RATE)]
    assert shown(tmp_path / "cut.mp4").numbers == expected
    assert sum(length for _, length in source.reads) < len(source.data) / 4


@pytest.mark.parametrize("seed", range(2))
def test_damage_between_the_entries_is_no_reason_to_fail(
    long: Callable[[str], MemorySource], tmp_path: Path, seed: int
) -> None:
    import random

    chance = random.Random(seed)
    source = long("mkv without cues")
    data = bytearray(source.data)
    for _ in range(60):
        data[chance.randrange(len(data) // 2, len(data))] = chance.randrange(256)
    wanted = CutRange(start=61.3, end=63, accuracy=Accuracy.KEYFRAME)
    film = copied(MemorySource(bytes(data)), tmp_path / "cut.mp4", wanted)
    assert film.start <= 61.3
