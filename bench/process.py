"""Memory, threads, files and CPU time of a process, from proc(5) of Linux."""

import os
import resource
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """`rss` is megabytes of resident memory."""

    rss: float
    threads: int
    descriptors: int


def usage(process_id: int) -> Usage:
    """Raises FileNotFoundError once the process has ended."""
    folder = Path(f"/proc/{process_id}")
    lines = (line.partition(":") for line in (folder / "status").read_text().splitlines())
    values = {name: value.split() for name, _, value in lines}
    return Usage(
        rss=int(values["VmRSS"][0]) / 1024,
        threads=int(values["Threads"][0]),
        descriptors=sum(1 for _ in (folder / "fd").iterdir()),
    )


def cpu_seconds(process_id: int) -> float:
    """CPU seconds of a process and of all its children, running or ended."""
    parents, ticks = dict[int, int](), dict[int, int]()
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may hold blanks.
            values = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        number = int(file.parent.name)
        parents[number] = int(values[1])
        ticks[number] = sum(int(value) for value in values[11:15])  # its own and ended children's
    family = {process_id}
    while children := {child for child, parent in parents.items() if parent in family} - family:
        family |= children
    return sum(ticks[number] for number in family if number in ticks) / os.sysconf("SC_CLK_TCK")


def run_tools(commands: Iterable[Sequence[str]]) -> dict[str, float]:
    """Runs commands one by one: wall and CPU seconds, and the largest of their peaks in MB."""
    began = time.perf_counter()
    for command in commands:
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall": time.perf_counter() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
    }
