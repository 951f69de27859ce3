"""The memory of a clip and its limit, each measured in a separate process."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from av.video.reformatter import Colorspace
from PIL import Image

from shared import media
from shared.errors import UnplayableClip
from shared.media import FailureCode
from tests.media.clips import Clip, MemorySource, Size, source_of
from tests.media.conftest import Make, sample

# A process has from its parent what getrusage(2) calls its peak, but not what proc(5) does.
MEASURE = """
import re, sys
from pathlib import Path
from shared import media
from tests.media.clips import source_of

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])

source = source_of(Path(sys.argv[1]))
before = peak()
with media.opened(source) as file:
    assert file.stills().poster is not None
print(peak() - before)
"""


def plain(size: Size, _: float) -> Image.Image:
    """Draws a picture that is quickly encoded: the memory does not depend on what it shows."""
    return Image.new("RGB", size, (90, 120, 60))


@pytest.mark.skipif(sys.platform != "linux", reason="read from proc(5)")
@pytest.mark.parametrize(
    ("clip", "megabytes"),
    [
        (Clip(size=(1920, 1080), seconds=1, gop=5, draw=plain), 200),
        (
            Clip(
                codec="libx265",
                size=(3840, 2160),
                seconds=0.08,
                gop=1,
                pixel_format="yuv420p10le",
                transfer=16,
                space=9,
                matrix=Colorspace.BT2020,
                draw=plain,
            ),
            400,
        ),
    ],
    ids=["Full HD", "4K HDR"],
)
def test_peak_memory_growth(made: Make, clip: Clip, megabytes: int) -> None:
    """This measures all stills together, without the interpreter and its modules."""
    assert 5 < run(MEASURE, made("a.mp4", clip)) / 1024 < megabytes


# Samples for which FFmpeg would take two gigabytes.
DECLARED = 60_000_000

FAIL = """
import json, resource, sys
from pathlib import Path
from shared import media
from shared.errors import UnplayableClip
from tests.media.clips import source_of

limit = resource.getrlimit(resource.RLIMIT_DATA)
try:
    with media.opened(source_of(Path(sys.argv[1]))) as file:
        file.stills()
except UnplayableClip as error:
    print(json.dumps({
        "code": error.failure_code,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "lifted": resource.getrlimit(resource.RLIMIT_DATA) == limit,
    }))
"""

CROWD = """
import json, sys, threading
from pathlib import Path
from shared import media
from shared.errors import CliplinkError
from tests.media.clips import source_of

greedy, ordinary = (source_of(Path(path)) for path in sys.argv[1:])
codes = []
with media.opened(ordinary) as film:
    try:
        with media.opened(greedy) as file:
            file.stills()
    except CliplinkError as error:
        codes.append(error.code)
    film.stills()
with media.opened(ordinary) as film:
    film.stills()
try:
    with media.opened(greedy) as file:
        file.stills()
except CliplinkError as error:
    codes.append(error.code)
