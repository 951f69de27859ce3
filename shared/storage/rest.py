"""A client of the storage service's REST API, authorized by the signed URL of each request.

Used where many bytes move or a request must be cheap: the SDK takes a third of a
second to load and a millisecond of CPU for each request. Keeps connections open, and repeats
requests that failed in a way that may pass, with growing pauses.
"""

import http.client
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from shared.errors import StorageUnavailable
from shared.storage.error_table import error_for, is_transient
from shared.storage.rest_connections import Connections

# A line for each request, without its signature; `StorageAccount` turns it on.
_log = logging.getLogger(__name__)

# The `x-ms-version` of requests, not that of signatures; it has every feature used here.
API_VERSION = "2023-11-03"

# Seconds without progress. The socket's timeout is for one piece of a body at a time.
_TIMEOUT = 60.0
_PIECE = 1024 * 1024

# What the name of a header begins with that has one value of a blob's metadata.
_METADATA = "x-ms-meta-"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a request is tried, and how long to wait in between; all times are seconds.

    The first pause is `first`, each later one twice as long, up to `longest`. `timeout` is how
    long the peer may stay silent, `connect_timeout` how long connecting may take; with
    `repeats_silence` a request is repeated after either too. `pause` does the waiting, and may
    raise to end it.
    """

    attempts: int = 9
    first: float = 0.25
    longest: float = 20.0
    timeout: float = _TIMEOUT
    connect_timeout: float = _TIMEOUT
    repeats_silence: bool = True
    pause: Callable[[float], object] = field(default=time.sleep)

    def pauses(self) -> Iterator[float]:
        """The pauses before the second and later attempts, with jitter."""
        for number in range(self.attempts - 1):
            yield min(self.first * 2**number, self.longest) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


# For calls that a client waits for: for silence only once.
RETRY_FOR_SECONDS = RetryPolicy(attempts=3, first=0.1, timeout=20.0, repeats_silence=False)

# For background work: outlasts a broken line and a failover of the storage account.
RETRY_FOR_MINUTES = RetryPolicy()


@dataclass(frozen=True, slots=True)
class RestResponse:
    """A response of storage; the names of `headers` are in lower case.

    `metadata` is what a blob's metadata has, with names as they were written.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    metadata: Mapping[str, str]


class StorageSilent(StorageUnavailable):
    """Storage accepted the last attempt, or did not refuse it, and then sent nothing in time."""


class RequestRefused(StorageUnavailable):
    """Storage considers the request wrong, with that `status`."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"Storage refuses the request: {status} {code}".rstrip() + ".")
        self.status = status


class _Transient(Exception):
    """An attempt failed in a way that a later one may not."""

    def __init__(self, why: str, *, retry_after: float = 0.0, silent: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.silent = silent


class RestClient:
    """Sends requests; any number of threads may."""

    def __init__(self, address: str, retry_policy: RetryPolicy) -> None:
        self._retry_policy = retry_policy
        connect_timeout = min(retry_policy.connect_timeout, retry_policy.timeout)
        self._connections = Connections(address, connect_timeout, retry_policy.timeout)

    def send(
        self,
        method: str,
        link: Callable[[], str],
        *,
        query: str = "",
        body: memoryview | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RestResponse:
        """Sends a request to the URL that `link` gives, called anew for every attempt.

        Returns a response with a status below 300. Raises what `error_for` makes of a refusal;
        StorageUnavailable if no attempt succeeds, and of these StorageSilent if the last one
        ended with the policy's time-out.
        """
        pauses = self._retry_policy.pauses()
        while True:
            target = _target(link(), query)
            try:
                return _checked(self._attempt(method, target, body, dict(headers or {})))
            except _Transient as transient:
                pause = next(pauses, None)
                if pause is None or (transient.silent and not self._retry_policy.repeats_silence):
                    kind = StorageSilent if transient.silent else StorageUnavailable
                    raise kind(f"Storage does not answer: {transient}.") from transient
                self._retry_policy.pause(
                    max(pause, min(transient.retry_after, self._retry_policy.longest))
                )

    def close(self) -> None:
        """Closes all connections; a thread that is still sending fails at once."""
        self._connections.close()

    def _attempt(
        self, method: str, target: str, body: memoryview | None, headers: dict[str, str]
    ) -> RestResponse:
        if self._connections.closed:
            raise StorageUnavailable("The connections were closed.")
        headers["x-ms-version"] = API_VERSION
        if body is not None:
            headers["Content-Length"] = str(len(body))
        try:
            with self._connections.one() as connection:
                connection.request(method, target, _pieces(body), headers)
                response = connection.getresponse()
                data = response.read()
        except (OSError, http.client.HTTPException) as error:
            silent = isinstance(error, TimeoutError)
            raise _Transient(str(error) or type(error).__name__, silent=silent) from error
        _log.info("%s %s: %d", method, target.partition("?")[0], response.status)
        return _response(response.status, response.getheaders(), data)


def _response(status: int, headers: Sequence[tuple[str, str]], body: bytes) -> RestResponse:
    metadata = {
        name[len(_METADATA) :]: value
        for name, value in headers
        if name[: len(_METADATA)].lower() == _METADATA
    }
    return RestResponse(status, {name.lower(): value for name, value in headers}, body, metadata)


def _target(link: str, query: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{query}&{parts.query}" if query else f"{parts.path}?{parts.query}"


def _pieces(body: memoryview | None) -> Iterator[memoryview] | None:
    # The timeout is for one piece: a slow line must not fail because a block is large.
    if body is None:
        return None
    return (body[start : start + _PIECE] for start in range(0, len(body), _PIECE))


def _checked(response: RestResponse) -> RestResponse:
    """The response if it is a success; raises `_Transient` or what it means."""
    if response.status < HTTPStatus.MULTIPLE_CHOICES:
        return response
    code = response.headers.get("x-ms-error-code", "")
    error = error_for(response.status, code)
    if error is not None:
        raise error
    why = f"{response.status} {code}".strip()
    if is_transient(response.status, code):
        raise _Transient(why, retry_after=_seconds(response.headers.get("retry-after")))
    raise RequestRefused(response.status, code)


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0
