"""Connections to Postgres: the only module that opens any.

A small pool per process, opened when first used. Every method is one round trip or one
transaction; a connection is never held while something else is waited for. What the
driver raises about an outage becomes DatabaseUnavailable here and goes no further.
"""

import select
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, LiteralString, Self

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from shared.errors import DatabaseUnavailable
from shared.app_identity import AppIdentity
from shared.login import Login
from shared.secret import Secret

type Row = dict[str, Any]
type Connection = psycopg.Connection[DictRow]
type Parameters = Mapping[str, object]

# instances x processes x MAX_SIZE connections reach the server: docs/configuration.md.
_MAX_SIZE = 4
_WAIT_SECONDS = 4.0
_CONNECTION = {
    "autocommit": True,
    "row_factory": dict_row,
    # libpq: give up on a host that does not answer, and on one that stopped answering.
    "connect_timeout": 3,
    "keepalives_idle": 30,
    "tcp_user_timeout": 10_000,
    "application_name": "cliplink",
}


class _Connection(psycopg.Connection[DictRow]):
    """A connection of the pool, which knows neither passwords nor tokens."""

    @classmethod
    def connect(  # type: ignore[override]  # called by the pool alone, with its kwargs
        cls,
        conninfo: str = "",
        *,
        login: Login,
        **options: Any,  # noqa: ANN401  # of libpq and psycopg, handed on
    ) -> Self:
        connect = super().connect
        return login.opened(lambda parameters: connect(conninfo, **parameters | options))


class Database:
    """Runs queries with named parameters; rows are dicts by column name.

    Raises DatabaseUnavailable where the server is away. Any other `psycopg.Error` is a fault
    of ours and comes through as it is, constraint violations included.
    """

    def __init__(self, url: Secret, identity: AppIdentity | None = None) -> None:
        self._login = Login(url, identity or AppIdentity())
        self._lock = threading.Lock()
        self._pool: ConnectionPool[Connection] | None = None

    def one(self, query: LiteralString, parameters: Parameters) -> Row | None:
        """The first row of a query, or None."""
        with self._connection() as connection:
            return connection.execute(query, parameters).fetchone()

    def all(self, query: LiteralString, parameters: Parameters) -> list[Row]:
        with self._connection() as connection:
            return connection.execute(query, parameters).fetchall()

    def run(self, query: LiteralString, parameters: Parameters) -> int:
        """Runs a statement and returns how many rows it touched."""
        with self._connection() as connection:
            return connection.execute(query, parameters).rowcount

    def check(self) -> None:
        """Raises DatabaseUnavailable unless the server answers."""
        self.one("SELECT 1 AS one", {})

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection inside BEGIN ... COMMIT; an exception rolls back."""
        with self._connection() as connection, connection.transaction():
            yield connection

    def close(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            with self._opened().connection() as connection:
                yield connection
        except (PoolTimeout, PoolClosed, TooManyRequests, psycopg.OperationalError) as error:
            # Covers refused and lost connections, start-up, shutdown, and a full server.
            raise DatabaseUnavailable("The database cannot be reached.") from error

    def _opened(self) -> ConnectionPool[Connection]:
        with self._lock:
            if self._pool is None:
                self._pool = ConnectionPool(
                    connection_class=_Connection,
                    kwargs=_CONNECTION | {"login": self._login},
                    min_size=0,
                    max_size=_MAX_SIZE,
                    timeout=_WAIT_SECONDS,
                    reconnect_timeout=_WAIT_SECONDS,
                    # Below the hour of a token; nor do they outlive a rotated password for long.
                    max_lifetime=45 * 60,
                    check=self._discard_if_dead,
                    open=True,
                )
            return self._pool

    def _discard_if_dead(self, connection: Connection) -> None:
        """Finds connections that the server closed, without asking the server.

        Nothing is to be read from an idle connection unless it was closed (or has a notice
        to tell), so that the round trip of a check is paid only where there is doubt. Where
        one is dead the others mostly are, and the pool would try them with growing pauses.
        """
        waiting = select.poll()  # not select.select(): that fails from the 1024th descriptor on
        waiting.register(connection.fileno(), select.POLLIN)
        if not waiting.poll(0):
            return
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            if self._pool is not None:
                self._pool.drain()
            raise
