"""The connections behind `database.py`: a small pool, and the driver that they are made of.

Imported with the first query, not with the app: the driver takes as long to load as a dozen
of the app's own modules, and an instance that starts for a timer may not need it for minutes.
"""

import secrets
import select
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, LiteralString, Self

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, args_row, dict_row
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from shared import telemetry
from shared.errors import Busy, DatabaseUnavailable
from shared.postgres.error_meaning import Meaning, meaning_of
from shared.postgres.login import DatabaseLogin
from shared.postgres.time_limit import answer_seconds

# instances x processes x MAX_SIZE connections reach the server: docs/configuration.md.
_MAX_SIZE = 2
_WAIT_SECONDS = 4.0
_CHECK_SECONDS = 3.0
_CANCEL_SECONDS = 2.0
_CONNECTION = {"autocommit": True, "row_factory": dict_row}
_OUT_OF_REACH = "The database cannot be reached."
_READ_ONLY = "The database accepts no changes at present."


class Connection(psycopg.Connection[DictRow]):
    """A connection of the pool, which knows neither passwords nor tokens."""

    _answer_seconds: float | None = None

    @classmethod
    def connect(  # type: ignore[override]  # called by the pool alone, with its kwargs
        cls,
        conninfo: str = "",
        *,
        login: DatabaseLogin,
        **options: Any,  # noqa: ANN401 - of psycopg, handed on
    ) -> Self:
        connect = super().connect
        connection = login.opened(lambda named: connect(conninfo, **named | options))
        connection.choose_preparing()
        return connection

    def execute(  # type: ignore[override]  # of its queries those that we use: constants
        self,
        query: LiteralString,
        params: Mapping[str, object] | None = None,
        **options: Any,  # noqa: ANN401 - of psycopg, handed on
    ) -> psycopg.Cursor[DictRow]:
        """Runs a query, inside a transaction or not, in a span of its own."""
        with telemetry.query(query):
            return super().execute(query, params, **options)

    def select[T](
        self, make: Callable[..., T], query: LiteralString, params: Mapping[str, object]
    ) -> psycopg.Cursor[T]:
        """Runs a query whose rows are what `make` makes of their values, in their order."""
        with telemetry.query(query):
            return self.cursor(binary=True, row_factory=args_row(make)).execute(query, params)

    def check(self) -> None:
        """Raises DatabaseUnavailable or psycopg.OperationalError unless the server answers at once.

        A server that accepts no changes counts as unavailable.
        """
        self._answer_seconds = _CHECK_SECONDS
        try:
            row = self.execute("SHOW transaction_read_only").fetchone()
        finally:
            self._answer_seconds = None
        if row is None or row["transaction_read_only"] != "off":
            raise DatabaseUnavailable(_READ_ONLY)

    def choose_preparing(self) -> None:
        """Prepares statements by name only on a direct connection to the server.

        A pooler that shares connections between transactions may have no statement of that name,
        or one that another client prepared, which would run in its place. A pooler shows by the
        process id that it announced, which is not the server's: ADR 18.
        """
        self._answer_seconds = _CHECK_SECONDS
        try:
            row = self.cursor().execute("SELECT pg_backend_pid() AS process").fetchone()
        finally:
            self._answer_seconds = None
        if row is None or row["process"] != self.info.backend_pid:
            self.prepare_threshold = None
        # Names that no other connection uses: should a pooler stay undetected, a statement may be
        # missing, but is never another one.
        self._prepared._prepared_idx = secrets.randbits(48)  # noqa: SLF001 - there is no public way

    def wait[Answer](
        self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None
    ) -> Answer:
        """The driver's waiting for a server that it is connected to, with a time limit."""
        if timeout is None:
            timeout = self._answer_seconds or answer_seconds()
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self.info.transaction_status is TransactionStatus.ACTIVE:
                self._give_up()
            raise

    def _give_up(self) -> None:
        """Ends a statement that is still running, and the connection on which it would answer."""
        with suppress(psycopg.OperationalError):  # a silent server may not take the request
            self.cancel_safe(timeout=_CANCEL_SECONDS)
        self.close()


class Pool:
    """Opens connections when they are needed, and closes those that are idle for long."""

    def __init__(self, login: DatabaseLogin) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            connection_class=Connection,
            kwargs=_CONNECTION | {"login": login},
            min_size=0,
            max_size=_MAX_SIZE,
            timeout=_WAIT_SECONDS,
            reconnect_timeout=_WAIT_SECONDS,
            # Below the hour of a token; nor do they outlive a rotated password for long.
            max_lifetime=45 * 60,
            check=self._discard_if_dead,
            open=True,
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for a moment; raises DatabaseUnavailable, or Busy in a conflict.

        Connections of a server that is unreachable or read-only are not used again.
        """
        try:
            with self._pool.connection() as connection:
                try:
                    yield connection
                except psycopg.Error as error:
                    if meaning_of(error) in {Meaning.OUTAGE, Meaning.READ_ONLY}:
                        connection.close()  # the pool replaces it
                    raise
        except (PoolTimeout, PoolClosed, TooManyRequests) as error:
            raise DatabaseUnavailable(_OUT_OF_REACH) from error
        except psycopg.Error as error:
            match meaning_of(error):
                case Meaning.OUTAGE:
                    raise DatabaseUnavailable(_OUT_OF_REACH) from error
                case Meaning.READ_ONLY:
                    self._pool.drain()  # the others lead to the same server
                    raise DatabaseUnavailable(_READ_ONLY) from error
                case Meaning.CONFLICT:
                    raise Busy("Another call was changing the same data.") from error
                case Meaning.BUG:
                    raise

    def close(self) -> None:
        self._pool.close()

    def _discard_if_dead(self, connection: Connection) -> None:
        """Finds connections that the server closed, without asking the server.

        Nothing can be read from an idle connection unless it was closed (or has a notice
        waiting), so that the round trip of a check is paid only where there is doubt. Where
        one is dead the others mostly are, and the pool would try them with growing pauses.
        """
        waiting = select.poll()  # not select.select(): that fails from the 1024th descriptor on
        waiting.register(connection.fileno(), select.POLLIN)
        if not waiting.poll(0):
            return
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            self._pool.drain()
            raise
