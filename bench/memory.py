"""The peak memory of this process."""

from pathlib import Path


def peak_megabytes() -> float:
    """Reads `VmHWM`, because `ru_maxrss` starts at the peak of the parent process."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if "VmHWM" in line)
