"""Measures a drift report and the comparison of the cleanup with a million clips.

Rows are in a real Postgres. 5000 blobs are real, in Azurite; all others are a listing that is made
up at the storage interface, so that the figures are those of the app and of Postgres.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from azure.storage.blob import BlobServiceClient

from bench.stack import Stack
from bench.upkeep.listing import CLIPS_OF_A_VIDEO, ETAG, SIZE, WIDTHS
from clips.compose import open_backends
from shared.blob_names import Containers
from shared.settings import from_mapping

CLIPS = 1_000_000
_REAL = 5000
_ROOT = Path(__file__).resolve().parents[2]

# Ids are numbers: the names of blobs are in their order.
_USER = "INSERT INTO users (id, subject) VALUES (lpad('1', 32, '0')::uuid, 'bench-upkeep')"
_VIDEOS = """
    INSERT INTO videos (id, user_id, title)
    SELECT lpad(to_hex(n), 32, '0')::uuid, lpad('1', 32, '0')::uuid, 'Match day'
    FROM generate_series(1, %(videos)s) AS n
"""
_CLIPS = """
    INSERT INTO clips (id, video_id, title, status, blob_name, blob_url, content_type, etag,
                       file_size, start_time, end_time, duration, created_at, attempted_at,
                       poster_name, poster_widths, storyboard_name, preview_name)
    SELECT clip, video, 'Goal ' || n, 'ready', video || '/' || clip || '.mp4', '', 'video/mp4',
           %(etag)s, %(size)s, n, n + 1, 1, now() - interval '1 day', now() - interval '1 day',
           video || '/' || clip || '/poster.jpg', %(widths)s,
           video || '/' || clip || '/storyboard.vtt', video || '/' || clip || '/preview.webp'
    FROM (SELECT n, lpad(to_hex(n + 1), 32, '0')::uuid AS clip,
                 lpad(to_hex(n / %(of_a_video)s + 1), 32, '0')::uuid AS video
          FROM generate_series(0, %(clips)s - 1) AS n) AS numbered
"""


def run(stack: Stack, clips: int = CLIPS) -> None:
    _fill(stack.environment["DATABASE_URL"], clips)
    print(f"\nUpkeep of {clips} clips with 12 images each; each a process of its own\n")
    print(f"{'':<28}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}{'blobs':>12}{'found':>7}")
    for what in ("cleanup", "drift"):
        result = _once(stack, what, clips)
        print(
            f"{what:<28}{result['seconds']:>9.1f}{result['cpu']:>8.1f}{result['peak_mb']:>9.0f}"
            f"{result['listed']:>12.0f}{result['found']:>7.0f}"
        )
    _delete(stack)


def _fill(url: str, clips: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(_USER)
        connection.execute(_VIDEOS, {"videos": clips // CLIPS_OF_A_VIDEO + 1})
        connection.execute(
            _CLIPS,
            {
                "etag": ETAG,
                "size": SIZE,
                "widths": list(WIDTHS),
                "of_a_video": CLIPS_OF_A_VIDEO,
                "clips": clips,
            },
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE clips")


def _once(stack: Stack, what: str, clips: int) -> dict[str, float]:
    output = subprocess.check_output(
        [sys.executable, "-m", "bench.upkeep.once", what, str(clips)],
        cwd=_ROOT,
        env={**os.environ, **stack.environment},
    )
    result: dict[str, float] = json.loads(output)
    return result


def _delete(stack: Stack) -> None:
    """Deletes real blobs in batches, as the cleanup does, and past the proxy."""
    container = Containers(stack.environment["AZURE_STORAGE_CONTAINER_NAME"]).temp
    _put(stack.direct_connection_string, container, [f"upkeep/{n:05}" for n in range(_REAL)])
    settings = from_mapping(
        {
            **stack.environment,
            "AZURE_STORAGE_CONNECTION_STRING": stack.direct_connection_string,
        }
    )
    blobs = open_backends(settings).blobs
    began = time.perf_counter()
    deleted = blobs.delete_prefix(container, "upkeep/")
    seconds = time.perf_counter() - began
    print(
        f"\n{deleted} blobs deleted in batches: {seconds:.1f} s, {deleted / seconds:.0f} a second"
    )


def _put(connection_string: str, container: str, names: Sequence[str]) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as client:
        blobs = client.get_container_client(container)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: blobs.upload_blob(name, b"x"), names))
