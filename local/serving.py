"""Owns the threads that servers of the standard library answer from: the issuer's, a proxy's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

_NOTICES_THE_END_WITHIN = 0.05  # seconds


@contextmanager
def in_a_thread(server: BaseServer) -> Iterator[None]:
    """Serves until the block ends, and closes the server."""
    thread = threading.Thread(
        target=server.serve_forever, args=[_NOTICES_THE_END_WITHIN], daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
