"""A Postgres that accepts connections and never answers: calls end in time and leave nothing."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from local import postgres
from shared.errors import DatabaseUnavailable
from shared.postgres.database import Database
from shared.schema.apply import apply_schema, pending
from shared.settings.secret import Fixed

pytestmark = pytest.mark.usefixtures("short_wait")


@pytest.fixture(autouse=True)
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.postgres.pool.answer_seconds", lambda: 2.0)
    monkeypatch.setattr("shared.postgres.pool._CANCEL_SECONDS", 1.0)


def ask(database: Database) -> None:
    database.one("SELECT 1 AS one", {})


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Its connections stay open, and the kernel still accepts bytes for them."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def backend_of(database: Database) -> int:
    """The process behind the only connection of the pool."""
    row = database.one("SELECT pg_backend_pid() AS process", {})
    assert row is not None
    return int(row["process"])


def wait_until_gone(admin: psycopg.Connection, process: int) -> None:
    while admin.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [process]).rowcount:
        admin.execute("SELECT pg_sleep(0.01)")


def test_connection_that_went_silent_is_an_outage_and_the_next_call_has_another(
    database: Database,
) -> None:
    silent = backend_of(database)
    with stopped(silent):
        with pytest.raises(DatabaseUnavailable):
            ask(database)
        assert backend_of(database) != silent


def test_server_that_went_silent_is_an_outage_for_every_caller(
    database: Database, postgres_server: postgres.Server
) -> None:
    with stopped(backend_of(database)), stopped(postgres_server.child.process.pid):
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                ask(database)
    ask(database)


def test_statement_that_takes_too_long_is_cancelled_on_the_server(
    database: Database, admin: psycopg.Connection
) -> None:
    """Otherwise the server would notice only when it sends a result that is not read."""
    process = backend_of(database)
    with pytest.raises(DatabaseUnavailable):
        database.one("SELECT pg_sleep(600) AS n", {})
    wait_until_gone(admin, process)


def test_transaction_is_rolled_back_after_silence_of_the_server(
    database: Database, admin: psycopg.Connection
) -> None:
    database.run("CREATE TABLE t (n int)", {})
    process = backend_of(database)

    def insert_twice() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (1)")
            with stopped(process):
                connection.execute("INSERT INTO t VALUES (2)")

    with pytest.raises(DatabaseUnavailable):
        insert_twice()
    wait_until_gone(admin, process)
    assert database.all("SELECT n FROM t", {}) == []


@pytest.mark.parametrize(("named", "milliseconds"), [("", 10_000), ("?tcp_user_timeout=700", 700)])
def test_parameters_of_the_url_override_the_defaults(
    empty_database_url: str, named: str, milliseconds: int
) -> None:
    """The test reads the options of the socket itself."""
    with (
        Database(Fixed(empty_database_url + named)) as database,
        database.transaction() as connection,
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        timeout = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        interval = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
    assert (timeout, interval) == (milliseconds, 10)


def test_schema_runner_notices_a_dead_host(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It notices this when it applies files, and in a dry run."""
    connect: Callable[..., psycopg.Connection] = psycopg.connect
    timeouts: list[int] = []

    def recorded(**parameters: object) -> psycopg.Connection:
        connection = connect(**parameters)
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            timeouts.append(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
        return connection

    monkeypatch.setattr(psycopg, "connect", recorded)
    apply_schema(empty_database_url)
    assert timeouts == [10_000]
    timeouts.clear()
    pending(f"{empty_database_url}?tcp_user_timeout=700")
    assert timeouts == [700]
