"""Compares the decoded pictures and the sound of cuts with those of the film."""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.media.clips import Clip, make
from tests.media.counted import RATE, SOUND_RATE, Shown, counted, shown, sound_shift

_START, _END = 3.3, 5.0
_FIRST, _STOP = int(_START * RATE), int(_END * RATE)

_FILMS: dict[str, Clip] = {
    "H.264, closed groups, B-frames": counted(
        codec_options={"preset": "fast", "bf": "2", "x264-params": "open-gop=0:scenecut=0"}
    ),
    "H.264, open groups, B-frames": counted(
        codec_options={"preset": "fast", "bf": "2", "x264-params": "open-gop=1:scenecut=0"}
    ),
    "HEVC, B-frames": counted(
        codec="libx265",
        codec_options={"x265-params": "log-level=none:scenecut=0:bframes=2:open-gop=0"},
    ),
    "VP9": counted(codec="libvpx-vp9"),
    "AV1": counted(codec="libsvtav1"),
}


@dataclass(frozen=True, slots=True)
class _Result:
    """Differences from the exact cut: of the first frame, of the number of frames, of the sound.

    `first_frame` and `frames` count frames, `sound` is milliseconds.
    """

    first_frame: int
    frames: int
    sound: float

    def __str__(self) -> str:
        return f"{self.first_frame:>9}{self.frames:>9}{self.sound:>10.2f}"


def run() -> None:
    print(
        f"\nExact cuts without encoding, {_START} s to {_END} s: frames off, frames more, sound ms"
        "\n(at most 0, 0 and 2)"
    )
    print(f"{'':<46}{'Cliplink':>28}{'ffmpeg -ss -to -c copy':>30}")
    with tempfile.TemporaryDirectory() as name:
        for codec, recipe in _FILMS.items():
            for container in ("mp4", "mkv"):
                film = make(Path(name) / f"film.{container}", recipe)
                whole = shown(film)
                own = _cut(film, whole)
                line = str(_by_command_line(film, whole)) if shutil.which("ffmpeg") else ""
                print(f"{f'{codec}, {container}':<46}{own}  {line}", flush=True)


def _cut(film: Path, whole: Shown) -> _Result:
    output = film.with_name("own.mp4")
    command = [sys.executable, "-m", "clips.cut", film, _START, _END, "--accuracy", "edit_list"]
    subprocess.run(
        [*map(str, command), "--output", str(output)], stdout=subprocess.DEVNULL, check=True
    )
    return _result(whole, shown(output))


def _by_command_line(film: Path, whole: Shown) -> _Result:
    output = film.with_name("tool.mp4")
    places = ["-ss", str(_START), "-to", str(_END), "-i", str(film)]
    command = ["ffmpeg", "-v", "error", "-y", *places, "-c", "copy", str(output)]
    subprocess.run(command, check=True)
    return _result(whole, shown(output))


def _result(whole: Shown, part: Shown) -> _Result:
    late = sound_shift(whole.sound, part.sound, _FIRST / RATE, most=2400)
    return _Result(
        part.numbers[0] - _FIRST,
        len(part.numbers) - (_STOP - _FIRST),
        1000 * late / SOUND_RATE,
    )
