"""PgBouncer as it is before version 1.21, or with its defaults: it knows no prepared statements."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from local.ports import free_port


@contextmanager
def pooled(database_url: str, folder: Path) -> Iterator[str]:
    """A transaction pooler with two connections to the database; yields its URL."""
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
        # It refuses to run as root.
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
