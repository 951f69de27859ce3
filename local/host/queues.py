"""Owns the processing of one storage queue: receive, run, then delete, retry or poison.

Knows nothing of the meaning of a message: `Handler` returns whether it succeeded. A lease hides a
message and is renewed at half its time while the function runs, so that the message returns when
its host was killed and the lease ends.

Source of the rules of batches and pauses: QueueListener and RandomizedExponentialBackoffStrategy
of Microsoft.Azure.WebJobs.Extensions.Storage.Queues. In particular a failed message wakes no
listener: the next request to the queue finds it.
"""

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from local.host.settings import QueueOptions

type Handler = Callable[[str, QueueMessage], Awaitable[bool]]

_FIRST_PAUSE = 0.1  # seconds; each request to an empty queue doubles it
_PAUSE_AFTER_AN_ERROR = 1.0

_log = logging.getLogger("local.host")


def encode(text: str, options: QueueOptions) -> str:
    """The text as it is in a queue, by host.json's messageEncoding."""
    return base64.b64encode(text.encode()).decode() if options.base64 else text


async def send(queue: QueueClient, text: str, options: QueueOptions) -> None:
    """Appends a message to a queue, which is created if it does not exist."""
    await _append(queue, encode(text, options))


@dataclass(slots=True)
class QueueListener:
    """Processes one queue until it is cancelled.

    `wake` ends a pause; `stop_timeout` is the seconds in which functions must end when the host
    stops.
    """

    queue: QueueClient
    poison: QueueClient
    options: QueueOptions
    handler: Handler
    wake: asyncio.Event
    stop_timeout: float

    async def run(self) -> None:
        """Fetches and runs batches of messages; when cancelled, lets running ones finish."""
        running: set[asyncio.Task[None]] = set()
        try:
            await self._serve(running)
        finally:
            if running:
                await asyncio.wait(running, timeout=self.stop_timeout)

    async def _serve(self, running: set[asyncio.Task[None]]) -> None:
        pause = min(_FIRST_PAUSE, self.options.longest_pause)
        while True:
            self.wake.clear()
            messages = await self._receive()
            for message in messages:
                task = asyncio.create_task(self._process(message))
                running.add(task)
                task.add_done_callback(running.discard)
            while len(running) > self.options.new_batch_threshold:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if messages:
                pause = min(_FIRST_PAUSE, self.options.longest_pause)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), pause)
            pause = min(pause * 2, self.options.longest_pause)

    async def _receive(self) -> list[QueueMessage]:
        def fetch() -> list[QueueMessage]:
            return list(
                self.queue.receive_messages(
                    max_messages=self.options.batch_size,
                    visibility_timeout=round(self.options.lease),
                )
            )

        try:
            return await asyncio.to_thread(fetch)
        except ResourceNotFoundError:
            return []  # the first message creates the queue
        except AzureError as error:
            _log.warning("The queue %s is out of reach: %s", self.queue.queue_name, error)
            await asyncio.sleep(_PAUSE_AFTER_AN_ERROR)
            return []

    async def _process(self, message: QueueMessage) -> None:
        try:
            await self._settle(message)
        except AzureError as error:
            # When the lease ends, the message returns: it may run twice, but is never lost.
            _log.warning("A message in %s was not settled: %s", self.queue.queue_name, error)

    async def _settle(self, message: QueueMessage) -> None:
        dequeued = message.dequeue_count or 0
        content = self._decode(message)
        if content is None and not self.options.unreadable_is_poison:
            _log.warning("A message of %s is not base64: deleted", self.queue.queue_name)
            await self._delete(message)
        elif content is None or dequeued > self.options.max_dequeue_count:
            await self._give_up(message)
        elif await self._handle(content, message):
            await self._delete(message)
        elif dequeued >= self.options.max_dequeue_count:
            await self._give_up(message)
        else:
            await self._hide(message, self.options.retry_delay)

    async def _handle(self, content: bytes, message: QueueMessage) -> bool:
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew(message, done))
        try:
            return await self.handler(content.decode(), message)
        except Exception:  # noqa: BLE001 - any exception means that the message is to be retried
            _log.exception("A message of %s could not be handled", self.queue.queue_name)
            return False
        finally:
            # Waits instead of cancelling: a renewal in progress changes the receipt for deletion.
            done.set()
            await renewal

    async def _renew(self, message: QueueMessage, done: asyncio.Event) -> None:
        while not done.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), self.options.lease / 2)
                return
            try:
                await self._hide(message, self.options.lease)
            except AzureError as error:
                _log.warning("A lease in %s was not renewed: %s", self.queue.queue_name, error)

    async def _hide(self, message: QueueMessage, seconds: float) -> None:
        updated = await asyncio.to_thread(
            self.queue.update_message, message, visibility_timeout=round(seconds)
        )
        message.pop_receipt = updated.pop_receipt

    async def _give_up(self, message: QueueMessage) -> None:
        _log.error("A message of %s goes to %s", self.queue.queue_name, self.poison.queue_name)
        await _append(self.poison, message.content)
        await self._delete(message)

    async def _delete(self, message: QueueMessage) -> None:
        with suppress(ResourceNotFoundError):
            await asyncio.to_thread(self.queue.delete_message, message)

    def _decode(self, message: QueueMessage) -> bytes | None:
        if not self.options.base64:
            return str(message.content).encode()
        try:
            return base64.b64decode(message.content, validate=True)
        except (binascii.Error, ValueError):
            return None


async def _append(queue: QueueClient, content: str) -> None:
    try:
        await asyncio.to_thread(queue.send_message, content)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):
            await asyncio.to_thread(queue.create_queue)
        await asyncio.to_thread(queue.send_message, content)
