"""How much memory this process has taken at most."""

from pathlib import Path


def peak_megabytes() -> float:
    """This program's own peak; `ru_maxrss` would begin with that of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if "VmHWM" in line)
