"""Owns the threads in which servers of the standard library answer: the issuer, a proxy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

# Seconds within which a server sees that it is to stop.
_POLL_INTERVAL = 0.05


@contextmanager
def in_a_thread(server: BaseServer) -> Iterator[None]:
    """Serves until the block ends, and closes the server."""
    thread = threading.Thread(target=server.serve_forever, args=[_POLL_INTERVAL], daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
