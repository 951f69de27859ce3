"""Requests to one storage account over plain HTTP, each with a link to what it is about.

For whoever moves many bytes: the vendor's client takes a third of a second to load and a
millisecond of CPU a request, and is not needed by those who can sign links. One connection for
each thread is kept open. Whatever may pass is tried again, with growing pauses.
"""

import http.client
import random
import socket
import ssl
import threading
import time
import urllib.request
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from shared.errors import (
    BlobArchived,
    BlobChanged,
    BlobExists,
    BlobMissing,
    CliplinkError,
    StorageUnavailable,
)
from shared.http_answers import WholeAnswer

API_VERSION = "2023-11-03"
"""Of the requests, not of the signatures: every feature used here is at least that old."""

# A second's silence for every 17 KB: slower is as good as dead.
_SILENCE_SECONDS = 60
_PIECE = 1024 * 1024
_PASSING = {408, 429, 500, 502, 503, 504}
_REFUSED = {401, 403}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a request is tried, and how long is paused between: `first` seconds, doubled.

    `pause` may raise to end the waiting.
    """

    attempts: int = 9
    first: float = 0.25
    longest: float = 20.0
    silence: float = _SILENCE_SECONDS
    pause: Callable[[float], object] = field(default=time.sleep)

    def pauses(self) -> Iterator[float]:
        """A pause before every attempt but the first; a little random, lest all come at once."""
        for number in range(self.attempts - 1):
            yield min(self.first * 2**number, self.longest) * random.uniform(0.5, 1.0)  # noqa: S311  # no secret


FOR_MINUTES = Patience()
"""For a run that nobody waits for: a line that was cut, a storage account that is moved."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What storage answered; `headers` are asked for in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Passing(Exception):
    """An attempt that failed in a way that a later one may not."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Wire:
    """Sends requests; any number of threads may."""

    def __init__(self, address: str, patience: Patience) -> None:
        self._to = urlsplit(address)
        self._patience = patience
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: set[http.client.HTTPConnection] = set()
        self._closed = False
        # Whoever makes links for as long as it lives has no moment at which to close.
        weakref.finalize(self, _close_all, self._open)

    def send(
        self,
        method: str,
        link: Callable[[], str],
        *,
        query: str = "",
        body: memoryview | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """An answer with a status below 300. `link` is asked for anew at every attempt.

        Raises BlobMissing, BlobExists, BlobChanged, BlobArchived; StorageUnavailable when
        patience has ended or storage refuses.
        """
        pauses = self._patience.pauses()
        while True:
            target = _target(link(), query)
            try:
                return _judged(self._attempt(method, target, body, dict(headers or {})))
            except _Passing as passing:
                pause = next(pauses, None)
                if pause is None:
                    raise StorageUnavailable(f"Storage does not answer: {passing}.") from passing
                self._patience.pause(max(pause, min(passing.retry_after, self._patience.longest)))

    def close(self) -> None:
        """Closes all connections; whoever is still sending fails at once."""
        with self._lock:
            self._closed = True
            for connection in self._open:
                if connection.sock is not None:
                    # Closing alone would not wake a thread that waits for an answer.
                    with suppress(OSError):
                        connection.sock.shutdown(socket.SHUT_RDWR)
                connection.close()
            self._open.clear()

    def _attempt(
        self, method: str, target: str, body: memoryview | None, headers: dict[str, str]
    ) -> Answer:
        if self._closed:
            raise StorageUnavailable("The connections were closed.")
        headers["x-ms-version"] = API_VERSION
        if body is not None:
            headers["Content-Length"] = str(len(body))
        connection = self._connection()
        try:
            connection.request(method, target, _pieces(body), headers)
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            # Not even an idle connection that was closed meanwhile gets a free attempt: one of
            # these in a thread's life is cheap.
            connection.close()
            raise _Passing(str(error) or type(error).__name__) from error
        except BaseException:
            connection.close()  # half a request is on it
            raise
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, data)

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connection(
                self._to.scheme, self._to.hostname or "", self._to.port, self._patience.silence
            )
            with self._lock:
                self._open.add(connection)
        return connection


def _close_all(connections: set[http.client.HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _connection(
    scheme: str, host: str, port: int | None, silence: float
) -> http.client.HTTPConnection:
    connection = _unconnected(scheme, host, port, silence)
    connection.response_class = WholeAnswer
    return connection


def _unconnected(
    scheme: str, host: str, port: int | None, silence: float
) -> http.client.HTTPConnection:
    """A connection to be; through the proxy that the system names, if any."""
    proxy = None
    if not urllib.request.proxy_bypass(host):
        proxy = urllib.request.getproxies().get(scheme)
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=silence)
    trust = ssl.create_default_context()
    if proxy is None:
        return http.client.HTTPSConnection(host, port, timeout=silence, context=trust)
    via = urlsplit(proxy)
    connection = http.client.HTTPSConnection(
        via.hostname or "", via.port, timeout=silence, context=trust
    )
    connection.set_tunnel(host, port)
    return connection


def _target(link: str, query: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{query}&{parts.query}" if query else f"{parts.path}?{parts.query}"


def _pieces(body: memoryview | None) -> Iterator[memoryview] | None:
    # A timeout is for one piece: a slow line must not fail for the size of a block.
    if body is None:
        return None
    return (body[start : start + _PIECE] for start in range(0, len(body), _PIECE))


def _judged(answer: Answer) -> Answer:
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    # https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
    code = answer.headers.get("x-ms-error-code", "")
    why = f"{answer.status} {code}".strip()
    error = _meaning(answer.status, code)
    if error is not None:
        raise error
    # 409 without a meaning of ours: somebody is at the same blob. Md5Mismatch: hurt on the way.
    if answer.status in _PASSING or answer.status == HTTPStatus.CONFLICT or code == "Md5Mismatch":
        raise _Passing(why, _seconds(answer.headers.get("retry-after")))
    if answer.status in _REFUSED:
        raise StorageUnavailable(f"Storage refuses the account's credentials: {why}.")
    raise StorageUnavailable(f"Storage refuses the request: {why}.")


def _meaning(status: int, code: str) -> CliplinkError | None:
    match status, code:
        case _, "ContainerNotFound":
            return StorageUnavailable("A storage container is missing.")
        case 404, _:
            return BlobMissing("There is no such blob.")
        case _, "BlobArchived":
            return BlobArchived("The blob is in the archive.")
        case _, "BlobAlreadyExists":
            return BlobExists("There is such a blob already.")
        case (412, _) | (_, "InvalidBlockList"):
            return BlobChanged("The blob was written by somebody else meanwhile.")
        case _:
            return None


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0
