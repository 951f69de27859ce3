"""Compares a migration with raw PUTs, the client of the SDK and azcopy.

Each run uploads to a new Azurite on the same machine, because a full one is slower.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from azure.storage.blob import (
    BlobServiceClient,
    ContainerSasPermissions,
    generate_container_sas,
)

from clips.migration.ledger import Ledger
from clips.migration.matching import match
from clips.migration.old_files.scan import ScannedFile
from clips.migration.plan import Plan
from local import azurite, postgres
from local.ports import free_port
from shared.catalogue.migration.migration_clip_queries import CatalogueClip
from shared.schema.apply import apply_schema

_ROUNDS = 3
_WAYS = ("raw", "cliplink", "sdk", "azcopy")
_SETS = {"200 x 2 MB": (200, 2 * 1024 * 1024), "1 x 500 MB": (1, 500 * 1024 * 1024)}
_AZCOPY = "@azure-tools/azcopy-linux@10.32.2"

type Measured = Mapping[str, float]


def run(folder: Path) -> None:
    azcopy = _azcopy(folder)
    ways = _WAYS if azcopy else _WAYS[:-1]
    _plan()
    with tempfile.TemporaryDirectory(dir=folder) as work:
        for name, (count, size) in _SETS.items():
            files = Path(work) / str(count)
            ids = _write_files(files, count, size)
            print(f"\nUploading {name} to Azurite, checksums included (median of {_ROUNDS})\n")
            rounds = [
                {way: _measure(way, files, ids, Path(work), azcopy) for way in ways}
                for _ in range(_ROUNDS)
            ]
            _print(rounds, count * size / 1e6)
            if count > 1:
                before = _measure("old", files, ids, Path(work), None)["seconds"]
                now = statistics.median(r["cliplink"]["seconds"] for r in rounds)
                print(
                    f"and {before / now:.0f} times that of one after the other with a second's"
                    f" pause after every ten: {before:.0f} s, once"
                )


def _print(rounds: list[dict[str, Measured]], megabytes: float) -> None:
    middle = {
        way: {key: statistics.median(r[way][key] for r in rounds) for key in rounds[0][way]}
        for way in rounds[0]
    }
    print(f"{'':<10}{'seconds':>9}{'MB/s':>8}{'CPU s':>8}{'peak MB':>9}")
    for way, result in middle.items():
        print(
            f"{way:<10}{result['seconds']:>9.2f}{megabytes / result['seconds']:>8.0f}"
            f"{result['cpu']:>8.2f}{result['peak_mb']:>9.0f}"
        )
    # Compared within each round: load on the machine affects all ways of a round alike.
    rate = statistics.median(r["raw"]["seconds"] / r["cliplink"]["seconds"] for r in rounds)
    print(f"cliplink has {rate:.2f} of the rate of raw PUTs")
    if "azcopy" in middle:
        faster = statistics.median(
            r["azcopy"]["seconds"] / r["cliplink"]["seconds"] for r in rounds
        )
        cpu = statistics.median(r["cliplink"]["cpu"] / r["azcopy"]["cpu"] for r in rounds)
        print(f"and {faster:.1f} times that of azcopy, at {cpu:.2f} of its CPU")


def _measure(way: str, files: Path, ids: list[UUID], work: Path, azcopy: Path | None) -> Measured:
    with _storage(work) as (account, url):
        if way == "azcopy" and azcopy is not None:
            return _with_azcopy(azcopy, files, url, work)
        with _catalogue(work, ids if way == "cliplink" else []) as database_url:
            environment = {
                "PATH": os.environ["PATH"],
                "DATABASE_URL": database_url,
                "AZURE_STORAGE_CONNECTION_STRING": account.connection_string,
                "AZURE_STORAGE_CONTAINER_NAME": "bench",
            }
            done = subprocess.run(
                [sys.executable, "-m", "bench.migration.once", way, str(files), url],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            )
        measured: Measured = json.loads(done.stdout.splitlines()[-1])
        return measured


def _with_azcopy(azcopy: Path, files: Path, url: str, work: Path) -> Measured:
    began = time.perf_counter()
    process = subprocess.Popen(
        [azcopy, "copy", f"{files}/*", url, "--put-md5", "--from-to=LocalBlob"],
        env={
            "HOME": str(work),
            "AZCOPY_LOG_LOCATION": str(work / "azcopy"),
            "AZCOPY_JOB_PLAN_LOCATION": str(work / "azcopy"),
        },
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise RuntimeError("azcopy failed")
    return {
        "seconds": time.perf_counter() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
    }


@contextmanager
def _storage(work: Path) -> Iterator[tuple[azurite.Account, str]]:
    """A new emulator, and the URL of its clips container with a SAS."""
    with (
        tempfile.TemporaryDirectory(dir=work) as folder,
        azurite.running(
            Path(folder) / "azurite", blob_port=free_port(), queue_port=free_port()
        ) as account,
    ):
        with BlobServiceClient.from_connection_string(account.connection_string) as client:
            for kind in ("clips", "thumbnails"):
                client.create_container(f"bench-{kind}")
        sas = generate_container_sas(
            account.name,
            "bench-clips",
            account_key=account.key,
            permission=ContainerSasPermissions(read=True, write=True, create=True, list=True),
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
        yield account, f"{account.blob_endpoint}/bench-clips?{sas}"


@contextmanager
def _catalogue(work: Path, ids: list[UUID]) -> Iterator[str]:
    """A new database with rows of the old service."""
    with (
        tempfile.TemporaryDirectory(dir=work) as folder,
        postgres.running(Path(folder) / "postgres", free_port(), durable=False) as server,
    ):
        url = server.url
        apply_schema(url)
        user, video = uuid4(), uuid4()
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO users (id, email) VALUES (%s, 'a@b.c')", [user])
            connection.execute("INSERT INTO videos (id, user_id) VALUES (%s, %s)", [video, user])
            connection.cursor().executemany(
                "INSERT INTO clips (id, video_id, s3_url, start_time, end_time, duration)"
                " VALUES (%s, %s, 's3://bucket/x', 0, 1, 1)",
                [(clip_id, video) for clip_id in ids],
            )
        yield url


def _write_files(folder: Path, count: int, size: int) -> list[UUID]:
    """Files of random bytes, each named by an id."""
    folder.mkdir()
    ids = [uuid4() for _ in range(count)]
    for clip_id in ids:
        with (folder / f"{clip_id}.mp4").open("wb") as file:
            for start in range(0, size, 1024 * 1024):
                file.write(os.urandom(min(1024 * 1024, size - start)))
    return ids


def _plan() -> None:
    """Plans the slowest kind of files: matched by address, few names, many folders."""
    count = 100_000
    ids = [UUID(int=1 << 100 | number) for number in range(count)]
    paths = [f"videos/{number // 10}/{number % 10}.mp4" for number in range(count)]
    began = time.perf_counter()
    with Ledger() as ledger:
        ledger.add_files(ScannedFile(path.encode(), 10) for path in paths)
        ledger.add_clips(
            CatalogueClip(id=i, video_id=ids[0], blob_name=None, old_url=f"s3://bucket/{path}")
            for i, path in zip(ids, paths, strict=True)
        )
        match(ledger)
        matched = sum(1 for _ in Plan(ledger).items())
    print(f"\nPlanned {matched} files against as many clips in {time.perf_counter() - began:.1f} s")


def _azcopy(folder: Path) -> Path | None:
    """The program from its npm package, kept for the next run; None if it cannot be installed."""
    home = folder / "azcopy"
    pattern = "node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_*"
    if not any(home.glob(pattern)):
        home.mkdir(parents=True, exist_ok=True)
        install: list[str | Path] = [
            "npm",
            "install",
            "--prefix",
            home,
            "--ignore-scripts",
            "--no-audit",
            _AZCOPY,
        ]
        done = subprocess.run(install, check=False, capture_output=True, text=True)
        if done.returncode:
            print(f"\nWithout azcopy, which npm could not install: {done.stderr[-200:]}")
            return None
    program = next(home.glob(pattern))
    program.chmod(0o755)
    return program
