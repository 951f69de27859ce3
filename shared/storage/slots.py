"""Bounds how many calls of a process wait for storage, so that the others have threads left.

A process has a few threads for its calls. Where storage stays silent, each call that needs it
holds a thread until its time-out; without a bound a call that needs nothing of storage would wait
for a thread.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from shared.errors import StorageUnavailable

# Seconds without an answer to any request, while all slots are taken: then others do not wait.
_SILENCE = 0.5
# The longest wait for a slot while answers come.
_LONGEST_WAIT = 4.0
# A request that failed after so many seconds has waited for storage in vain.
_LONG = 2.5


class Admission(Protocol):
    """What a request to storage passes first."""

    def slot(self) -> AbstractContextManager[None]:
        """Holds a place for one request; raises StorageUnavailable if none is to be had."""


class Unbounded:
    """For background work, whose number of calls the host bounds."""

    def slot(self) -> AbstractContextManager[None]:
        return nullcontext()


class Slots:
    """Lets at most `count` requests wait for storage at a time; for calls of the API.

    Others wait for a slot as long as answers come. Once a request has waited in vain only one at a
    time is let through, until storage answers again. Who gets no slot is refused at once.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken = 0
        self._away = False
        self._last_answer = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def slot(self) -> Iterator[None]:
        self._take()
        began = time.monotonic()
        waited_in_vain = False
        try:
            yield
        except StorageUnavailable:
            waited_in_vain = time.monotonic() - began > _LONG
            raise
        finally:
            self._give_back(away=waited_in_vain)

    def _take(self) -> None:
        latest = time.monotonic() + _LONGEST_WAIT
        with self._changed:
            while self._taken >= (1 if self._away else self._count):
                until = min(latest, self._last_answer + _SILENCE)
                remaining = until - time.monotonic()
                if self._away or remaining <= 0:
                    raise StorageUnavailable("Storage leaves earlier requests unanswered.")
                self._changed.wait(remaining)
            self._taken += 1
            if self._taken == self._count:
                # After a time without requests too, an answer is due only from now on.
                self._last_answer = time.monotonic()

    def _give_back(self, *, away: bool) -> None:
        with self._changed:
            self._taken -= 1
            self._away = away
            if not away:
                self._last_answer = time.monotonic()
            self._changed.notify_all()
