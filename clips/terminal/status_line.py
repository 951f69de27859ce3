"""The progress of a command: a bar on a terminal, otherwise a line every few seconds."""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

_BAR = 24
_MIN_BAR = 4
_INTERVAL_ON_TERMINAL = 0.2
_INTERVAL_ELSEWHERE = 10.0


class StatusLine:
    """A line that replaces itself. One that cannot be written does not stop the command."""

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
        self._next_at = 0.0
        self.wait()

    def wait(self) -> None:
        """Shows nothing until an interval has passed."""
        interval = _INTERVAL_ON_TERMINAL if self._terminal else _INTERVAL_ELSEWHERE
        self._next_at = self._clock() + interval

    def is_due(self) -> bool:
        return self._clock() >= self._next_at

    def show(self, state: str, share: float) -> None:
        """Writes the state; `share` is the part that is done, from 0 to 1."""
        self.wait()
        self._write(self._row(state, share) + ("" if self._terminal else "\n"))

    def end(self, state: str, share: float) -> None:
        """Writes the last state, which stays."""
        self._write(self._row(state, share) + "\n")

    def print(self, text: str) -> None:
        """Writes a line that stays; the next state comes below it."""
        self._write(f"{text}\n")

    def _row(self, state: str, share: float) -> str:
        if not self._terminal:
            return state
        # A text of several rows could not be erased: the bar is shortened first.
        row = self._columns() - 1
        length = min(_BAR, row - len(state) - len("[] "))
        if length < _MIN_BAR:
            return state[:row]
        full = round(length * share)
        return f"[{'#' * full}{'.' * (length - full)}] {state}"

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a log on a full disk, a pipe without a reader
            self._out.write(f"\r\x1b[2K{text}" if self._terminal else text)
            self._out.flush()
