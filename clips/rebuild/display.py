"""The progress of a rebuild: a bar on a terminal, otherwise a line every few seconds.

The number of sidecars is known only at the end. But ids of videos are random, so the first digits
of a name show how far a listing in the order of names has come.
"""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from clips.terminal.status_line import StatusLine

_DIGITS = 8


class RebuildDisplay:
    """Shows one phase after the other; each begins with `begin`."""

    def __init__(
        self,
        out: TextIO,
        *,
        terminal: bool,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        self._line = StatusLine(out, terminal=terminal, clock=clock, columns=columns)
        self._clock = clock
        self.begin("")

    def begin(self, phase: str) -> None:
        """A phase begins, such as `sidecars`."""
        self._phase = phase
        self._count = 0
        self._share = 0.0
        self._began = self._clock()
        self._line.wait()

    def advance(self, name: str, count: int) -> None:
        """`count` more items are done, the last of which has that name."""
        self._count += count
        with suppress(ValueError):
            self._share = max(self._share, int(name[:_DIGITS], 16) / 16**_DIGITS)
        if self._line.is_due():
            self._line.show(self._state(), self._share)

    def end(self) -> None:
        """The phase is over."""
        self._share = 1.0
        self._line.end(self._state(), self._share)

    def _state(self) -> str:
        seconds = self._clock() - self._began
        rate = self._count / seconds if seconds > 0 else 0.0
        return f"{self._phase}: {self._count:,}  {self._share:4.0%}  {rate:,.0f}/s"
