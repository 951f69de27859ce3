"""Connections to Postgres: few, opened late, replaced when dead, and outages raised as such."""

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors as postgres_errors
from psycopg import sql

from local import postgres
from shared.errors import Busy, DatabaseUnavailable
from shared.postgres.database import Database, QueryValues
from shared.postgres.pool import _MAX_SIZE
from shared.settings.secret import Fixed
from tests.integration.pooler import disguised, pooled
from tests.servers import refusing

_roles = count(1)


def backends(admin: psycopg.Connection) -> int:
    """The number of the app's connections."""
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'cliplink'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def end_backends(admin: psycopg.Connection, *, that_run: str = "%") -> int:
    """Waits for connections of the app and ends them; returns when they have ended."""
    while True:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'cliplink'"
            " AND query LIKE %s",
            [that_run],
        ).fetchall()
        if ended:
            return len(ended)


def test_pool_opens_no_connection_before_the_first_call(
    database: Database, admin: psycopg.Connection
) -> None:
    assert backends(admin) == 0
    database.check()
    assert backends(admin) == 1


def test_wrong_address_does_no_harm_until_it_is_used() -> None:
    with Database(Fixed("postgresql://nowhere.invalid/x")):
        pass


def test_rows_are_dicts_by_column_name(database: Database) -> None:
    query = "SELECT n, n * %(factor)s AS product FROM generate_series(1, 2) n ORDER BY n"
    assert database.all(query, {"factor": 10}) == [
        {"n": 1, "product": 10},
        {"n": 2, "product": 20},
    ]
    assert database.one(query, {"factor": 3}) == {"n": 1, "product": 3}
    assert database.one("SELECT 1 AS one WHERE %(no)s", {"no": False}) is None


def test_statement_returns_its_row_count(database: Database) -> None:
    database.run("CREATE TABLE t (n int)", {})
    assert database.run("INSERT INTO t SELECT generate_series(1, %(n)s)", {"n": 3}) == 3
    assert database.run("DELETE FROM t WHERE n > %(n)s", {"n": 1}) == 2


def test_statement_is_committed_when_it_returns(
    database: Database, admin: psycopg.Connection
) -> None:
    database.run("CREATE TABLE t (n int)", {})
    database.run("INSERT INTO t VALUES (%(n)s)", {"n": 1})
    assert admin.execute("SELECT n FROM t").fetchall() == [(1,)]


def test_transaction_is_all_or_nothing(database: Database) -> None:
    class Interrupted(Exception):
        """An error of the code inside a transaction."""

    def half_way() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (1)")
            raise Interrupted

    database.run("CREATE TABLE t (n int)", {})
    with pytest.raises(Interrupted):
        half_way()
    assert database.all("SELECT n FROM t", {}) == []
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("INSERT INTO t VALUES (2)")
        assert database.all("SELECT n FROM t", {}) == []
    assert len(database.all("SELECT n FROM t", {})) == 2


def test_constraint_violation_is_not_an_outage(database: Database) -> None:
    database.run("CREATE TABLE t (n int CONSTRAINT t_n UNIQUE)", {})
    database.run("INSERT INTO t VALUES (1)", {})
    with pytest.raises(postgres_errors.UniqueViolation) as caught:
        database.run("INSERT INTO t VALUES (1)", {})
    assert caught.value.diag.constraint_name == "t_n"
    with pytest.raises(postgres_errors.SyntaxError):
        database.run("SELEKT 1", {})


def test_connection_works_again_after_a_fault(
    database: Database, admin: psycopg.Connection
) -> None:
    for _ in range(10):
        with pytest.raises(postgres_errors.DivisionByZero):
            database.one("SELECT 1 / 0 AS n", {})
        with pytest.raises(postgres_errors.DivisionByZero), database.transaction() as connection:
            connection.execute("SELECT 1 / 0")
    database.check()
    assert backends(admin) == 1


def test_connection_that_died_in_the_pool_is_noticed(
    database: Database, admin: psycopg.Connection
) -> None:
    """After a restart or failover of the server the first call works, not only the second."""
    for _ in range(3):
        database.check()
        end_backends(admin)
        assert database.one("SELECT 1 AS one", {}) == {"one": 1}


def test_all_connections_of_the_pool_may_have_died(
    database: Database, admin: psycopg.Connection
) -> None:
    """The pool must not try them one by one with growing pauses, because a caller waits."""
    _hold_all(database)
    assert end_backends(admin) == _MAX_SIZE
    database.check()
    _hold_all(database)


