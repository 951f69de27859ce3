"""Prints what the outbox adds to a write, how fast it drains, and how fast a rebuild is."""

import json
import os
import statistics
import subprocess
import sys
import time
from uuid import UUID, uuid4

import psycopg

from bench.stack import Stack
from clips.sidecars.writer import SidecarWriter
from shared.blob_names.containers import Containers
from shared.catalogue.sidecars.sidecar_queries import SidecarOutbox
from shared.clock import utc_now
from shared.postgres.database import Database
from shared.settings import from_mapping
from shared.storage.sdk.account import StorageAccount
from shared.storage.sdk.blobs import Blobs

_SIZES = (10_000, 100_000)
_WRITES = 500
_DRAINED = 500
_BULK = 20_000
_TRIGGERS = (
    *("clips_note_change", "clips_queue_sidecar", "clips_queue_changed_sidecar"),
    *("videos_note_change", "videos_queue_sidecar", "videos_queue_changed_sidecar"),
)
_CHANGES = {
    "title of a clip": "UPDATE clips SET title = md5(random()::text) WHERE id = %(id)s",
    "view of a clip": "UPDATE clips SET view_count = view_count + 1 WHERE id = %(id)s",
}
_ADD = """
    INSERT INTO clips (id, video_id, title, start_time, end_time, duration, status, blob_name)
    SELECT gen_random_uuid(), %(video)s, 'A clip', n, n + 1, 1, 'ready', %(video)s || '/' || n
    FROM generate_series(1, %(count)s) AS n
"""


def run(stack: Stack) -> None:
    print("\nSidecars and rebuild\n", flush=True)
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as database:
        video = _video(database)
        _print_writes(database, video)
        _print_bulk(database, video)
        _print_drain(stack, database, video)
        for count in _SIZES:
            _clear(database)
            _print_rebuild(stack, count)
        _clear(database)


def _video(database: psycopg.Connection) -> UUID:
    video = uuid4()
    database.execute("INSERT INTO users (id, subject) VALUES (%s, 'bench-sidecars')", [video])
    database.execute("INSERT INTO videos (id, user_id) VALUES (%s, %s)", [video, video])
    return video


def _set_triggers(database: psycopg.Connection, how: str) -> None:
    for trigger in _TRIGGERS:
        table = trigger.partition("_")[0]
        database.execute(f"ALTER TABLE {table} {how} TRIGGER {trigger}".encode())


def _print_writes(database: psycopg.Connection, video: UUID) -> None:
    database.execute(_ADD, {"video": video, "count": 100})
    row = database.execute("SELECT id FROM clips WHERE video_id = %s LIMIT 1", [video]).fetchone()
    assert row is not None
    for name, statement in _CHANGES.items():
        medians = {}
        for how in ("DISABLE", "ENABLE"):
            _set_triggers(database, how)
            seconds = []
            for _ in range(_WRITES):
                began = time.perf_counter()
                database.execute(statement.encode(), {"id": row[0]})
                seconds.append(time.perf_counter() - began)
            medians[how] = statistics.median(seconds) * 1e3
        added = medians["ENABLE"] - medians["DISABLE"]
        print(
            f"{name}: {medians['DISABLE']:.3f} ms without triggers, {medians['ENABLE']:.3f} ms "
            f"with them ({added * 1e3:+.0f} µs)"
        )


def _print_bulk(database: psycopg.Connection, video: UUID) -> None:
    times = {}
    for how in ("DISABLE", "ENABLE"):
        _set_triggers(database, how)
        database.execute("DELETE FROM clips WHERE video_id = %s", [video])
        began = time.perf_counter()
        database.execute(_ADD, {"video": video, "count": _BULK})
        added = time.perf_counter() - began
        began = time.perf_counter()
        database.execute("DELETE FROM clips WHERE video_id = %s", [video])
        times[how] = (added, time.perf_counter() - began)
    for index, name in enumerate(("INSERT", "DELETE")):
        without, with_them = times["DISABLE"][index], times["ENABLE"][index]
        print(
            f"{name} of {_BULK:,} rows in one statement: {without:.2f} s without triggers, "
            f"{with_them:.2f} s with them"
        )


def _print_drain(stack: Stack, database: psycopg.Connection, video: UUID) -> None:
    database.execute("TRUNCATE sidecar_outbox")
    database.execute(_ADD, {"video": video, "count": _DRAINED})
    # Without the proxy, which batch requests cannot pass, and so without the latency of a network.
    direct = {"AZURE_STORAGE_CONNECTION_STRING": stack.direct_connection_string}
    settings = from_mapping(dict(stack.environment) | direct)
    account = StorageAccount(settings.storage, utc_now)
    containers = Containers(settings.container_prefix)
    with Database(settings.database_url) as catalogue:
        outbox = SidecarOutbox(catalogue)
        writer = SidecarWriter(Blobs(account), containers, outbox)
        for name in ("written", "overwritten", "deleted"):
            began = time.monotonic()
            done = 0
            while outbox.waiting(1):  # drains again after an outage, as the cleanup does
                tally = writer.drain(600)
                assert not tally.failed
                done += tally.done
                if tally.outages:
                    time.sleep(1)
            seconds = time.monotonic() - began
            print(f"sidecars {name}: {done / seconds:.0f}/s ({done} entries)", flush=True)
            if name == "written":
                database.execute("UPDATE clips SET title = 'new' WHERE video_id = %s", [video])
            else:
                database.execute("DELETE FROM clips WHERE video_id = %s", [video])


def _print_rebuild(stack: Stack, count: int) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "bench.rebuild.once", str(count)],
        env=os.environ | dict(stack.environment),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    measured = json.loads(finished.stdout)
    print(
        f"rebuild of {count:,} clips (listed, not stored): {measured['rebuild']:.0f} s; "
        f"again, with nothing to do: {measured['again']:.0f} s; daily pass: "
        f"{measured['pass']:.0f} s; {measured['megabytes']:.0f} MB at most",
        flush=True,
    )
    assert measured["queued"] == 0


def _clear(database: psycopg.Connection) -> None:
    """Empties the catalogue and makes its daily pass due."""
    database.execute("TRUNCATE clips, videos, sources, sidecar_outbox CASCADE")
    database.execute("UPDATE sidecar_pass SET started_at = NULL, finished_at = NULL")
