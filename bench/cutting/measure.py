"""Measures what a cut costs in bytes, requests, CPU and memory, by format and method.

Compares it with `ffmpeg -ss -to -c copy` on the same signed address, and with a download of the
whole film. Copies inside storage do not pass the proxy. Their time is shown separately, because
the emulator uses the same cores and disk.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from azure.storage.blob import BlobServiceClient

from bench.cutting import accuracy, transcoding
from bench.cutting.films import MP4, OTHERS, Format, index_bytes, long_film
from bench.cutting.once import Report
from bench.stack import Stack, new_video
from clips.compose import open_backends
from shared.clock import utc_now
from shared.settings import from_mapping
from shared.storage.signing.signed_links import Links, LinkTerms

_ROUNDS = 3
_MANY, _MANY_SECONDS = 100, (3, 10, 30)
_LONG = 25 * 60.0


@dataclass(frozen=True, slots=True)
class _Range:
    start: float
    end: float

    @property
    def name(self) -> str:
        seconds = self.end - self.start
        return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} minutes"


def run(stack: Stack, folder: Path, *, all_large: bool = False) -> None:
    print(f"\nCutting; {stack.description}; medians of {_ROUNDS}, of one for long cuts")
    print("(a process each; `copying` are seconds of storage itself, and part of `wall`)")
    for format_ in (MP4, *OTHERS):
        _one_film(stack, folder, format_, 10)
    for format_ in (MP4, *OTHERS) if all_large else (MP4,):
        _one_film(stack, folder, format_, 40)
    _many(stack, long_film(folder, MP4, 10))
    accuracy.run()
    transcoding.run(folder)


def _one_film(stack: Stack, folder: Path, format_: Format, minutes: int) -> None:
    film = long_film(folder, format_, minutes)
    index = f", {index_bytes(film) / 1e6:.3f} of them its index" if format_ is MP4 else ""
    print(f"\n{format_.name}, {film.stat().st_size / 1e6:.0f} MB{index}; at most {format_.limit}")
    print(
        f"{'':<36}{'wall s':>8}{'copying':>9}{'CPU s':>8}{'MB read':>9}{'of clip':>9}"
        f"{'requests':>10}{'peak MB':>9}"
    )
    # Inside a group of pictures, where most cuts begin.
    ranges = [_Range(60.0 * minutes * 0.514, 60.0 * minutes * 0.514 + 30)]
    if minutes * 60 > _LONG:
        ranges.append(_Range(301.3, 301.3 + _LONG))
    name = f"{new_video(stack)}.{'ts' if format_.muxer == 'mpegts' else format_.muxer}"
    container = f"{stack.environment['AZURE_STORAGE_CONTAINER_NAME']}-videos"
    with _uploaded(stack, container, name, film):
        for range_ in ranges:
            _ways(stack, container, name, range_)


def _ways(stack: Stack, container: str, name: str, range_: _Range) -> None:
    rounds = _ROUNDS if range_.end - range_.start < _LONG else 1
    bounds = [str(range_.start), str(range_.end)]
    own = _median(stack, ["cut", name, *bounds], rounds)
    clip = own["output_mb"]
    _print(f"{range_.name}, Cliplink", own, clip)
    if not shutil.which("ffmpeg"):
        return
    url = _link(stack, container, name)
    with tempfile.TemporaryDirectory() as out:
        copy = ["-c", "copy", "-f", "mp4", f"{out}/cut.mp4"]
        places = ["-ss", bounds[0], "-to", bounds[1]]
        quiet = ["ffmpeg", "-v", "error", "-y"]
        _print(
            f"{range_.name}, ffmpeg over HTTP",
            _median(stack, ["tool", *quiet, *places, "-i", url, *copy], rounds),
            clip,
        )
        fetch = f"curl -sS -o {out}/film '{url}'"
        cut = " ".join([*quiet, *places, "-i", f"{out}/film", *copy])
        command = f"{fetch} && {cut}"
        way = f"{range_.name}, download, ffmpeg"
        try:
            _print(way, _median(stack, ["tool", "sh", "-c", command], 1), clip)
        except subprocess.CalledProcessError:
            print(f"{way}: the emulator broke the download off")


def _many(stack: Stack, film: Path) -> None:
    print(f"\n{_MANY} cuts of one source in one call: at least 10 a second, the index once")
    print("(`copies` is what storage alone takes for those that were made)")
    print(
        f"{'':<10}{'wall s':>8}{'copies':>8}{'a second':>10}{'beside them':>13}{'at once':>9}"
        f"{'CPU s':>7}{'index read':>12}{'requests':>10}{'peak MB':>9}"
    )
    container = f"{stack.environment['AZURE_STORAGE_CONTAINER_NAME']}-videos"
    for seconds in _MANY_SECONDS:
        video_id = new_video(stack)
        name, of_each = f"{video_id}.mp4", [str(_MANY), str(seconds)]
        with _uploaded(stack, container, name, film):
            stack.traffic.reset()
            report = _child(stack, "many", name, str(video_id), *of_each)
            requests = stack.traffic.requests
            direct = {"AZURE_STORAGE_CONNECTION_STRING": stack.direct_connection_string}
            bare = _child(stack, "bare", name, *of_each, settings=direct)
        wall, done = report["wall"], report["at_once"]
        copies = bare["wall"] * done / _MANY
        print(
            f"{f'{seconds} s':<10}{wall:>8.1f}{copies:>8.1f}{done / wall:>10.1f}"
            f"{done / max(wall - copies, 0.1):>13.1f}{done:>9.0f}{report['cpu']:>7.1f}"
            f"{report['readers']:>12.0f}{requests:>10}{report['peak_mb']:>9.0f}",
            flush=True,
        )


@contextmanager
def _uploaded(stack: Stack, container: str, name: str, film: Path) -> Iterator[None]:
    """Keeps a film in storage until the block ends."""
    with BlobServiceClient.from_connection_string(stack.direct_connection_string) as client:
        blob = client.get_blob_client(container, name)
        with film.open("rb") as file:
            blob.upload_blob(file, max_concurrency=4)
        try:
            yield
        finally:
            blob.delete_blob()


def _median(stack: Stack, arguments: Sequence[str], rounds: int) -> Report:
    results = []
    for _ in range(rounds):
        stack.traffic.reset()
        result = _child(stack, *arguments)
        result |= {"mb": stack.traffic.bytes_read / 1e6, "requests": stack.traffic.requests}
        results.append(result)
    return {key: statistics.median(each[key] for each in results) for key in results[0]}


def _child(
    stack: Stack, *arguments: str, settings: Mapping[str, str] = MappingProxyType({})
) -> Report:
    result = subprocess.run(
        [sys.executable, "-m", "bench.cutting.once", *arguments],
        env={**os.environ, **stack.environment, **settings},
        stdout=subprocess.PIPE,
        check=True,
    )
    report: Report = json.loads(result.stdout)
    return report


def _print(name: str, row: Report, clip_mb: float) -> None:
    print(
        f"{name:<36}{row['wall']:>8.2f}{row['copying']:>9.2f}{row['cpu']:>8.2f}{row['mb']:>9.3f}"
        f"{row['mb'] / clip_mb:>9.3f}{row['requests']:>10.0f}{row['peak_mb']:>9.0f}",
        flush=True,
    )


def _link(stack: Stack, container: str, name: str) -> str:
    backends = open_backends(from_mapping(stack.environment))
    links = Links(backends.account, utc_now)
    return links.to_read(container, name, timedelta(hours=2), LinkTerms()).url
