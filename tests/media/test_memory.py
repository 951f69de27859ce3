"""How much memory a clip takes, measured in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
from av.video.reformatter import Colorspace

from tests.media.clips import Clip
from tests.media.conftest import Make

MEASURE = """
import resource, sys
from pathlib import Path
from shared import media
from tests.media.clips import source_of
source = source_of(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with media.opened(source) as file:
    assert file.stills().poster is not None
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
@pytest.mark.parametrize(
    ("clip", "megabytes"),
    [
        (Clip(size=(1920, 1080), seconds=1, gop=5), 200),
        (
            Clip(
                codec="libx265",
                size=(3840, 2160),
                seconds=0.2,
                gop=1,
                pixel_format="yuv420p10le",
                transfer=16,
                space=9,
                matrix=Colorspace.BT2020,
            ),
            400,
        ),
    ],
    ids=["Full HD", "4K HDR"],
)
def test_peak_memory_growth(made: Make, clip: Clip, megabytes: int) -> None:
    """Metadata and poster together, above what the interpreter and its modules take."""
    path = made("a.mp4", clip)
    child = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        text=True,
    )
    assert int(child.stdout) / 1024 < megabytes
