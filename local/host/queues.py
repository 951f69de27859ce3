"""Owns the working off of one storage queue: receive, run, then delete, retry or give up.

Knows nothing of what a message means: `Handler` says whether it went well. A message is
hidden by a short lease that is renewed while its function runs, so that a message whose
host was killed comes back soon.
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

_FETCH_LIMIT = 32  # what the service hands out at once
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
_GRACE = 5.0  # for functions that still run when the host is asked to stop

_log = logging.getLogger("local.host")


def encode(text: str, options: QueueOptions) -> str:
    """The text as it stands in a queue, by host.json's messageEncoding."""
    return base64.b64encode(text.encode()).decode() if options.base64 else text


async def send(queue: QueueClient, text: str, options: QueueOptions) -> None:
    """Append a message to a queue, which is made when it is not there."""
    await _append(queue, encode(text, options))


@dataclass(slots=True)
class QueueListener:
    """Works off one queue until it is cancelled."""

    queue: QueueClient
    poison: QueueClient
    options: QueueOptions
    handler: Handler
    wake: asyncio.Event

    async def run(self) -> None:
        """Receive as many messages as may run at once; when cancelled, let those finish."""
        running: set[asyncio.Task[None]] = set()
        try:
            await self._serve(running)
        finally:
            if running:
                await asyncio.wait(running, timeout=_GRACE)

    async def _serve(self, running: set[asyncio.Task[None]]) -> None:
        pause = _FIRST_PAUSE
        while True:
            self.wake.clear()
            messages = await self._receive(self.options.parallelism - len(running))
            for message in messages:
                task = asyncio.create_task(self._process(message))
                running.add(task)
                task.add_done_callback(running.discard)
            if len(running) >= self.options.parallelism:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            elif messages:
                pause = _FIRST_PAUSE
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _receive(self, count: int) -> list[QueueMessage]:
        def fetch() -> list[QueueMessage]:
            limit = min(count, _FETCH_LIMIT)
            return list(
                self.queue.receive_messages(
                    max_messages=limit, visibility_timeout=round(self.options.lease)
                )
            )

        try:
            return await asyncio.to_thread(fetch)
        except ResourceNotFoundError:
            return []  # nobody has sent anything yet
        except AzureError as error:
            _log.warning("The queue %s is out of reach: %s", self.queue.queue_name, error)
            await asyncio.sleep(_LONGEST_PAUSE)
            return []

    async def _process(self, message: QueueMessage) -> None:
        try:
            await self._settle(message)
        except AzureError as error:
            # The lease runs out and the message comes back: once too often, never too rarely.
            _log.warning("A message in %s was not settled: %s", self.queue.queue_name, error)

    async def _settle(self, message: QueueMessage) -> None:
        dequeued = message.dequeue_count or 0
        text = self._decode(message)
        if text is None or dequeued > self.options.max_dequeue_count:
            await self._give_up(message)
        elif await self._handle(text, message):
            with suppress(ResourceNotFoundError):
                await asyncio.to_thread(self.queue.delete_message, message)
        elif dequeued >= self.options.max_dequeue_count:
            await self._give_up(message)
        else:
            await self._hide(message, self.options.retry_delay)
            asyncio.get_running_loop().call_later(self.options.retry_delay, self.wake.set)

    async def _handle(self, text: str, message: QueueMessage) -> bool:
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew(message, done))
        try:
            return await self.handler(text, message)
        except Exception:  # noqa: BLE001  # whatever it is, the message is to be retried
            _log.exception("A message of %s could not be handled", self.queue.queue_name)
            return False
        finally:
            # Not cancelled: a renewal under way changes the receipt that deleting needs.
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
        await asyncio.to_thread(self.queue.delete_message, message)

    def _decode(self, message: QueueMessage) -> str | None:
        if not self.options.base64:
            return str(message.content)
        try:
            return base64.b64decode(message.content, validate=True).decode()
        except (binascii.Error, ValueError):
            return None


async def _append(queue: QueueClient, content: str) -> None:
    try:
        await asyncio.to_thread(queue.send_message, content)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):
            await asyncio.to_thread(queue.create_queue)
        await asyncio.to_thread(queue.send_message, content)
