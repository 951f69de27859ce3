"""Real HTTP servers on loopback that answer as a test decides, and record their requests."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from socketserver import StreamRequestHandler, ThreadingTCPServer

from local.ports import LOOPBACK
from local.serving import in_a_thread


@dataclass(frozen=True)
class Reply:
    """`missing` is the number of announced bytes that are not sent before the connection closes.

    With `pause`, in seconds, the body is sent byte by byte until the client disconnects.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    pause: float = 0.0


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class Served:
    """The address of the server, and all requests so far."""

    url: str
    requests: list[Request] = field(default_factory=list)


@contextmanager
def serving(
    answer: Callable[[Request], Reply], tls: ssl.SSLContext | None = None
) -> Iterator[Served]:
    """Serves from a thread, with `tls` https; every method and path goes to `answer`."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline:
                self.close_connection = True
                return
            if not self.parse_request():
                return
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, self.path, dict(self.headers))
            served.requests.append(request)
            reply = answer(request)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + reply.missing))
            self.end_headers()
            if self.command != "HEAD":
                _write(self.wfile, reply)
            self.close_connection |= reply.missing > 0

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named in http.server
            """Logs nothing: a test reads `requests`."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    served = Served(f"{'https' if tls else 'http'}://{LOOPBACK}:{server.server_port}")
    with in_a_thread(server):
        yield served


def _write(wire: BufferedIOBase, reply: Reply) -> None:
    with suppress(ConnectionError):  # the client disconnected
        if not reply.pause:
            wire.write(reply.body)
            return
        for byte in reply.body:
            wire.write(bytes([byte]))
            wire.flush()
            time.sleep(reply.pause)


@contextmanager
def dripping(answer: bytes, at_once: int = 0, pause: float = 0.02) -> Iterator[str]:
    """Yields the address of a server that sends an answer, with its headers, byte by byte.

    The first `at_once` bytes are sent together.
    """

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline() not in {b"\r\n", b""}:
                pass
            with suppress(ConnectionError):  # the client disconnected
                self.wfile.write(answer[:at_once])
                for byte in answer[at_once:]:
                    time.sleep(pause)
                    self.wfile.write(bytes([byte]))

    server = ThreadingTCPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    with in_a_thread(server):
        yield f"http://{LOOPBACK}:{server.server_address[1]}"


@contextmanager
def refusing() -> Iterator[int]:
    """Yields a port on loopback that refuses connections and that no other program can take."""
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))  # without listen()
        yield bound.getsockname()[1]
