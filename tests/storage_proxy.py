"""Owns a slow, counting or failing proxy to a storage emulator: for tests and benchmarks.

An HTTP/1.1 proxy on loopback that forwards every request unchanged. The code that starts it chooses
a latency, a limit of bandwidth, and a gate that every request passes.
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.ports import LOOPBACK
from local.serving import in_a_thread

# Gets method and path; may wait, and may return a status, which is then the answer.
type Gate = Callable[[str, str], int | None]

_PIECE = 64 * 1024

_CONNECTION_HEADERS = {"connection", "keep-alive", "transfer-encoding"}


@dataclass(slots=True)
class Traffic:
    """Counts requests and the bytes of the bodies of their answers."""

    requests: int = 0
    bytes_read: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, size: int) -> None:
        with self.lock:
            self.requests += 1
            self.bytes_read += size

    def reset(self) -> None:
        with self.lock:
            self.requests = self.bytes_read = 0


class _Line:
    """The bandwidth to storage, which all connections share."""

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._lock = threading.Lock()
        self._free_at = 0.0

    def carry(self, size: int) -> None:
        """Waits until `size` bytes have passed, after earlier bytes of all connections."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + size / self._rate
            arrival = self._free_at
        time.sleep(max(0.0, arrival - time.monotonic()))


@contextmanager
def running(
    port: int,
    upstream_port: int,
    *,
    latency: float = 0.0,
    bytes_per_second: float | None = None,
    gate: Gate | None = None,
) -> Iterator[Traffic]:
    """Runs a proxy on `port`; `latency` is seconds before each request is forwarded.

    `bytes_per_second` is the limit for all connections together.
    """
    traffic = Traffic()

    class Handler(_Forwarding):
        upstream = upstream_port
        wait = latency
        line = None if bytes_per_second is None else _Line(bytes_per_second)
        ask = staticmethod(gate or _open_gate)
        seen = traffic

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    server.daemon_threads = True
    with in_a_thread(server):
        yield traffic


def _open_gate(_method: str, _path: str) -> int | None:
    return None


class _Forwarding(BaseHTTPRequestHandler):
    """One connection of a client, with its own connection to the emulator."""

    protocol_version = "HTTP/1.1"
    upstream: int
    wait: float
    line: _Line | None
    ask: Gate
    seen: Traffic

    def setup(self) -> None:
        super().setup()
        self._storage = http.client.HTTPConnection(LOOPBACK, self.upstream, timeout=60)

    def finish(self) -> None:
        self._storage.close()
        super().finish()

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(self.wait)
        status = self.ask(self.command, self.path)
        if status is not None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        try:
            answer = self._forward_to_storage(body)
        except ConnectionError:
            self.close_connection = True  # the client must see the outage of the emulator
            return
        self._answer(answer)

    def _forward_to_storage(self, body: bytes) -> http.client.HTTPResponse:
        """The emulator's answer; it closes connections that were idle for five seconds."""
        try:
            return self._ask_storage(body)
        except ConnectionError:
            self._storage.close()
            return self._ask_storage(body)

    def _ask_storage(self, body: bytes) -> http.client.HTTPResponse:
        self._storage.request(self.command, self.path, body, dict(self.headers.items()))
        return self._storage.getresponse()

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _CONNECTION_HEADERS | {"content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length")
        if length is None:
            data = answer.read()
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self._send([data])
            return
        # The answer to HEAD gives the length of a body that is not sent.
        self.send_header("Content-Length", length)
        self.end_headers()
        sent = self._send(iter(lambda: answer.read(_PIECE), b""))
        if self.command != "HEAD" and sent < int(length):
            self.close_connection = (
                True  # the client must see that the emulator closed the connection
            )

    def _send(self, pieces: Iterable[bytes]) -> int:
        """Sends pieces at the chosen rate until the client disconnects; returns their size."""
        sent = 0
        try:
            for piece in pieces:
                sent += len(piece)
                if self.line is not None:
                    self.line.carry(len(piece))
                self.wfile.write(piece)
        except ConnectionError:
            self.close_connection = True
        self.seen.add(sent)
        return sent

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = forward  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named in http.server
        """Keeps the terminal for the user of the proxy."""
