"""HTTP answers whose headers came to their end: the standard library takes cut ones for whole."""

import http.client
import io
from typing import cast


class WholeAnswer(http.client.HTTPResponse):
    """Raises IncompleteRead where the connection ended in the middle of the headers.

    As the `response_class` of an `http.client.HTTPConnection`. A body that is cut is told by
    `read()` as ever, and by nothing else: whoever reads in parts has to count.
    """

    def begin(self) -> None:
        watched = _Watched(self.fp)
        self.fp = cast("io.BufferedReader", watched)
        try:
            super().begin()
        finally:
            self.fp = watched.file
        if watched.last_line not in {b"\r\n", b"\n"}:
            self.close()
            raise http.client.IncompleteRead(watched.last_line)


class _Watched:
    """Reads lines and remembers the last; status and headers are read by nothing else."""

    def __init__(self, file: io.BufferedReader) -> None:
        self.file = file
        self.last_line = b""

    def readline(self, limit: int) -> bytes:
        self.last_line = self.file.readline(limit)
        return self.last_line
