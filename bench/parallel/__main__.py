"""Compares settings of parallel runs: a burst, and a film of an hour before a hundred short ones.

python -m bench.parallel [SHORT_FILMS] [maxDegreeOfParallelism ...]

local/host takes batches from the queue by the rule of Microsoft's triggers. The settings take turns
within one run, so that other load on the machine affects all of them.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import av
import psycopg
from azure.storage.blob import ContainerClient

from bench import stack
from bench.film import repeat
from local.host import child
from local.ports import free_port

_ROOT = Path(__file__).parents[2]
_PATIENCE = 600.0  # seconds
_SHORT_SECONDS = 10


@dataclass(frozen=True)
class Times:
    """Sorted seconds from the start of the host until each clip is ready."""

    ready: Sequence[float]
    long_film: float | None

    @property
    def shorts(self) -> str:
        middle = self.ready[len(self.ready) // 2]
        return f"{middle:>8.1f}{self.ready[-1]:>8.1f}"


def main(count: int = 100, degrees: Sequence[int] = (2, 3)) -> None:
    """Prints a table: median and last short film, and the long one, for each setting."""
    with tempfile.TemporaryDirectory() as name, stack.running() as running:
        path = _short_film(Path(name) / "short.mp4")
        repeat(path, path.with_name("long.mp4"), 60 * 60 // _SHORT_SECONDS)
        short, long = path.read_bytes(), path.with_name("long.mp4").read_bytes()
        print(f"\n{count} short films of {len(short) / 1e3:.0f} kB; {running.description}")
        print(f"one of an hour, {len(long) / 1e6:.0f} MB; seconds until ready")
        print(f"{'':<28}{'median':>8}{'last':>8}{'long film':>11}")
        for load, with_long in (("burst", False), ("behind a long film", True)):
            for degree in degrees:
                films = [short] * count
                times = _measure(running, Path(name), degree, films, long if with_long else None)
                took = "" if times.long_film is None else f"{times.long_film:>11.1f}"
                print(f"{load:<20}{degree:>8}{times.shorts}{took}", flush=True)


def _measure(
    running: stack.Stack, folder: Path, degree: int, films: Sequence[bytes], long: bytes | None
) -> Times:
    environment = _environment(running)
    video_id = str(stack.new_video(running))
    names = [f"{video_id}/{uuid4()}.mp4" for _ in films]
    long_name = f"{video_id}/{uuid4()}.mp4"
    prefix = environment["AZURE_STORAGE_CONTAINER_NAME"]
    with ContainerClient.from_connection_string(
        running.direct_connection_string, f"{prefix}-clips"
    ) as container:
        for blob in list(container.list_blob_names()):
            container.delete_blob(blob)
        # The scan lists blobs by name: this name makes it find the long film first.
        if long is not None:
            long_name = f"{video_id}/0{str(uuid4())[1:]}.mp4"
            container.upload_blob(long_name, long, max_concurrency=4)
        for blob, film in zip(names, films, strict=True):
            container.upload_blob(blob, film)
        with _host(folder, degree, environment):
            started = time.monotonic()
            ready = _wait(environment, video_id, len(films) + (long is not None), started)
    shorts = sorted(at for name, at in ready.items() if name != long_name)
    return Times(shorts, ready.get(long_name))


def _wait(
    environment: Mapping[str, str], video_id: str, count: int, started: float
) -> Mapping[str, float]:
    """Seconds until each clip was ready, by the name of its blob."""
    ready: dict[str, float] = {}
    query = "SELECT blob_name FROM clips WHERE video_id = %s AND status = 'ready'"
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as database:
        while len(ready) < count and time.monotonic() < started + _PATIENCE:
            for (name,) in database.execute(query, [video_id]).fetchall():
                ready.setdefault(name, time.monotonic() - started)
            time.sleep(0.1)
    if len(ready) < count:
        raise RuntimeError(f"{count - len(ready)} clips were not ready in {_PATIENCE:.0f} s")
    return ready


@contextmanager
def _host(folder: Path, degree: int, environment: Mapping[str, str]) -> Iterator[None]:
    """Runs the app on a host whose `maxDegreeOfParallelism` is `degree`."""
    app = folder / f"app-{uuid4()}"
    app.mkdir()
    for part in ("function_app.py", "clips", "shared"):
        (app / part).symlink_to(_ROOT / part)
    host = json.loads((_ROOT / "host.json").read_text())
    host["extensions"]["blobs"]["maxDegreeOfParallelism"] = degree
    (app / "host.json").write_text(json.dumps(host))
    with child.running(app, free_port(), environment, log=folder / "host.log"):
        yield


def _environment(running: stack.Stack) -> Mapping[str, str]:
    environment = dict(running.environment)
    return environment | {
        "AzureWebJobsStorage": running.direct_connection_string,
        "AzureWebJobsAZURE_STORAGE_CONNECTION_STRING": running.direct_connection_string,
        "AzureFunctionsWebHost__hostid": f"bench{uuid4().hex[:8]}",
        "BLOB_TRIGGER_SOURCE": "LogsAndContainerScan",
        "CLEANUP_SCHEDULE": "0 0 0 29 2 *",
    }


def _short_film(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(25 * _SHORT_SECONDS):
            frame = av.VideoFrame(640, 360, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number // 25 * 20 + 20]) * plane.buffer_size)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


if __name__ == "__main__":
    count, *degrees = [int(text) for text in sys.argv[1:]] or [100]
    main(count, degrees or (2, 3))
