"""The loop that processes a queue, on a real queue: batches, thresholds, pauses and wakes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from azure.storage.queue import QueueClient, QueueMessage

from local.host import queues
from local.host.settings import QueueOptions
from tests.local.sample import Sample

_PATIENCE = 60.0  # seconds
_LONGER_THAN_THE_TEST = 100.0


def options(batch: int, threshold: int, *, longest_pause: float = 60) -> QueueOptions:
    return QueueOptions(
        batch_size=batch,
        new_batch_threshold=threshold,
        max_dequeue_count=5,
        retry_delay=0,
        lease=30,
        longest_pause=longest_pause,
        base64=True,
        unreadable_is_poison=False,
    )


@dataclass
class Work:
    """Handles messages: those that begin with "long" last until `release` is set."""

    begun: list[str] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, text: str, _message: QueueMessage) -> bool:
        self.begun.append(text)
        self.changed.set()
        if text.startswith("long"):
            await self.release.wait()
        return not text.startswith("bad")

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(_PATIENCE):
            while len(self.begun) < count:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def listening(
    queue: QueueClient, poison: QueueClient, work: Work, how: QueueOptions
) -> AsyncIterator[asyncio.Event]:
    """Yields the event that wakes the listener."""
    wake = asyncio.Event()
    listener = queues.QueueListener(queue, poison, how, work.handle, wake, 5)
    task = asyncio.create_task(listener.run())
    try:
        yield wake
    finally:
        work.release.set()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def queue(sample: Sample) -> Iterator[QueueClient]:
    with sample.queue() as queue:
        yield queue


@pytest.fixture
def poison(sample: Sample) -> Iterator[QueueClient]:
    with sample.queue(f"{sample.name}-poison") as queue:
        yield queue


@pytest.mark.parametrize(
    ("threshold", "begun_beside_the_long_one"), [(0, ["short 1"]), (1, ["short 1", "short 2"])]
)
def test_threshold_of_0_means_pairs_and_1_refills(
    queue: QueueClient,
    poison: QueueClient,
    sample: Sample,
    threshold: int,
    begun_beside_the_long_one: list[str],
) -> None:
    """With a batch of two, as maxDegreeOfParallelism 2 and 3 give it."""
    for text in ("long", "short 1", "short 2"):
        sample.send(text)

    async def run() -> None:
        work = Work()
        async with listening(queue, poison, work, options(2, threshold)):
            await work.wait_for(1 + len(begun_beside_the_long_one))
            await asyncio.sleep(0.3)
            assert sorted(work.begun) == ["long", *begun_beside_the_long_one]
            work.release.set()
            await work.wait_for(3)

    asyncio.run(run())


def test_wake_ends_the_pause_but_a_message_alone_does_not(
    queue: QueueClient, poison: QueueClient, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "_FIRST_PAUSE", _LONGER_THAN_THE_TEST)

    async def run() -> None:
        work = Work()
        async with listening(queue, poison, work, options(1, 1)) as wake:
            # A look that is under way may still find a message.
            for found in range(10):
                await asyncio.to_thread(sample.send, "put in from outside")
                await asyncio.sleep(0.5)
                if len(work.begun) == found:
                    break
            assert len(work.begun) == found
            wake.set()
            await work.wait_for(found + 1)

    asyncio.run(run())


def test_longest_pause_bounds_the_wait(
    queue: QueueClient, poison: QueueClient, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "_FIRST_PAUSE", _LONGER_THAN_THE_TEST)

    async def run() -> None:
        work = Work()
        async with listening(queue, poison, work, options(1, 1, longest_pause=0.2)):
            for count in range(1, 4):
                await asyncio.sleep(0.3)
                await asyncio.to_thread(sample.send, "put in from outside")
                await work.wait_for(count)

    asyncio.run(run())


def test_message_that_is_not_base64_is_deleted(
    queue: QueueClient, poison: QueueClient, sample: Sample
) -> None:
    """Where its queue is that of blobs; in the queue of a queue trigger it is poison."""
    queue.send_message("no base64!")
    sample.send("after it")

    async def run() -> None:
        work = Work()
        async with listening(queue, poison, work, options(2, 0)):
            await work.wait_for(1)

    asyncio.run(run())
    assert queue.get_queue_properties().approximate_message_count == 0
    assert poison.get_queue_properties().approximate_message_count == 0
