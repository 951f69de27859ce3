"""The allocator returns freed memory, tested in a separate process with a known heap."""

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import ctypes
from pathlib import Path
from clips.ingest.allocator import returning_memory

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

with returning_memory():
    pieces = [libc.malloc({size}) for _ in range(100_000_000 // {size})]
    for piece in pieces:
        ctypes.memset(piece, 1, {size})
    pin = libc.malloc({size})  # above them: the heap cannot shrink from its end
    for piece in pieces:
        libc.free(piece)
    before = megabytes()
print(before - megabytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator of glibc")
@pytest.mark.parametrize("size", [8_000, 32_000, 100_000])
def test_freed_memory_is_returned(size: int) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(size=size)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(result.stdout) > 50
