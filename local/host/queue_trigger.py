"""Owns queue triggers and queue outputs: their queues, and the arguments from a message."""

import asyncio
import json
from collections.abc import Awaitable
from datetime import datetime

from azure.storage.queue import QueueMessage

from local.host import connections, queues
from local.host.calls import Caller
from local.host.functions import Binding, Function
from local.host.protos import TypedData
from local.host.settings import HostSettings, QueueOptions


class QueueOutputs:
    """Writes output bindings; a trigger of this host on the same queue is woken at once."""

    def __init__(self, options: QueueOptions) -> None:
        self._options = options
        self._wakes: dict[tuple[str, str], asyncio.Event] = {}

    def wake_for(self, binding: Binding) -> asyncio.Event:
        """The event that is set whenever this host writes to the queue of a binding."""
        return self._wakes.setdefault(_address(binding), asyncio.Event())

    async def deliver(self, binding: Binding, value: TypedData) -> None:
        """Writes one message for a value, or one for every item of a list."""
        for text in _texts(value):
            await queues.send(connections.queue(*_address(binding)), text, self._options)
        self.wake_for(binding).set()


class QueueTrigger:
    """One function that a queue triggers."""

    def __init__(
        self, function: Function, settings: HostSettings, caller: Caller, outputs: QueueOutputs
    ) -> None:
        self._function = function
        self._settings = settings
        self._caller = caller
        self._outputs = outputs

    def task(self) -> Awaitable[None]:
        """The task that runs as long as the host does."""
        connection, name = _address(self._function.trigger)
        return queues.QueueListener(
            connections.queue(connection, name),
            connections.queue(connection, f"{name}-poison"),
            self._settings.queues,
            self._handle,
            self._outputs.wake_for(self._function.trigger),
            self._settings.stop_timeout,
        ).run()

    async def _handle(self, text: str, message: QueueMessage) -> bool:
        metadata = {
            "QueueTrigger": TypedData(string=text),
            "Id": TypedData(string=message.id),
            "PopReceipt": TypedData(string=message.pop_receipt),
            "DequeueCount": TypedData(json=json.dumps(message.dequeue_count)),
            "InsertionTime": _time(message.inserted_on),
            "ExpirationTime": _time(message.expires_on),
            "NextVisibleTime": _time(message.next_visible_on),
        }
        return await self._caller.run(self._function, text, TypedData(string=text), metadata)


def _address(binding: Binding) -> tuple[str, str]:
    """Connection and name of a binding's queue."""
    return binding.get("connection") or connections.DEFAULT, binding["queueName"].lower()


def _texts(value: TypedData) -> list[str]:
    content = value.value
    if isinstance(content, bytes):
        return [content.decode()]
    if value.kind != "json":
        return [str(content)]
    parsed = json.loads(str(content))
    items = parsed if isinstance(parsed, list) else [parsed]
    return [item if isinstance(item, str) else json.dumps(item) for item in items]


def _time(moment: datetime | None) -> TypedData:
    return TypedData(json=json.dumps(None if moment is None else moment.isoformat()))
