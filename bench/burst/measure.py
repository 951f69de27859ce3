"""Uploads clips all at once, waits until each is ready, and counts how often each was processed.

Meanwhile the cleanup runs every minute: it must not process clips whose messages wait in the
queue. A caller reads clips all the time, and the time of each read is measured.
"""

import re
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import psycopg

from bench.film import short_film
from bench.process import cpu_seconds
from bench.requests.services import environment
from bench.soak.clients import Caller, Record, start, upload
from bench.stack import Stack
from local.host import child
from local.ports import free_port

_ROOT = Path(__file__).resolve().parents[2]
_SUBJECT = "bench-burst"
_SECONDS = 4  # of each film
_UPLOADERS = 8
_PATIENCE = 900.0  # seconds
_PAUSE = 0.02  # seconds between two calls of the reader
_READY = "SELECT count(*) FROM clips WHERE video_id = %s AND status = 'ready'"
_FINISHED = re.compile(r"Clip (\S+) is ready:")
_DISCARDED = re.compile(r"was not published: .*|Replaced by a newer version.*: ")


@dataclass(frozen=True, slots=True)
class Burst:
    """Seconds from the first upload to the last, and to the last clip that became ready.

    `cpu` is the CPU seconds that each service took meanwhile.
    """

    clips: Sequence[str]
    uploaded: float
    ready: float
    cpu: Mapping[str, float]


def run(stack: Stack, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        film = short_film(Path(folder), _SECONDS).read_bytes()
        log = Path(folder) / "host.log"
        settings = environment(stack) | {
            "AzureWebJobsStorage": stack.direct_connection_string,
            "BLOB_TRIGGER_SOURCE": "LogsAndContainerScan",
            "CLEANUP_SCHEDULE": "0 * * * * *",
        }
        print(f"\nBurst: {count} clips of {len(film) / 1e6:.1f} MB\n", flush=True)
        reads = Record()
        with child.running(_ROOT, free_port(), settings, log=log) as host:
            burst = _burst(stack, host, film, count, reads)
        _print(burst, reads.take(), log.read_text())


def _burst(stack: Stack, host: child.Host, film: bytes, count: int, reads: Record) -> Burst:
    token = stack.issuer.token(_SUBJECT)
    first = Caller(host.port, token, Record())
    video = str(first.call("POST", "/api/videos", {"title": "Burst"})["id"])
    services = {
        "host": host.child.process.pid,
        "Azurite": stack.account.child.process.pid,
        "Postgres": stack.server.child.process.pid,
    }
    before = {name: cpu_seconds(number) for name, number in services.items()}
    began = time.monotonic()
    shares = [range(number, count, _UPLOADERS) for number in range(_UPLOADERS)]

    def send(numbers: range) -> list[str]:
        caller = Caller(host.port, token, Record())
        return [upload(caller, video, film, number) for number in numbers]

    with ThreadPoolExecutor(_UPLOADERS) as pool:
        clips = [clip for sent in pool.map(send, shares) for clip in sent]
    uploaded = time.monotonic() - began
    stop, failures = threading.Event(), list[BaseException]()

    def read() -> None:
        caller = Caller(host.port, token, reads)
        for clip in cycle(clips):
            if stop.wait(_PAUSE):
                return
            caller.call("GET", f"/api/clips/{clip}")

    reader = start(read, failures)
    try:
        _wait_until_ready(stack, video, count)
    finally:
        stop.set()
        reader.join()
    if failures:
        raise failures[0]
    ready = time.monotonic() - began
    cpu = {name: cpu_seconds(number) - before[name] for name, number in services.items()}
    return Burst(clips, uploaded, ready, cpu)


def _wait_until_ready(stack: Stack, video: str, count: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as database:
        while True:
            found = database.execute(_READY, [video]).fetchone()
            ready = 0 if found is None else int(found[0])
            if ready == count:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"{count - ready} clips were not ready in {_PATIENCE:.0f} s")
            time.sleep(0.25)


def _print(burst: Burst, seconds: Sequence[float], log: str) -> None:
    finished = Counter(_FINISHED.findall(log))
    times = Counter(finished[clip] for clip in burst.clips)
    cuts = statistics.quantiles(seconds, n=100)
    rate = len(burst.clips) / burst.ready * 60
    print(f"uploaded within {burst.uploaded:.1f} s, all ready after {burst.ready:.1f} s")
    print(f"clips ready per minute: {rate:.0f}")
    each = {name: seconds / len(burst.clips) for name, seconds in burst.cpu.items()}
    parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in each.items())
    print(f"processor seconds for a clip: {sum(each.values()):.2f} ({parts})")
    print(f"processed so many times: {dict(sorted(times.items()))} (times: clips)")
    print(f"runs thrown away: {len(_DISCARDED.findall(log))}")
    print(f"runs of the cleanup: {log.count('cleanup ok')}")
    print(f"GET clip, ms: p50 {cuts[49] * 1e3:.1f}, p99 {cuts[98] * 1e3:.1f} of {len(seconds)}")
