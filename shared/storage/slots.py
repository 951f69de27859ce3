"""Bounds how many calls of a process wait for storage, so that the others have threads left.

A process has a few threads for its calls. If storage does not answer, each call that needs it holds
a thread until its time-out; without a limit, calls that need no storage would wait for a thread.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from shared.errors import StorageUnavailable

# After so many seconds without any answer, while all slots are taken, others are refused at once.
_SILENCE = 0.5
# The longest wait for a slot while answers come.
_LONGEST_WAIT = 4.0
# A request that failed after so many seconds counts as timed out.
_LONG = 2.5


class Admission(Protocol):
    """Lets a request to storage begin, or refuses it."""

    def slot(self) -> AbstractContextManager[None]:
        """Holds a place for one request; raises StorageUnavailable if there is none."""


class Unbounded:
    """For background work, whose number of calls the host bounds."""

    def slot(self) -> AbstractContextManager[None]:
        return nullcontext()


class Slots:
    """Lets at most `count` requests wait for storage at a time; for calls of the API.

    Others wait for a slot as long as answers come. After a request timed out, one request at a time
    gets a slot, until storage answers again; others are refused at once.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken = 0
        self._away = False
        self._answered_at = 0.0
        self._full_since = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def slot(self) -> Iterator[None]:
        self._take()
        began = time.monotonic()
        timed_out = False
        try:
            yield
        except StorageUnavailable:
            timed_out = time.monotonic() - began > _LONG
            raise
        finally:
            self._give_back(began, timed_out=timed_out)

    def _take(self) -> None:
        latest = time.monotonic() + _LONGEST_WAIT
        with self._changed:
            while self._taken >= (1 if self._away else self._count):
                # After a time without requests, an answer is due only from when all were taken.
                until = min(latest, max(self._answered_at, self._full_since) + _SILENCE)
                remaining = until - time.monotonic()
                if self._away or remaining <= 0:
                    raise StorageUnavailable("Storage does not respond to earlier requests.")
                self._changed.wait(remaining)
            self._taken += 1
            if self._taken == self._count:
                self._full_since = time.monotonic()

    def _give_back(self, began: float, *, timed_out: bool) -> None:
        with self._changed:
            self._taken -= 1
            if not timed_out:
                self._away = False
                self._answered_at = time.monotonic()
            elif self._answered_at < began:  # no other request was answered meanwhile either
                self._away = True
            self._changed.notify_all()
