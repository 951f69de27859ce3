"""HTTP responses with complete headers: the standard library accepts truncated ones."""

import http.client
import io
from typing import cast


class StrictHTTPResponse(http.client.HTTPResponse):
    """Raises IncompleteRead if the connection ended in the middle of the headers.

    To be the `response_class` of an `http.client.HTTPConnection`. A truncated body is noticed by
    `read()` without a size, as always: a caller that reads in parts has to count.
    """

    def begin(self) -> None:
        lines = _LastLine(self.fp)
        self.fp = cast("io.BufferedReader", lines)
        try:
            super().begin()
        finally:
            self.fp = lines.file
        if lines.last_line not in {b"\r\n", b"\n"}:
            self.close()
            raise http.client.IncompleteRead(lines.last_line)


class _LastLine:
    """Reads lines and remembers the last: status line and headers are read with nothing else."""

    def __init__(self, file: io.BufferedReader) -> None:
        self.file = file
        self.last_line = b""

    def readline(self, limit: int) -> bytes:
        self.last_line = self.file.readline(limit)
        return self.last_line
