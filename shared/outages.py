"""Waits inside a call for the end of an outage, and tries again.

For triggers only: the host tries a failed blob five times within a tenth of a second, and a
message five times within a minute, which is shorter than the restart of a database. A caller
of the API is answered with 503 instead.
"""

import logging
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from shared.errors import Unavailable

_log = logging.getLogger(__name__)

# Seconds. Together with the time that the calls themselves take this stays far below the
# functionTimeout of host.json.
LONGEST_WAIT = 120.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_JITTER = 0.25


class OutageWait:
    """Repeats work that met an outage, for `limit` seconds after the first failure.

    The pauses grow, and differ from instance to instance. `stopping` ends a pause, and with it
    the waiting: the host is about to end.
    """

    def __init__(self, limit: float, stopping: threading.Event | None = None) -> None:
        self._limit = limit
        self._stopping = stopping or threading.Event()

    def through[Result](self, work: Callable[[], Result]) -> Result:
        """The result of `work`, which may be called many times; raises Unavailable in the end.

        Nothing is held during a pause: neither resources of `work` nor, by the traceback of its
        error, its objects in memory.
        """
        ends_at: float | None = None
        for pause in _pauses():
            try:
                return work()
            except Unavailable as error:
                now = time.monotonic()
                ends_at = now + self._limit if ends_at is None else ends_at
                if now + pause > ends_at or self._stopping.is_set():
                    raise
                _log.warning("%s The call is tried again in %.1f s", error.detail, pause)
                outage = type(error)(error.detail)
            if self._stopping.wait(pause):
                raise outage
        raise AssertionError("the pauses never end")


# For work that is tried again by other means: an outage ends it at once.
NO_WAIT = OutageWait(0)


def stopping_event() -> threading.Event:
    """An event that is set when the process is asked to end, by SIGTERM. For the main thread.

    Only where the signal is handled already. Where it is not, it ends the process at once, as
    before.
    """
    event = threading.Event()
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler) and threading.current_thread() is threading.main_thread():

        def stop(number: int, frame: FrameType | None) -> None:
            event.set()
            handler(number, frame)

        signal.signal(signal.SIGTERM, stop)
    return event


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE
    while True:
        yield pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
        pause = min(pause * 2, _LONGEST_PAUSE)
