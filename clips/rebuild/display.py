"""The progress of a rebuild: a bar on a terminal, otherwise a line every few seconds.

How many sidecars there are is known only at the end. How far a listing is shows in its names: ids
of videos are random, so the first digits of one say which part of all videos comes before it.
"""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

_BAR = 24
_INTERVAL_ON_TERMINAL = 0.2
_INTERVAL_ELSEWHERE = 10.0
_DIGITS = 8


class Display:
    """Shows one phase after the other; each begins with `begin`."""

    def __init__(
        self,
        out: TextIO,
        *,
        terminal: bool,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        self._out = out
        self._terminal = terminal
        self._clock = clock
        self._columns = columns
        self.begin("")

    def begin(self, phase: str) -> None:
        """A phase begins, such as `sidecars`."""
        self._phase = phase
        self._count = 0
        self._share = 0.0
        self._began = self._shown_at = self._clock()

    def advance(self, name: str, count: int) -> None:
        """`count` more items are done, the last of which has that name."""
        self._count += count
        with suppress(ValueError):
            self._share = max(self._share, int(name[:_DIGITS], 16) / 16**_DIGITS)
        interval = _INTERVAL_ON_TERMINAL if self._terminal else _INTERVAL_ELSEWHERE
        now = self._clock()
        if now - self._shown_at >= interval:
            self._shown_at = now
            self._write(self._state() + ("" if self._terminal else "\n"))

    def end(self) -> None:
        """The phase is over."""
        self._share = 1.0
        self._write(self._state() + "\n")

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a log on a full disk, a pipe without a reader
            self._out.write(f"\r\x1b[2K{text}" if self._terminal else text)
            self._out.flush()

    def _state(self) -> str:
        seconds = self._clock() - self._began
        rate = self._count / seconds if seconds > 0 else 0.0
        state = f"{self._phase}: {self._count:,}  {self._share:4.0%}  {rate:,.0f}/s"
        if not self._terminal:
            return state
        row = self._columns() - 1
        full = round(_BAR * self._share)
        bar = f"[{'#' * full}{'.' * (_BAR - full)}] {state}"
        return bar[:row] if len(bar) > row else bar
