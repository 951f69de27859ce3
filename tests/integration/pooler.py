"""Poolers in front of Postgres: a real PgBouncer, and a relay that looks like a pooler."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from local.ports import free_port


@contextmanager
def pooled(database_url: str, folder: Path) -> Iterator[str]:
    """Runs PgBouncer with two connections, one for each transaction; yields its URL.

    As before version 1.21, or with its defaults, it supports no prepared statements.
    """
    program = shutil.which("pgbouncer")
    assert program is not None
    server, port = conninfo_to_dict(database_url), free_port()
    (folder / "pgbouncer.ini").write_text(
        f"""[databases]
* = host={server["host"]} port={server["port"]} user={server["user"]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
ignore_startup_parameters = extra_float_digits
"""
    )
    with (folder / "pgbouncer.log").open("wb") as log:
        # PgBouncer refuses to run as root.
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        command = [program, *user, str(folder / "pgbouncer.ini")]
        process = subprocess.Popen(command, stderr=log, stdout=log)
    url = f"postgresql://{server['user']}@127.0.0.1:{port}/{server['dbname']}"
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str) -> None:
    for attempt in range(50):
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if attempt == 49:
                raise
            time.sleep(0.1)
        else:
            return


@contextmanager
def disguised(database_url: str) -> Iterator[str]:
    """Runs a relay that announces another process id than the database; yields its URL."""
    server = conninfo_to_dict(database_url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = (str(server["host"]), int(str(server["port"])))
        threading.Thread(target=_relay_all, args=(listener, address), daemon=True).start()
        port = listener.getsockname()[1]
        yield f"postgresql://{server['user']}@127.0.0.1:{port}/{server['dbname']}?sslmode=disable"


def _relay_all(listener: socket.socket, address: tuple[str, int]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # closed: the test is over
            return
        server = socket.create_connection(address)
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=_relay, args=(source, target), daemon=True).start()


def _relay(source: socket.socket, target: socket.socket) -> None:
    with source, target, suppress(OSError):
        while data := source.recv(65536):
            # BackendKeyData: the letter, its length, then the process id.
            position = data.find(b"K\0\0\0\x0c")
            if position >= 0:
                data = data[: position + 5] + b"\x11\x22\x33\x44" + data[position + 9 :]
            target.sendall(data)
