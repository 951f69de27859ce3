"""Queries to Postgres, over a small pool of connections per process that the first one opens.

Every method is one round trip or one transaction; a connection is never held while something
else is waited for. An exception of the driver in an outage becomes DatabaseUnavailable.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, LiteralString, Self

from shared.auth.app_identity import AppIdentity
from shared.settings.secret import Secret

if TYPE_CHECKING:
    from shared.postgres import pool

type Row = dict[str, Any]
type Connection = pool.Connection
type QueryValues = Mapping[str, object]


class Database:
    """Runs queries with named parameters; rows are dicts by column name.

    Raises DatabaseUnavailable if the server is unavailable or read-only, and Busy if transactions
    were in conflict. Any other `psycopg.Error` is a bug and passes through unchanged, constraint
    violations included.
    """

    def __init__(self, url: Secret, identity: AppIdentity | None = None) -> None:
        self._url = url
        self._identity = identity or AppIdentity()
        self._lock = threading.Lock()
        self._pool: pool.Pool | None = None

    def one(self, query: LiteralString, parameters: QueryValues) -> Row | None:
        """The first row of a query, or None."""
        with self._opened().connection() as connection:
            return connection.execute(query, parameters, binary=True).fetchone()

    def all(self, query: LiteralString, parameters: QueryValues) -> list[Row]:
        with self._opened().connection() as connection:
            return connection.execute(query, parameters, binary=True).fetchall()

    def one_as[T](
        self, make: Callable[..., T], query: LiteralString, parameters: QueryValues
    ) -> T | None:
        """The first row of a query as `make` makes it of its values, or None."""
        with self._opened().connection() as connection:
            return connection.select(make, query, parameters).fetchone()

    def all_as[T](
        self, make: Callable[..., T], query: LiteralString, parameters: QueryValues
    ) -> list[T]:
        """Each row as `make` makes it of its values: in half the time of dicts, for long pages."""
        with self._opened().connection() as connection:
            return connection.select(make, query, parameters).fetchall()

    def run(self, query: LiteralString, parameters: QueryValues) -> int:
        """Runs a statement and returns how many rows it touched."""
        with self._opened().connection() as connection:
            return connection.execute(query, parameters).rowcount

    def check(self) -> None:
        """Raises DatabaseUnavailable unless the server answers within seconds and takes changes."""
        with self._opened().connection() as connection:
            connection.check()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection inside BEGIN ... COMMIT; an exception rolls back."""
        with self._opened().connection() as connection, connection.transaction():
            yield connection

    def close(self) -> None:
        with self._lock:
            opened, self._pool = self._pool, None
        if opened is not None:
            opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self) -> "pool.Pool":
        with self._lock:
            if self._pool is None:
                # Imported late, for a short cold start.
                from shared.postgres.login import DatabaseLogin
                from shared.postgres.pool import Pool

                self._pool = Pool(DatabaseLogin(self._url, self._identity))
            return self._pool
