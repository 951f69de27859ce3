"""Uploads files in one way, in a separate process: `python -m bench.migration.once`.

Prints the seconds of the upload without imports, the CPU seconds of the whole process, and its
peak memory.
"""

import hashlib
import http.client
import json
import os
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from bench.memory import peak_megabytes

_AT_ONCE = 8
_BLOCK = 8 * 1024 * 1024
_BATCH = 10
_PAUSE = 1.0  # seconds


def cliplink(folder: Path, _: str) -> float:
    """`python -m clips.migrate` with its usual options and settings."""
    # Loads the driver before the measurement, as `sdk` loads its client.
    from clips.migration import cli
    from shared.postgres import pool  # noqa: F401 - the command uses it

    began = time.perf_counter()
    assert cli.main([str(folder), "--report", str(folder.with_suffix(".receipt"))]) == 0
    return time.perf_counter() - began


def raw(folder: Path, container: str) -> float:
    """PUTs of bytes in memory, without a checksum; a long file in blocks."""
    parts = urlsplit(container)
    local = threading.local()

    def put(name: str, query: str, data: memoryview, headers: dict[str, str]) -> None:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        target = f"{parts.path}/{name}?{query}{parts.query}"
        local.connection.request("PUT", target, data, headers)
        answer = local.connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status

    files = {path.name: memoryview(path.read_bytes()) for path in folder.iterdir()}
    began = time.perf_counter()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for name, data in files.items():
            if len(data) <= _BLOCK:
                threads.submit(put, name, "", data, {"x-ms-blob-type": "BlockBlob"})
                continue
            for start in range(0, len(data), _BLOCK):
                block = b64encode(b"%06d" % (start // _BLOCK)).decode()
                piece = data[start : start + _BLOCK]
                threads.submit(put, name, f"comp=block&blockid={block}&", piece, {})
    for name, data in files.items():
        if len(data) > _BLOCK:
            blocks = range(-(-len(data) // _BLOCK))
            ids = "".join(
                f"<Latest>{b64encode(b'%06d' % number).decode()}</Latest>" for number in blocks
            )
            body = memoryview(f"<BlockList>{ids}</BlockList>".encode())
            put(name, "comp=blocklist&", body, {})
    return time.perf_counter() - began


def sdk(folder: Path, container: str) -> float:
    """The client of the SDK with eight threads; reads each file for its MD5 first."""
    from azure.storage.blob import ContainerClient, ContentSettings

    client = ContainerClient.from_container_url(container)
    began = time.perf_counter()

    def upload(path: Path) -> None:
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("rb") as file:
            while data := file.read(1024 * 1024):
                digest.update(data)
            file.seek(0)
            client.upload_blob(
                path.name,
                file,
                max_concurrency=_AT_ONCE if path.stat().st_size > _BLOCK else 1,
                content_settings=ContentSettings(content_md5=bytearray(digest.digest())),
            )

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(upload, folder.iterdir()))
    return time.perf_counter() - began


def old(folder: Path, container: str) -> float:
    """Uploads files as the old service did: in sequence, with a pause after every ten."""
    from azure.storage.blob import ContainerClient

    client = ContainerClient.from_container_url(container)
    began = time.perf_counter()
    for number, path in enumerate(folder.iterdir(), start=1):
        with path.open("rb") as file:
            client.upload_blob(path.name, file)
        if number % _BATCH == 0:
            time.sleep(_PAUSE)
    return time.perf_counter() - began


WAYS: dict[str, Callable[[Path, str], float]] = {
    "cliplink": cliplink,
    "raw": raw,
    "sdk": sdk,
    "old": old,
}


def main() -> None:
    way, folder, container = sys.argv[1:]
    seconds = WAYS[way](Path(folder), container)
    times = os.times()
    result = {"seconds": seconds, "cpu": times.user + times.system, "peak_mb": peak_megabytes()}
    print(f"\n{json.dumps(result)}")


if __name__ == "__main__":
    main()
