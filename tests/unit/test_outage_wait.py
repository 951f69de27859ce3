"""Waiting inside a call for the end of an outage."""

import gc
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

from shared.errors import DatabaseUnavailable, NotFound, StorageUnavailable
from shared.outages import NO_WAIT, OutageWait, _pauses


class Film:
    """What an attempt holds in memory."""


class Away:
    """Work that fails with an outage `times` times."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.films: list[weakref.ref[Film]] = []

    def __call__(self) -> str:
        film = Film()
        self.films.append(weakref.ref(film))
        if self.left:
            self.left -= 1
            raise StorageUnavailable(f"Away with {film}.")
        return "done"


# Seconds: many times the limit, and a small part of what a hundred attempts would take.
_FAR_FROM_ALL_ATTEMPTS = 20


def test_call_waits_for_the_end_of_an_outage() -> None:
    away = Away(1)
    assert OutageWait(10).through(away) == "done"
    assert len(away.films) == 2


def test_long_outage_is_raised_near_the_limit() -> None:
    away = Away(100)
    started = time.monotonic()
    with pytest.raises(StorageUnavailable, match="Away with"):
        OutageWait(1.2).through(away)
    assert len(away.films) >= 2
    assert time.monotonic() - started < _FAR_FROM_ALL_ATTEMPTS


def test_zero_limit_raises_the_first_outage() -> None:
    away = Away(1)
    with pytest.raises(StorageUnavailable):
        NO_WAIT.through(away)
    assert len(away.films) == 1


def test_other_errors_are_raised_at_once() -> None:
    calls = []

    def absent() -> None:
        calls.append(1)
        raise NotFound("Not here.")

    with pytest.raises(NotFound):
        OutageWait(60).through(absent)
    assert len(calls) == 1


class Watching(threading.Event):
    """Checks, when a pause begins, that the film of the last attempt was freed."""

    def __init__(self, away: Away) -> None:
        super().__init__()
        self._away = away
        self.gone: list[bool] = []

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        gc.collect()
        self.gone.append(self._away.films[-1]() is None)
        return False


def test_pause_holds_no_objects_of_the_attempt() -> None:
    """The traceback of the error would keep the objects of the attempt in memory."""
    away = Away(3)
    stopping = Watching(away)
    assert OutageWait(60, stopping).through(away) == "done"
    assert stopping.gone == [True, True, True]


def test_waiting_ends_when_the_host_stops() -> None:
    stopping = threading.Event()
    threading.Timer(0.1, stopping.set).start()
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailable, match=r"Gone\."):
        OutageWait(60, stopping).through(_gone)
    assert time.monotonic() - started < _FAR_FROM_ALL_ATTEMPTS


def _gone() -> None:
    raise DatabaseUnavailable("Gone.")


def test_pauses_grow_to_a_quarter_of_a_minute_and_differ() -> None:
    one, other = ([next(pauses) for _ in range(12)] for pauses in (_pauses(), _pauses()))
    assert 0.3 < one[0] < 0.7
    assert all(11 < pause < 19 for pause in one[-3:])
    assert one != other


@pytest.mark.parametrize(
    ("before", "outcome"),
    [("signal.signal(signal.SIGTERM, lambda *_: print('heard'))", 0), ("", -signal.SIGTERM)],
)
def test_process_ends_at_sigterm_as_it_did_before(before: str, outcome: int) -> None:
    """An earlier handler is called too; without one the signal ends the process."""
    script = f"""
import signal, time
{before}
from shared.outages import stopping_event
event = stopping_event()
signal.raise_signal(signal.SIGTERM)
print(event.is_set())
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == outcome, result.stderr
    assert result.stdout == ("heard\nTrue\n" if outcome == 0 else "")
