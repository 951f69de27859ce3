"""A proxy to the storage emulator that can make any request fail."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.ports import LOOPBACK
from local.serving import in_a_thread


class Fault(Enum):
    """A wrong response instead of that of storage, or no response."""

    INTERNAL = 500
    BUSY = 503
    THROTTLED = 429
    CONFLICT = 409
    CUT = "the connection ends before storage has seen the request"
    LOST = "storage has done it, and the connection ends before the answer"
    HALF = "storage has done it, and the connection ends in the middle of the answer"
    SILENCE = "no response at all"


# Chooses the fault of a request by its number, method and path.
type Choose = Callable[[int, str, str], Fault | None]


@dataclass
class Line:
    """The requests so far; `choose` and `latency` (seconds) may be changed at any time."""

    port: int = 0
    choose: Choose = lambda *_: None
    latency: float = 0.0
    requests: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, method: str, path: str) -> Fault | None:
        with self.lock:
            number = len(self.requests)
            self.requests.append((method, path))
        return self.choose(number, method, path)


@contextmanager
def line_to(upstream: int) -> Iterator[Line]:
    """A proxy on loopback to the emulator's port."""
    to = Line()

    class Handler(_Forwarding):
        line = to
        upstream_port = upstream

    server = _Server((LOOPBACK, 0), Handler)
    to.port = server.server_port
    with in_a_thread(server):
        yield to


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores the broken pipes of killed clients, which are expected."""


class _Forwarding(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    line: Line
    upstream_port: int

    def setup(self) -> None:
        super().setup()
        self._storage = http.client.HTTPConnection(LOOPBACK, self.upstream_port, timeout=20)

    def finish(self) -> None:
        self._storage.close()
        super().finish()

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.line.note(self.command, self.path)
        time.sleep(self.line.latency)
        match fault:
            case Fault.CUT:
                self.close_connection = True
            case Fault.SILENCE:
                self.rfile.read(1)  # returns when the client closes the connection
                self.close_connection = True
            case Fault.INTERNAL | Fault.BUSY | Fault.THROTTLED | Fault.CONFLICT:
                self.wfile.write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % fault.value)
            case _:
                answer = self._ask(body)
                sent = len(answer)
                if fault is not None:
                    sent = 0 if fault is Fault.LOST else sent // 2
                self.wfile.write(answer[:sent])
                self.close_connection |= sent < len(answer)

    def _ask(self, body: bytes) -> bytes:
        """The raw answer of storage; sends again if the emulator closed an idle connection."""
        try:
            answer = self._response(body)
        except ConnectionError:
            self._storage.close()
            answer = self._response(body)
        data = answer.read()
        headers = {
            name.lower(): value
            for name, value in answer.getheaders()
            if name.lower() not in {"connection", "keep-alive", "transfer-encoding"}
        }
        headers.setdefault("content-length", str(len(data)))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {answer.status} {answer.reason}\r\n{lines}\r\n".encode() + data

    def _response(self, body: bytes) -> http.client.HTTPResponse:
        self._storage.request(self.command, self.path, body, dict(self.headers.items()))
        return self._storage.getresponse()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named in http.server
        """Logs nothing: a test reads `requests`."""
