"""HTTP responses with complete headers, which arrive in time.

The standard library accepts truncated headers. And its time-out is for one read: an answer of which
a byte arrives now and then would hold its reader for hours.
"""

import http.client
import io
import math
import socket
import time
from collections.abc import Buffer
from typing import cast

# Bytes per second that an answer has to bring, beyond the time-out of its connection. A hundredth
# of what any part of Azure sends, and half of what each of eight transfers gets of a slow line.
_PACE = 16 * 1024


class StrictHTTPResponse(http.client.HTTPResponse):
    """Raises IncompleteRead if the connection ended in the middle of the headers.

    Raises TimeoutError if the answer, from its first line to its last byte, has to be waited for
    longer than the time-out of the socket and what its bytes take at `_PACE`. Only waiting counts,
    not what the reader does between two reads.

    To be the `response_class` of an `http.client.HTTPConnection`. A truncated body is noticed by
    `read()` without a size, as always: a caller that reads in parts has to count.
    """

    def __init__(
        self,
        sock: socket.socket,
        debuglevel: int = 0,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp = io.BufferedReader(_InTime(self.fp.detach(), sock))

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


class _InTime(io.RawIOBase):
    """Reads from a socket; raises TimeoutError once too much time was spent in waiting."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._silence = sock.gettimeout()
        self._left = math.inf if self._silence is None else self._silence

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int | None:
        if self._left <= 0:
            raise TimeoutError("The answer arrives too slowly")
        shorter = self._silence is not None and self._left < self._silence
        began = time.monotonic()
        if shorter:
            self._sock.settimeout(self._left)
        try:
            size = self._raw.readinto(buffer)
        finally:
            self._left -= time.monotonic() - began
            if shorter:
                self._sock.settimeout(self._silence)
        self._left += (size or 0) / _PACE
        return size

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()
