"""Measures an encoded playable copy, compared with the same encoder on the command line."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.cutting.films import MP4, long_film
from bench.cutting.once import Report
from shared.media.cutting.by_encoding.encoders import ENCODERS

_ROUNDS = 3
_SECONDS = 30


def run(folder: Path) -> None:
    print(f"\nEncoding {_SECONDS} s of 1080p with libx264; medians of {_ROUNDS}, in turn")
    print("(at most 1.15 times the CPU of the command line, and 300 MB)")
    print(f"{'':<20}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}")
    with tempfile.TemporaryDirectory() as name:
        film = Path(name) / "film.mp4"
        cut = [long_film(folder, MP4, 10), 0, _SECONDS, "--output", film]
        command = [sys.executable, "-m", "clips.cut", *map(str, cut)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        ways = {"Cliplink": ["encode", str(film)]}
        if shutil.which("ffmpeg"):
            ways["ffmpeg"] = ["tool", *_command_line(film, Path(name) / "tool.mp4")]
        # The ways take turns, so that other load on the machine affects all of them.
        rounds = [
            {way: _once(arguments) for way, arguments in ways.items()} for _ in range(_ROUNDS)
        ]
    for way in ways:
        _print(way, {key: median(each[way][key] for each in rounds) for key in rounds[0][way]})
    if "ffmpeg" in ways:
        ratios = [each["Cliplink"]["cpu"] / each["ffmpeg"]["cpu"] for each in rounds]
        print(f"CPU: {median(ratios):.2f} times the command line's")


def _command_line(film: Path, output: Path) -> list[str]:
    options = [f"-{key} {value}" for key, value in ENCODERS["libx264"].options.items()]
    picture = f"-c:v libx264 {' '.join(options)} -threads 2 -g 50 -pix_fmt yuv420p"
    sound = "-c:a aac -b:a 160k -ac 2 -ar 48000"
    return [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-i",
        str(film),
        *f"{picture} {sound}".split(),
        str(output),
    ]


def _once(arguments: Sequence[str]) -> Report:
    command = [sys.executable, "-m", "bench.cutting.once", *arguments]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    report: Report = json.loads(output)
    return report


def _print(name: str, row: Report) -> None:
    print(f"{name:<20}{row['wall']:>8.1f}{row['cpu']:>8.1f}{row['peak_mb']:>9.0f}")
