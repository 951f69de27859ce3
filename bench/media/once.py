"""Reads one clip in a separate process, whose peak memory is that of the read.

python -m bench.media.once metadata|still|stills|whole CONTAINER BLOB_NAME
python -m bench.media.once tools '[["ffprobe", ...], ...]'

Prints wall and CPU seconds, and the peak of resident memory in MB, as JSON.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.ingest.once import FileSource
from bench.memory import peak_megabytes
from bench.process import run_tools
from clips.compose import open_backends
from shared import media
from shared.settings import read_environment

_STILL_SECONDS = 10.0


def _metadata(source: media.ByteSource) -> None:
    with media.opened(source):
        pass


def _still(source: media.ByteSource) -> None:
    with media.opened(source) as file:
        file.frame_at(_STILL_SECONDS, 1280)


def _stills(source: media.ByteSource) -> None:
    with media.opened(source) as file:
        stills = file.stills()
    assert stills.poster is not None
    assert stills.storyboard is not None


_WAYS: dict[str, Callable[[media.ByteSource], None]] = {
    "metadata": _metadata,
    "still": _still,
    "stills": _stills,
    "whole": _stills,
}


def main(way: str, *arguments: str) -> None:
    report = run_tools(json.loads(arguments[0])) if way == "tools" else _measure(way, *arguments)
    sys.stdout.write(json.dumps(report))


def _measure(way: str, container: str, blob_name: str) -> dict[str, float]:
    backends = open_backends(read_environment())
    blob = backends.blobs.get(container, blob_name)  # connects outside the measurement
    started, busy = time.perf_counter(), time.process_time()
    if way == "whole":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip"
            client = backends.account.client.get_blob_client(container, blob_name)
            with path.open("wb") as target:
                client.download_blob(max_concurrency=4).readinto(target)
            with path.open("rb") as file:
                _WAYS[way](FileSource(file))
    else:
        _WAYS[way](backends.blobs.reader(container, blob))
    return {
        "wall": time.perf_counter() - started,
        "cpu": time.process_time() - busy,
        "peak_mb": peak_megabytes(),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