def test_connection_lost_in_the_middle_is_an_outage(
    database: Database, admin: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(database.one, "SELECT pg_sleep(60) AS n", {})
        end_backends(admin, that_run="SELECT pg_sleep(60)%")
        with pytest.raises(DatabaseUnavailable):
            call.result()
    database.check()


def test_connection_lost_in_a_transaction_is_an_outage(
    database: Database, admin: psycopg.Connection
) -> None:
    database.run("CREATE TABLE t (n int)", {})

    def lose_it(*, before_the_commit: bool) -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (1)")
            end_backends(admin)
            if not before_the_commit:
                connection.execute("INSERT INTO t VALUES (2)")

    for before_the_commit in (False, True):
        with pytest.raises(DatabaseUnavailable):
            lose_it(before_the_commit=before_the_commit)
    assert database.all("SELECT n FROM t", {}) == []


@pytest.mark.usefixtures("short_wait")
def test_server_that_refuses_is_an_outage_and_its_cause_is_kept() -> None:
    with (
        refusing() as port,
        Database(Fixed(f"postgresql://cliplink@127.0.0.1:{port}/x")) as database,
        pytest.raises(DatabaseUnavailable) as caught,
    ):
        database.check()
    assert caught.value.__cause__ is not None
    assert str(port) not in caught.value.detail


@pytest.mark.usefixtures("short_wait")
@pytest.mark.parametrize("name", ["no_such_database", "no such host"])
def test_wrong_address_is_an_outage(postgres_server: postgres.Server, name: str) -> None:
    url = postgres_server.database_url(name)
    if name == "no such host":
        url = "postgresql://cliplink@nowhere.invalid/x"
    with Database(Fixed(url)) as database, pytest.raises(DatabaseUnavailable):
        database.check()


@pytest.mark.usefixtures("short_wait")
def test_full_server_is_an_outage(empty_database_url: str, admin: psycopg.Connection) -> None:
    role = f"limited_{next(_roles)}"
    create = sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 0").format(sql.Identifier(role))
    admin.execute(create)
    url = empty_database_url.replace("//cliplink:", f"//{role}:")
    with Database(Fixed(url)) as database:
        with pytest.raises(DatabaseUnavailable):
            database.check()
        change = sql.SQL("ALTER ROLE {} CONNECTION LIMIT 1").format(sql.Identifier(role))
        admin.execute(change)
        database.check()


def test_statement_that_takes_too_long_is_an_outage(
    database: Database, admin: psycopg.Connection
) -> None:
    """If the server's own limit ends it, a later attempt may succeed."""
    name = sql.Identifier(admin.info.dbname)
    admin.execute(sql.SQL("ALTER DATABASE {} SET statement_timeout = '50ms'").format(name))
    with pytest.raises(DatabaseUnavailable):
        database.one("SELECT pg_sleep(60) AS n", {})
    database.check()


def test_pool_stays_small_and_serves_many_threads(
    database: Database, admin: psycopg.Connection
) -> None:
    _use_from_threads(database, 8)
    assert 1 <= backends(admin) <= _MAX_SIZE


@pytest.mark.usefixtures("short_wait")
def test_call_does_not_wait_for_ever_for_a_connection(database: Database) -> None:
    def one_more() -> None:
        with pytest.raises(DatabaseUnavailable):
            database.check()

    _hold_all(database, meanwhile=one_more)
    database.check()


def test_closing_ends_every_connection(database: Database, admin: psycopg.Connection) -> None:
    database.check()
    database.close()
    database.close()
    admin.execute("SELECT pg_sleep(0.05)")
    while backends(admin):
        admin.execute("SELECT pg_sleep(0.05)")


def _hold_all(database: Database, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Takes all connections of the pool at the same time, and returns them."""
    held, release = threading.Barrier(_MAX_SIZE + 1), threading.Event()

    def hold() -> None:
        with database.transaction() as connection:
            connection.execute("SELECT 1")
            held.wait()
            release.wait()

    with ThreadPoolExecutor(_MAX_SIZE) as pool:
        holders = [pool.submit(hold) for _ in range(_MAX_SIZE)]
        try:
            held.wait(timeout=30)
            meanwhile()
        finally:
            release.set()
        for holder in holders:
            holder.result()


def _use_from_threads(database: Database, threads: int) -> None:
    """Every thread runs statements at the same time as the others."""
    start = threading.Barrier(threads)

    def use(number: int) -> list[int]:
        start.wait()
        query = "SELECT %(n)s::int AS n, pg_sleep(0.002)"
        return [row["n"] for _ in range(20) for row in database.all(query, {"n": number})]

    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(use, range(threads))) == [[n] * 20 for n in range(threads)]


class TestReadOnly:
    """The server is read-only, as after a failover or with a nearly full disk."""

    @pytest.fixture(autouse=True)
    def table(self, database: Database) -> None:
        database.run("CREATE TABLE t (n int)", {})

    @pytest.mark.parametrize(
        "make_read_only",
        ["SET TRANSACTION READ ONLY", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"],
    )
    def test_change_is_an_outage_and_the_connection_is_replaced(
        self, database: Database, make_read_only: LiteralString
    ) -> None:
        before = backend(database)

        def write() -> None:
            with database.transaction() as held:
                held.execute("SET TRANSACTION READ ONLY")
                held.execute(make_read_only)
                held.execute("INSERT INTO t VALUES (1)")

        with pytest.raises(DatabaseUnavailable, match="no changes"):
            write()
        assert backend(database) != before
        assert database.run("INSERT INTO t VALUES (1)", {}) == 1

    def test_every_connection_is_replaced(
        self, database: Database, admin: psycopg.Connection
    ) -> None:
        """A failover affects all connections: one failed call replaces them all."""
        name = sql.Identifier(admin.info.dbname)
        always = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on")
        database.close()
        admin.execute(always.format(name))
        _hold_all(database)
        admin.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(name))
        with pytest.raises(DatabaseUnavailable):
            database.run("INSERT INTO t VALUES (1)", {})
        for _ in range(_MAX_SIZE + 1):
            database.run("INSERT INTO t VALUES (1)", {})

    def test_check_finds_a_read_only_server_while_reads_work(
        self, database: Database, admin: psycopg.Connection
    ) -> None:
        name = sql.Identifier(admin.info.dbname)
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
        )
        database.close()
        with pytest.raises(DatabaseUnavailable, match="no changes"):
            database.check()
        assert database.all("SELECT n FROM t", {}) == []
        admin.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(name))
        database.close()
        database.check()


def test_transaction_that_the_server_ends_is_an_outage(database: Database) -> None:
    def idle_too_long() -> None:
        with database.transaction() as held:
            held.execute("SET LOCAL idle_in_transaction_session_timeout = 1")
            time.sleep(0.05)
            held.execute("SELECT 1")

    with pytest.raises(DatabaseUnavailable):
        idle_too_long()
    database.check()


def test_statement_prepared_before_a_change_of_the_schema_is_prepared_anew(
    database: Database, admin: psycopg.Connection
) -> None:
    database.run("CREATE TABLE t (n int)", {})
    for _ in range(8):  # the driver prepares what comes often
        database.all("SELECT n FROM t", {})
    admin.execute("ALTER TABLE t ALTER n TYPE bigint")
    with pytest.raises(DatabaseUnavailable):
        database.all("SELECT n FROM t", {})
    assert database.all("SELECT n FROM t", {}) == []


def backend(database: Database) -> int:
    row = database.one("SELECT pg_backend_pid() AS process", {})
    assert row is not None
    return int(row["process"])


@pytest.mark.parametrize(
    ("query", "parameters", "error"),
    [
        ("SELECT %(text)s AS text", {"text": "a\0b"}, psycopg.DataError),
        ("INSERT INTO named VALUES (%(text)s)", {"text": None}, postgres_errors.NotNullViolation),
        ("SELECT repeat('x', 1073741824) AS text", {}, postgres_errors.ProgramLimitExceeded),
    ],
)
def test_value_that_cannot_be_stored_is_no_outage(
    database: Database, query: LiteralString, parameters: QueryValues, error: type[psycopg.Error]
) -> None:
    database.run("CREATE TABLE named (name text NOT NULL UNIQUE)", {})
    before = backend(database)
    with pytest.raises(error):
        database.all(query, parameters)
    assert backend(database) == before


def test_name_too_long_for_its_index_is_no_outage(database: Database) -> None:
    database.run("CREATE TABLE named (name text UNIQUE)", {})
    incompressible = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(950))
    with pytest.raises(postgres_errors.ProgramLimitExceeded):
        database.run("INSERT INTO named VALUES (%(name)s)", {"name": incompressible})


def test_lock_that_another_transaction_holds_is_a_conflict(
    database: Database, admin: psycopg.Connection
) -> None:
    database.run("CREATE TABLE t (n int)", {})
    with admin.transaction():
        admin.execute("LOCK TABLE t")
        with pytest.raises(Busy), database.transaction() as connection:
            connection.execute("LOCK TABLE t NOWAIT")
    database.check()


class TestPreparedStatements:
    """Behind a transaction pooler a named statement may be missing, or be another statement."""

    def test_direct_connection_prepares_under_names_of_its_own(
        self, database: Database, empty_database_url: str
    ) -> None:
        with Database(Fixed(empty_database_url)) as other:
            names = [self.prepared(each) for each in (database, other)]
        assert all(names)
        assert not set(names[0]) & set(names[1])

    def test_pooler_is_recognised_and_nothing_is_prepared(self, empty_database_url: str) -> None:
        with disguised(empty_database_url) as url, Database(Fixed(url)) as database:
            assert self.prepared(database) == []

    @pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="pgbouncer is not installed")
    def test_callers_at_once_get_their_own_answers_through_a_transaction_pooler(
        self, empty_database_url: str, tmp_path: Path
    ) -> None:
        with pooled(empty_database_url, tmp_path) as url, Database(Fixed(url)) as database:
            _use_from_threads(database, 8)
            assert self.prepared(database) == []

    def prepared(self, database: Database) -> list[str]:
        """The names of the server's prepared statements, after many queries of each kind."""
        for _ in range(20):
            database.all("SELECT %(n)s::int AS n", {"n": 1})
            with database.transaction() as connection:
                connection.execute("SELECT %(n)s::int AS n", {"n": 1}, binary=True)
        query = "SELECT name FROM pg_prepared_statements"
        return [row["name"] for row in database.all(query, {})]
