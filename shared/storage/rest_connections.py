"""The open connections of a client of the REST API: kept for the next request, by any thread."""

import http.client
import selectors
import socket
import threading
import urllib.request
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from shared.network.strict_http import StrictHTTPResponse
from shared.network.tls import machine_trust


class Connections:
    """As many as requests were ever sent at once; threads come and go."""

    def __init__(self, address: str, connect_timeout: float, timeout: float) -> None:
        """Connecting may take `connect_timeout` seconds, and the peer be silent for `timeout`."""
        self.closed = False
        self._connect_timeout = connect_timeout
        self._to = urlsplit(address)
        self._timeout = timeout
        self._lock = threading.Lock()
        self._open: set[http.client.HTTPConnection] = set()
        self._idle: list[http.client.HTTPConnection] = []
        # The client is used until the process ends, so nothing closes it.
        weakref.finalize(self, _close_all, self._open)

    @contextmanager
    def one(self) -> Iterator[http.client.HTTPConnection]:
        """A connection for one request, closed after any exception: half a request is on it."""
        connection = self._take()
        try:
            self._connect(connection)
            yield connection
        except BaseException:
            self._drop(connection)
            raise
        with self._lock:
            if not self.closed:
                self._idle.append(connection)

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        if connection.sock is None:
            connection.connect()
        # The standard library has one time-out for connecting and for what follows.
        connection.sock.settimeout(self._timeout)

    def close(self) -> None:
        """Closes all of them; a thread that is still sending fails at once."""
        with self._lock:
            self.closed = True
            for connection in self._open:
                if connection.sock is not None:
                    # Closing alone would not wake a thread that waits for an answer.
                    with suppress(OSError):
                        connection.sock.shutdown(socket.SHUT_RDWR)
                connection.close()
            self._open.clear()
            self._idle.clear()

    def _take(self) -> http.client.HTTPConnection:
        """The connection that was used last and that the server has not closed, or a new one."""
        while (idle := self._last_idle()) is not None:
            if not _is_readable(idle.sock):
                return idle
            self._drop(idle)
        connection = _connection(
            self._to.scheme, self._to.hostname or "", self._to.port, self._connect_timeout
        )
        with self._lock:
            self._open.add(connection)
        return connection

    def _last_idle(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        connection.close()
        with self._lock:
            self._open.discard(connection)


def _is_readable(sock: socket.socket | None) -> bool:
    """Whether something is to be read before a request was sent: the end of the connection."""
    if sock is None:  # it opens with the next request
        return False
    if sock.fileno() < 0:  # closed on this side
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _close_all(connections: set[http.client.HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _connection(
    scheme: str, host: str, port: int | None, timeout: float
) -> http.client.HTTPConnection:
    connection = _unconnected(scheme, host, port, timeout)
    connection.response_class = StrictHTTPResponse
    return connection


def _unconnected(
    scheme: str, host: str, port: int | None, timeout: float
) -> http.client.HTTPConnection:
    """A connection that opens when first used, through the system's proxy if there is one."""
    proxy = None
    if not urllib.request.proxy_bypass(host):
        proxy = urllib.request.getproxies().get(scheme)
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    trust = machine_trust()
    if proxy is None:
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=trust)
    via = urlsplit(proxy)
    connection = http.client.HTTPSConnection(
        via.hostname or "", via.port, timeout=timeout, context=trust
    )
    connection.set_tunnel(host, port)
    return connection
