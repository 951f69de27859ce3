"""Shows the progress of a run: a bar on a terminal, otherwise a line every few seconds."""

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from clips.migration.outcomes import FailedFile, Outcome, UnmatchedFile
from clips.terminal.control_characters import without_control_characters
from clips.terminal.status_line import StatusLine

# Seconds over which the rate is taken.
_WINDOW = 15.0
_UNITS = ("B", "KB", "MB", "GB", "TB")
_STEP = 1000


class ProgressDisplay:
    """`files` and `size` are the totals; files at old addresses have no size beforehand.

    `add_bytes` may be called by any thread, everything else by one.
    """

    def __init__(
        self,
        files: int,
        size: int,
        out: TextIO,
        *,
        terminal: bool,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        self._files = files
        self._size = size
        self._line = StatusLine(out, terminal=terminal, clock=clock, columns=columns)
        self._clock = clock
        self._lock = threading.Lock()
        self._done_size = 0
        self._done_files = 0
        self._failed = 0
        self._seen: deque[tuple[float, int]] = deque([(clock(), 0)])

    def add_bytes(self, size: int) -> None:
        with self._lock:
            self._done_size += size

    def add_outcome(self, outcome: Outcome) -> None:
        self._done_files += 1
        match outcome:
            case FailedFile() | UnmatchedFile(is_unreadable=True):
                self._failed += 1
                self._line.print(
                    f"failed: {without_control_characters(outcome.source)}: {outcome.detail}"
                )
            case _:
                pass

    def tick(self) -> None:
        if self._line.is_due():
            self.show()

    def show(self) -> None:
        """Writes the current state."""
        self._line.show(self._state(), self._share())

    def close(self) -> None:
        self._line.end(self._state(), self._share())

    def _state(self) -> str:
        rate = self._rate()
        return (
            f"{self._done_files}/{self._files} files  {self._bytes()}  {_size(rate)}/s"
            f"  ETA {self._time_left(rate)}  {self._failed} failed"
        )

    def _time_left(self, rate: float) -> str:
        if self._done_files >= self._files:
            return _duration(0)
        left = self._size - self._done_size
        return _duration(left / rate) if rate and left > 0 else "-"

    def _bytes(self) -> str:
        """Bytes done, and the total if it is known: that of old addresses is not."""
        done = _size(self._done_size)
        return f"{done}/{_size(self._size)}" if self._done_size <= self._size else done

    def _share(self) -> float:
        done, of = (self._done_size, self._size) if self._size else (self._done_files, self._files)
        return min(done / of, 1) if of else 1.0

    def _rate(self) -> float:
        now = self._clock()
        self._seen.append((now, self._done_size))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:  # noqa: PLR2004 - both ends
            self._seen.popleft()
        (then, before), (_, after) = self._seen[0], self._seen[-1]
        return max(after - before, 0) / (now - then) if now > then else 0.0


def _size(value: float) -> str:
    for unit in _UNITS:
        if value < _STEP or unit == _UNITS[-1]:
            break
        value /= _STEP
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def _duration(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}"
