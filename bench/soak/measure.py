"""Puts a mixed load on one host; prints its memory, threads, files and answer times every minute.

The numbers should stay constant after the first five minutes, in which pools, threads and caches
fill. Memory varies with the films that are decoded: it is read every second, and the least value
of each minute must not keep growing.
"""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.film import short_film
from bench.process import Usage, usage
from bench.requests.data import SUBJECT, Library
from bench.requests.services import environment
from bench.soak.clients import Caller, Material, Record, read, start, wait_until_idle, write
from bench.stack import Stack
from local import sample
from local.host import child
from local.ports import free_port

_ROOT = Path(__file__).resolve().parents[2]
_READERS, _WRITERS = 4, 2
_MINUTE, _SECOND = 60.0, 1.0
_WARM_UP = 5  # minutes
_PASSED_ON = {"MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "PYTHONPATH"}


def run(stack: Stack, library: Library, minutes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.mp4"
        sample.write(small)
        films = [small.read_bytes(), short_film(Path(folder)).read_bytes()]
        settings = environment(stack) | {
            "AzureWebJobsStorage": stack.direct_connection_string,
            "BLOB_TRIGGER_SOURCE": "LogsAndContainerScan",
            "CLEANUP_SCHEDULE": "0 * * * * *",
        }
        # Lets the caller test settings of the C library's allocator.
        settings |= {name: text for name, text in os.environ.items() if name in _PASSED_ON}
        log = Path(os.environ.get("SOAK_LOG") or Path(folder) / "host.log")
        with child.running(_ROOT, free_port(), settings, log=log) as host:
            _soak(stack, host, Material(library.many, films), minutes)


def _soak(stack: Stack, host: child.Host, material: Material, minutes: int) -> None:
    token = stack.issuer.token(SUBJECT)
    before = Caller(host.port, token, Record())
    wait_until_idle(before, material.films[0])
    before.close()
    print(f"\nSoak: {_READERS} readers and {_WRITERS} writers, a line a minute\n", flush=True)
    print("minute  RSS MB, least  most  threads  files   calls  p50 ms  p99 ms")
    record, stop, failures = Record(), threading.Event(), list[BaseException]()
    callers = [Caller(host.port, token, record) for _ in range(_READERS)]
    writers = [
        Caller(host.port, stack.issuer.token(f"writer-{number}"), record)
        for number in range(_WRITERS)
    ]
    work = [partial(read, caller, material, seed, stop) for seed, caller in enumerate(callers)]
    work += [partial(write, caller, material, record, stop) for caller in writers]
    threads = [start(each, failures) for each in work]
    sizes = []
    try:
        for minute in range(1, minutes + 1):
            seen = _usage_of_a_minute(host.child.process.pid)
            sizes.append(_print(minute, seen, record))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
    print(f"answers by status: {dict(sorted(record.statuses.items()))}")
    print(f"clips by outcome: {dict(record.clips)}")
    for problem, times in record.problems.most_common():
        print(f"{times} x {problem}")
    if minutes > _WARM_UP:
        grown = sizes[-1] - sizes[_WARM_UP - 1]
        print(f"least RSS since minute {_WARM_UP}: {grown:+.0f} MB")


def _usage_of_a_minute(process_id: int) -> list[Usage]:
    """The usage of a process, read every second for a minute."""
    until, seen = time.monotonic() + _MINUTE, list[Usage]()
    while time.monotonic() < until:
        seen.append(usage(process_id))
        time.sleep(_SECOND)
    return seen


def _print(minute: int, seen: Sequence[Usage], record: Record) -> float:
    """Prints the line of a minute; returns the least memory in it."""
    seconds = record.take()
    least, most = min(each.rss for each in seen), max(each.rss for each in seen)
    cuts = statistics.quantiles(seconds, n=100)
    print(
        f"{minute:>6}{least:>15.0f}{most:>6.0f}{seen[-1].threads:>9}{seen[-1].descriptors:>7}"
        f"{len(seconds):>8}{cuts[49] * 1e3:>8.1f}{cuts[98] * 1e3:>8.1f}",
        flush=True,
    )
    return least
