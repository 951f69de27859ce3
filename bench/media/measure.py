"""Measures reads of large clips, compared with ffprobe and ffmpeg on the same address.

Also compares them with a whole download. `python -m bench.media` runs this alone.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import av
from av.video.stream import VideoStream
from azure.storage.blob import BlobServiceClient
from PIL import Image

from bench.film import large_film
from bench.stack import Stack
from clips.compose import open_backends
from shared.clock import utc_now
from shared.settings import from_mapping
from shared.storage.signing.signed_links import Links, LinkTerms

_ROUNDS = 3
FOLDER = Path(__file__).resolve().parents[2] / ".local" / "bench"
_QUIET = ["ffmpeg", "-v", "error", "-y"]
_TILES = "fps=50/600,scale=240:-2,tile=10x5"


@dataclass(frozen=True, slots=True)
class _Row:
    """Medians; `wall` and `cpu` in seconds, `peak` of resident memory in MB."""

    name: str
    wall: float
    cpu: float
    megabytes: float
    requests: float
    peak: float


def run(stack: Stack, folder: Path) -> None:
    print(f"\nReading clips; {stack.description}; medians of {_ROUNDS}")
    print("(a process each; Cliplink from its first read on, the tools with their start)")
    for film in (large_film(folder, 10), large_film(folder, 34), _hdr_film(folder)):
        _one_film(stack, film)


def _one_film(stack: Stack, film: Path) -> None:
    size = film.stat().st_size
    print(f"\n{film.name}: {size / 1e6:.0f} MB")
    print(f"{'':<34}{'wall s':>8}{'CPU s':>8}{'MB read':>9}{'%':>7}{'requests':>10}{'peak MB':>9}")
    container = f"{stack.environment['AZURE_STORAGE_CONTAINER_NAME']}-clips"
    name = f"{uuid4()}/{film.name}"
    with BlobServiceClient.from_connection_string(stack.direct_connection_string) as client:
        blob = client.get_blob_client(container, name)
        with film.open("rb") as file:
            blob.upload_blob(file, max_concurrency=4)
        for row in _rows(stack, container, name):
            print(
                f"{row.name:<34}{row.wall:>8.2f}{row.cpu:>8.2f}{row.megabytes:>9.2f}"
                f"{100e6 * row.megabytes / size:>7.2f}{row.requests:>10.0f}{row.peak:>9.0f}"
            )
        blob.delete_blob()


def _rows(stack: Stack, container: str, name: str) -> list[_Row]:
    def cliplink(way: str) -> Callable[[], dict[str, float]]:
        return lambda: _child(stack, way, container, name)

    rows = [
        _median(stack, "metadata", cliplink("metadata")),
        _median(stack, "metadata, one still", cliplink("still")),
        _median(stack, "metadata, all stills", cliplink("stills")),
    ]
    if shutil.which("ffmpeg") and shutil.which("ffprobe"):
        rows += _tools(stack, container, name)
    rows.append(_median(stack, "whole download, all stills", cliplink("whole"), rounds=1))
    return rows


def _tools(stack: Stack, container: str, name: str) -> list[_Row]:
    backends = open_backends(from_mapping(stack.environment))
    links = Links(backends.account, utc_now)
    url = links.to_read(container, name, timedelta(hours=2), LinkTerms()).url
    with tempfile.TemporaryDirectory() as out:
        still = [*_QUIET, "-ss", "10", "-i", url, "-frames:v", "1", "-vf", "scale=1280:-2"]
        probe = ["ffprobe", "-v", "error", "-show_format", "-show_streams", url]
        board = [*_QUIET, "-i", url, "-vf", _TILES, "-frames:v", "1", f"{out}/board.jpg"]

        def tools(*commands: list[str]) -> Callable[[], dict[str, float]]:
            return lambda: _child(stack, "tools", json.dumps(commands))

        return [
            _median(stack, "ffprobe", tools(probe)),
            _median(stack, "ffprobe, ffmpeg -ss", tools(probe, [*still, f"{out}/a.jpg"])),
            _median(stack, "ffmpeg fps, tile", tools(board), rounds=1),
        ]


def _median(
    stack: Stack, name: str, measure: Callable[[], dict[str, float]], rounds: int = _ROUNDS
) -> _Row:
    results = []
    for _ in range(rounds):
        stack.traffic.reset()
        result = measure()
        result |= {"mb": stack.traffic.bytes_read / 1e6, "requests": stack.traffic.requests}
        results.append(result)
    middle = {key: statistics.median(each[key] for each in results) for key in results[0]}
    return _Row(
        name, middle["wall"], middle["cpu"], middle["mb"], middle["requests"], middle["peak_mb"]
    )


def _child(stack: Stack, *arguments: str) -> dict[str, float]:
    result = subprocess.run(
        [sys.executable, "-m", "bench.media.once", *arguments],
        env={**os.environ, **stack.environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    report: dict[str, float] = json.loads(result.stdout)
    return report


def _hdr_film(folder: Path) -> Path:
    """Three seconds of 4K HEVC in HDR10, a keyframe a second; made once."""
    film = folder / "hdr-4k.mp4"
    if film.exists():
        return film
    unfinished = film.with_suffix(".part")
    forms = Image.merge("RGB", [Image.effect_noise((48, 27), 120) for _ in range(3)])
    scene = forms.resize((3840, 2160), Image.Resampling.BICUBIC)
    with av.open(str(unfinished), "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 3840, 2160, "yuv420p10le"
        stream.gop_size = 25
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9
        context.options = {"preset": "ultrafast", "x265-params": "log-level=none:bframes=0"}
        for number in range(75):
            moved = scene.rotate(number / 10)
            frame = av.VideoFrame.from_image(moved)  # type: ignore[no-untyped-call]  # PyAV has no types for it
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return unfinished.rename(film)
