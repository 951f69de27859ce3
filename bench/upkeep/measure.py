"""Measures upkeep with a million clips: drift, cleanup, pages of the bin, deletions.

Rows are in a real Postgres. 5000 blobs are real, in Azurite; all others are a made-up listing in
place of storage, so that the figures are those of the app and of Postgres.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg
from azure.storage.blob import BlobServiceClient

from bench.stack import Stack
from bench.upkeep.listing import CLIPS_OF_A_VIDEO, ETAG, SIZE, WIDTHS, listing_page, stem
from clips.compose import open_backends
from shared.blob_names.containers import Containers
from shared.catalogue.bin.bin_content_queries import BinContents
from shared.catalogue.bin.bin_emptying_queries import EmptiedBins
from shared.errors import Unavailable
from shared.postgres.database import Database
from shared.settings import from_mapping
from shared.storage.listed_page import ListedPage

CLIPS = 1_000_000
_REAL = 5000
_ROOT = Path(__file__).resolve().parents[2]

# Ids are numbers, so that the names of blobs sort like the rows.
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

# Half of the clips were deleted one by one, half in one call.
_INTO_BIN = """
    UPDATE clips
    SET deleted_at = now() - CASE WHEN start_time::integer % 2 = 0 THEN interval '1 hour'
                                  ELSE start_time * interval '1 second' END,
        purge_at = now() + interval '14 days', bin_owner = lpad('1', 32, '0')::uuid
"""
_KEY = """
    SELECT deleted_at, id FROM clips WHERE purge_at IS NOT NULL
    ORDER BY deleted_at DESC, id DESC OFFSET %s LIMIT 1
"""
_OWNER = UUID(int=1)
_ROUNDS = 21


def run(stack: Stack, clips: int = CLIPS) -> None:
    _fill(stack.environment["DATABASE_URL"], clips)
    print(f"\nUpkeep of {clips} clips with 12 images each; each a process of its own\n")
    print(f"{'':<28}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}{'blobs':>12}{'found':>7}")
    for what in ("listing", "cleanup", "drift"):
        result = _once(stack, what, clips)
        print(
            f"{what:<28}{result['seconds']:>9.1f}{result['cpu']:>8.1f}{result['peak_mb']:>9.0f}"
            f"{result['listed']:>12.0f}{result['found']:>7.0f}"
        )
    _print_parsing()
    _print_bin_pages(stack, clips)
    _print_deletions(stack)


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


def _print_parsing() -> None:
    """Measures the parsing of a page of a real listing, which the other figures do not include."""
    body = listing_page([f"{stem(number)}/poster.jpg" for number in range(_REAL)])
    began = time.process_time()
    page = ListedPage(body)
    assert len(page.names) == _REAL
    names = time.process_time() - began
    assert len(page.blobs) == _REAL
    blobs = time.process_time() - began
    print(
        f"\nA page of a real listing, CPU µs for each blob: {names / _REAL * 1e6:.1f} for its "
        f"name, {blobs / _REAL * 1e6:.1f} for all of its properties"
    )


def _print_bin_pages(stack: Stack, clips: int) -> None:
    """Pages of a bin that holds all clips; half of them were deleted at the same moment."""
    url = stack.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        # bench.rebuild measures the cost of the sidecar outbox.
        connection.execute("ALTER TABLE clips DISABLE TRIGGER USER")
        connection.execute(_INTO_BIN)
        connection.execute("ALTER TABLE clips ENABLE TRIGGER USER")
        connection.execute("VACUUM ANALYZE clips")
        keys = {
            "first": None,
            "middle": connection.execute(_KEY, [clips // 2]).fetchone(),
            "deepest": connection.execute(_KEY, [clips - 51]).fetchone(),
        }
    print(f"\nA page of 50 of {clips} clips in the bin, ms: median and longest of {_ROUNDS}")
    with Database(from_mapping(dict(stack.environment)).database_url) as database:
        contents = BinContents(database)
        for name, key in keys.items():
            times = sorted(_milliseconds(partial(_page, contents, key)) for _ in range(_ROUNDS))
            print(f"{name:<28}{times[_ROUNDS // 2]:>9.2f}{times[-1]:>9.2f}")
        emptied = EmptiedBins(database)
        milliseconds = _milliseconds(
            lambda: (emptied.mark(_OWNER), emptied.purge(512, owner=_OWNER))
        )
        print(f"{'emptying it, once':<28}{milliseconds:>9.0f}")


def _page(contents: BinContents, key: tuple[datetime, UUID] | None) -> None:
    assert len(contents.clips(_OWNER, 50, key)) == 50


def _milliseconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1e3


def _print_deletions(stack: Stack) -> None:
    """Deletes real blobs in batches, as the cleanup does, without the proxy."""
    container = Containers(stack.environment["AZURE_STORAGE_CONTAINER_NAME"]).temp
    _put(stack.direct_connection_string, container, [f"upkeep/{n:05}" for n in range(_REAL)])
    settings = from_mapping(
        {
            **stack.environment,
            "AZURE_STORAGE_CONNECTION_STRING": stack.direct_connection_string,
        }
    )
    blobs = open_backends(settings).blobs
    repeated, began = 0, time.perf_counter()
    while True:
        try:
            blobs.delete_prefix(container, "upkeep/")
            break
        except Unavailable:
            repeated += 1  # the cleanup would repeat it at its next run
    seconds = time.perf_counter() - began
    print(
        f"\n{_REAL} blobs deleted in batches: {seconds:.1f} s, {_REAL / seconds:.0f} a second; "
        f"begun again {repeated} times"
    )


def _put(connection_string: str, container: str, names: Sequence[str]) -> None:
    with BlobServiceClient.from_connection_string(connection_string) as client:
        blobs = client.get_container_client(container)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: blobs.upload_blob(name, b"x"), names))