print(json.dumps(codes))
"""


def run(script: str, *arguments: Path) -> Any:  # noqa: ANN401 - any JSON
    child = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(child.stdout)


@pytest.fixture
def greedy(made: Make, tmp_path: Path) -> Path:
    """A file whose first fragment declares a byte for each sample; it is as large, but sparse."""
    whole = made("a.mp4", Clip(options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}))
    data = bytearray(whole.read_bytes())
    run_of_samples = data.index(b"trun") + 4
    data_offset_only = (1).to_bytes(4)
    data[run_of_samples : run_of_samples + 8] = data_offset_only + DECLARED.to_bytes(4)
    path = tmp_path / "greedy.mp4"
    path.write_bytes(data + (2 * DECLARED).to_bytes(4) + b"free")
    with path.open("r+b") as file:
        file.truncate(len(data) + 2 * DECLARED)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="no bound elsewhere")
def test_file_that_takes_too_much_fails_and_nothing_else_does(greedy: Path) -> None:
    outcome = run(FAIL, greedy)
    assert (outcome["code"], outcome["lifted"]) == ("too_much_memory", True)
    assert outcome["peak"] / 1024 < 1400


@pytest.mark.skipif(sys.platform != "linux", reason="no bound elsewhere")
def test_lack_of_memory_with_several_open_files_is_busy(made: Make, greedy: Path) -> None:
    """The file is tried again, because only alone it is known to be the cause. The others go on."""
    assert run(CROWD, greedy, made("b.mp4")) == ["busy", "unplayable_clip"]


def damaged_av1(made: Make) -> list[bytes]:
    """Films whose frames have one flipped bit: dav1d calls some of these a lack of memory."""
    clip = Clip(codec="libsvtav1", size=(96, 64), seconds=0.4)
    data = made("av1.mp4", clip).read_bytes()
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    films = []
    for place in range(start, end, max(1, (end - start) // 40)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        films.append(bytes(flipped))
    return films


def outcomes(films: list[bytes]) -> list[str]:
    """Returns `ready` or the failure code of each film."""
    found = []
    for data in films:
        try:
            with media.opened(MemorySource(data)) as file:
                file.stills()
            found.append("ready")
        except UnplayableClip as failure:
            found.append(failure.failure_code)
    return found


def test_damaged_frame_is_distinguished_from_lack_of_memory(made: Make) -> None:
    """Only that frame is lost, whether the file is alone or beside others."""
    films = damaged_av1(made)
    alone = outcomes(films)
    assert set(alone) <= {"ready", FailureCode.UNDECODABLE}
    assert alone.count("ready") >= len(films) * 0.9
    with media.opened(source_of(made("b.mp4"))), ThreadPoolExecutor(2) as pool:
        beside = list(pool.map(outcomes, [films, films]))
    assert beside == [alone, alone]


@pytest.mark.parametrize("count", [100_000_000, 2**31 - 1, 2**32 - 1])
def test_size_that_makes_no_sense_is_damage(made: Make, count: int) -> None:
    """FFmpeg reports a lack of memory for so large a table without an allocation."""
    clip = Clip(
        size=(96, 64),
        seconds=0.4,
        options={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    )
    data = bytearray(made("a.mp4", clip).read_bytes())
    at = data.index(b"trun") + 8
    data[at : at + 4] = count.to_bytes(4)
    assert set(outcomes([bytes(data)])) <= {"ready", FailureCode.UNDECODABLE}
    with media.opened(source_of(made("b.mp4"))):
        assert set(outcomes([bytes(data)])) <= {"ready", FailureCode.UNDECODABLE}


@pytest.mark.parametrize(("table", "count"), [(b"ctts", 200_000_000), (b"stts", 150_000_000)])
def test_memory_that_only_damage_asks_for_is_damage(made: Make, table: bytes, count: int) -> None:
    """The system refuses gigabytes for the table of a small file."""
    options = {"x264-params": "bframes=2:b-adapt=0"}
    clip = Clip(size=(96, 64), seconds=0.6, codec_options=options)
    data = bytearray(made("a.mp4", clip).read_bytes())
    at = data.index(table) + 8
    data[at : at + 4] = count.to_bytes(4)
    assert set(outcomes([bytes(data)])) <= {"ready", FailureCode.UNDECODABLE}
    with media.opened(source_of(made("b.mp4"))):
        assert set(outcomes([bytes(data)])) <= {"ready", FailureCode.UNDECODABLE}


def test_damaged_samples_are_no_lack_of_memory() -> None:
    """This uses the samples beside the repository."""
    films = [sample(f"fuzz/{name}").read_bytes() for name in ENOMEM]
    assert outcomes(films) == [FailureCode.UNDECODABLE, "ready"]
    with media.opened(MemorySource(films[1])):
        assert outcomes(films) == [FailureCode.UNDECODABLE, "ready"]


ENOMEM = ("enomem_764_hevc.mp4", "enomem_av1_1421.mp4")
