"""The number of calls that wait for storage, and when others are refused or accepted again."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from shared.errors import StorageUnavailable
from shared.storage.slots import Slots

# Seconds: below `_LONGEST_WAIT`, and far above what a busy machine needs.
_LESS_THAN_A_WAIT = 3.0


@pytest.fixture
def slots() -> Slots:
    return Slots(2)


class Storage:
    """Answers when a test allows it; each request holds a slot until then."""

    def __init__(self, slots: Slots, pool: ThreadPoolExecutor) -> None:
        self._slots = slots
        self._pool = pool
        self._answering = threading.Event()
        self._fails = False

    def asked(self) -> Future[None]:
        """A request that has its slot."""
        waiting = threading.Event()
        future = self._pool.submit(self._request, waiting)
        assert waiting.wait(5)
        return future

    def answer(self, *, fails: bool = False) -> None:
        self._fails = fails
        self._answering.set()

    def _request(self, waiting: threading.Event) -> None:
        with self._slots.slot():
            waiting.set()
            self._answering.wait(30)
            if self._fails:
                raise StorageUnavailable("Silent.")


@pytest.fixture
def storage(slots: Slots) -> Iterator[Storage]:
    with ThreadPoolExecutor(4) as pool:
        storage = Storage(slots, pool)
        yield storage
        storage.answer()


def ask(slots: Slots) -> float:
    """Makes a request that is answered at once; returns the time it waited for its slot."""
    began = time.monotonic()
    with slots.slot():
        return time.monotonic() - began


@contextmanager
def refused_within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        yield
    assert time.monotonic() - began < seconds


def test_free_slot_costs_no_wait(slots: Slots, storage: Storage) -> None:
    storage.asked()
    assert ask(slots) < _LESS_THAN_A_WAIT


def test_call_beyond_the_slots_is_refused_when_no_answer_comes(
    slots: Slots, storage: Storage
) -> None:
    for _ in range(2):
        storage.asked()
    with refused_within(_LESS_THAN_A_WAIT):
        ask(slots)


def test_call_beyond_the_slots_waits_for_an_answer(
    slots: Slots, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.storage.slots._SILENCE", 60.0)
    for _ in range(2):
        storage.asked()
    threading.Timer(0.2, storage.answer).start()
    assert ask(slots) > 0.1


def test_one_call_at_a_time_tries_after_a_timeout(
    slots: Slots, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.storage.slots._LONG", 0.0)
    monkeypatch.setattr("shared.storage.slots._SILENCE", 60.0)
    first = storage.asked()
    storage.answer(fails=True)
    assert isinstance(first.exception(), StorageUnavailable)
    with slots.slot(), refused_within(_LESS_THAN_A_WAIT):
        ask(slots)
    # That one was answered: storage is back, and both slots are in use again.
    with slots.slot():
        assert ask(slots) < _LESS_THAN_A_WAIT


@pytest.mark.parametrize("error", [ValueError, StorageUnavailable])
def test_fast_failure_counts_as_an_answer(slots: Slots, error: type[Exception]) -> None:
    for _ in range(5):
        with pytest.raises(error), slots.slot():
            raise error("at once")
    with slots.slot():
        assert ask(slots) < _LESS_THAN_A_WAIT
