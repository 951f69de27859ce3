"""A TLS proxy for a Postgres without TLS, to act like a server on Azure.

Handles the beginning of the protocol, and forwards all later bytes.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
"""

import selectors
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import BaseRequestHandler, ThreadingTCPServer

from local.ports import LOOPBACK
from local.serving import in_a_thread

_WANTS_TLS = struct.pack("!ii", 8, 80877103)


@dataclass
class Front:
    """The port of the proxy, and the numbers of clients with and without TLS."""

    port: int
    encrypted: int = 0
    in_the_clear: int = 0


@contextmanager
def tls_front(server_port: int, tls: ssl.SSLContext) -> Iterator[Front]:
    """Runs a proxy that refuses clients without TLS."""

    class Handler(BaseRequestHandler):
        request: socket.socket

        def handle(self) -> None:
            if self.request.recv(8, socket.MSG_WAITALL) != _WANTS_TLS:
                front.in_the_clear += 1
                return
            front.encrypted += 1
            self.request.sendall(b"S")
            try:
                client = tls.wrap_socket(self.request, server_side=True)
            except OSError:  # the client refuses the certificate
                return
            with client, socket.create_connection((LOOPBACK, server_port)) as server:
                _forward(client, server)

    class Server(ThreadingTCPServer):
        daemon_threads = True

    server = Server((LOOPBACK, 0), Handler)
    front = Front(server.server_address[1])
    with in_a_thread(server):
        yield front


def _forward(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Forwards bytes until one side closes."""
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ, server)
        selector.register(server, selectors.EVENT_READ, client)
        while True:
            for key, _ in selector.select():
                source, target = key.fileobj, key.data
                assert isinstance(source, socket.socket)
                try:
                    data = source.recv(65536)
                    while isinstance(source, ssl.SSLSocket) and source.pending():
                        data += source.recv(65536)
                    target.sendall(data)
                except OSError:
                    return
                if not data:
                    return
