"""How a run shows how far it is: a bar on a terminal, a line now and then elsewhere."""

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from clips.migration.outcomes import Line
from clips.migration.receipt import Verdict

_BAR = 24
_SHORTEST_BAR = 4
_PAUSE_ON_TERMINAL = 0.2
_PAUSE_ELSEWHERE = 10.0
# Seconds over which the rate is taken.
_WINDOW = 15.0
_UNITS = ("B", "KB", "MB", "GB", "TB")
_STEP = 1000


class Display:
    """Counts what a run tells it, and shows it at its own pace."""

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
        self._out = out
        self._terminal = terminal
        self._clock = clock
        self._columns = columns
        self._lock = threading.Lock()
        self._done_size = 0
        self._done_files = 0
        self._failed = 0
        self._shown_at = clock()
        self._seen: deque[tuple[float, int]] = deque([(clock(), 0)])

    def moved(self, size: int) -> None:
        with self._lock:
            self._done_size += size

    def finished(self, line: Line) -> None:
        self._done_files += 1
        if line["verdict"] == Verdict.FAILED:
            self._failed += 1
            where = line.get("path") or line.get("url")
            self._write(f"failed: {_printable(str(where))}: {line['detail']}\n")

    def tick(self) -> None:
        now = self._clock()
        pause = _PAUSE_ON_TERMINAL if self._terminal else _PAUSE_ELSEWHERE
        if now - self._shown_at >= pause:
            self._shown_at = now
            self.show()

    def show(self) -> None:
        """Writes the state of now."""
        self._write(self._state() + ("" if self._terminal else "\n"))

    def close(self) -> None:
        self._write(self._state() + "\n")

    def _write(self, text: str) -> None:
        """In place of the bar. Where nobody can read it any more, the work goes on unseen."""
        with suppress(OSError):  # a full disk under a log, a pipe whose reader has gone
            self._out.write(f"\r\x1b[2K{text}" if self._terminal else text)
            self._out.flush()

    def _state(self) -> str:
        rate = self._rate()
        state = (
            f"{self._done_files}/{self._files} files  {self._bytes()}  {_size(rate)}/s"
            f"  ETA {self._time_left(rate)}  {self._failed} failed"
        )
        if not self._terminal:
            return state
        # What does not fit into one row could not be wiped: the bar goes first.
        row = self._columns() - 1
        long = min(_BAR, row - len(state) - len("[] "))
        if long < _SHORTEST_BAR:
            return state[:row]
        full = round(long * self._share())
        return f"[{'#' * full}{'.' * (long - full)}] {state}"

    def _time_left(self, rate: float) -> str:
        if self._done_files >= self._files:
            return _duration(0)
        left = self._size - self._done_size
        return _duration(left / rate) if rate and left > 0 else "-"

    def _bytes(self) -> str:
        """How many of how many, as far as that is known: of old addresses it is not."""
        done = _size(self._done_size)
        return f"{done}/{_size(self._size)}" if self._done_size <= self._size else done

    def _share(self) -> float:
        done, of = (self._done_size, self._size) if self._size else (self._done_files, self._files)
        return min(done / of, 1) if of else 1.0

    def _rate(self) -> float:
        now = self._clock()
        self._seen.append((now, self._done_size))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:  # noqa: PLR2004  # both ends
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


def _printable(text: str) -> str:
    """A file's name is whatever somebody chose: it must not steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
