"""What a process holds at this moment, as Linux counts it in /proc (proc(5))."""

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
