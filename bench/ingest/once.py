"""Ingests in a separate process, whose peak memory is that of the ingest: see bench/ingest.

python -m bench.ingest.once ranged|whole BLOB_NAME
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from azure.storage.blob import BlobClient

from bench.memory import peak_megabytes
from clips.compose import compose_on, open_backends
from shared import media
from shared.settings import read_environment
from shared.storage.blob_reader import BlobReader


class FileSource:
    """A file on disk as a ByteSource."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, offset)  # from several threads at once


def main(way: str, blob_name: str) -> None:
    """Prints wall and CPU seconds, and the peak of resident memory in MB, as JSON."""
    settings = read_environment()
    backends = open_backends(settings)
    services = compose_on(backends, settings)
    if way == "whole":
        clips = backends.containers.clips
        blob = backends.account.client.get_blob_client(clips, blob_name)
        opened = partial(_after_download, blob)
        media.opened = opened  # the one step that differs
    with backends.database:
        backends.database.check()
        started, busy = time.perf_counter(), time.process_time()
        services.ingest.landed(blob_name)
        report = {
            "wall": time.perf_counter() - started,
            "cpu": time.process_time() - busy,
            "peak_mb": peak_megabytes(),
        }
    sys.stdout.write(json.dumps(report))


_opened = media.opened


@contextmanager
def _after_download(blob: BlobClient, _reader: BlobReader) -> Iterator[media.MediaFile]:
    """Downloads the whole blob to a temporary file first, as is usually done."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        with path.open("wb") as target:
            blob.download_blob(max_concurrency=4).readinto(target)
        with path.open("rb") as file, _opened(FileSource(file)) as opened:
            yield opened


if __name__ == "__main__":
    main(*sys.argv[1:])
