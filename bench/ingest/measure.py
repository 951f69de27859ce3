"""Compares the ingest of a large clip by ranges, as the app does it, with a whole download."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from azure.storage.blob import BlobServiceClient

from bench.film import large_film
from bench.stack import Stack, new_video

_ROUNDS = 3
_WAYS = ("ranged", "whole")


def run(stack: Stack, folder: Path) -> None:
    film = large_film(folder, minutes=10)
    megabytes = film.stat().st_size / 1e6
    print(f"\nIngest of {film.name}: {megabytes:.0f} MB, moov at the end; {stack.description}")
    print("(a process each, median of three; from the trigger's call to the row being ready)\n")
    results = {way: [_measure(stack, film, way) for _ in range(_ROUNDS)] for way in _WAYS}
    print(f"{'':<10}{'wall s':>8}{'CPU s':>8}{'MB read':>9}{'requests':>10}{'peak MB':>9}")
    for way, rounds in results.items():
        middle = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
        print(
            f"{way:<10}{middle['wall']:>8.2f}{middle['cpu']:>8.2f}{middle['read_mb']:>9.2f}"
            f"{middle['requests']:>10.0f}{middle['peak_mb']:>9.0f}"
        )
    for key, name in (("wall", "time"), ("read_mb", "bytes"), ("peak_mb", "memory")):
        ranged, whole = (statistics.median(r[key] for r in results[way]) for way in _WAYS)
        print(f"{name}: ranged takes {100 * ranged / whole:.1f} % of whole")


def _measure(stack: Stack, film: Path, way: str) -> dict[str, float]:
    blob_name = f"{new_video(stack)}/{uuid4()}.mp4"
    container = f"{stack.environment['AZURE_STORAGE_CONTAINER_NAME']}-clips"
    with (
        BlobServiceClient.from_connection_string(stack.direct_connection_string) as client,
        film.open("rb") as file,
    ):
        blob = client.get_blob_client(container, blob_name)
        blob.upload_blob(file, max_concurrency=4)
        stack.traffic.reset()
        result = subprocess.run(
            [sys.executable, "-m", "bench.ingest.once", way, blob_name],
            env={**os.environ, **stack.environment},
            stdout=subprocess.PIPE,
            check=True,
        )
        report: dict[str, float] = json.loads(result.stdout)
        report |= {"read_mb": stack.traffic.bytes_read / 1e6, "requests": stack.traffic.requests}
        blob.delete_blob()
    return report
