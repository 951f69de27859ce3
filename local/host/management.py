"""Owns the host's own addresses: /admin to look and run by hand, /runtime for events, /metrics.

On Azure they ask for keys; locally nobody does. Knows nothing of HTTP beyond method, path,
query and body.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from local.host import metrics
from local.host.blob_messages import BlobMessage
from local.host.blob_trigger import BlobTriggers
from local.host.calls import Caller
from local.host.functions import Function
from local.host.protos import TypedData
from local.host.timers import TimerTrigger

type Reply = tuple[int, list[tuple[bytes, bytes]], bytes]

_ACCEPTED: Reply = (202, [], b"")
_HANDSHAKE = "Microsoft.EventGrid.SubscriptionValidationEvent"
_BLOB_CREATED = "Microsoft.Storage.BlobCreated"

_log = logging.getLogger("local.host")


class Management:
    """Answers requests under /admin, /runtime and /metrics; None where there is nothing."""

    def __init__(
        self,
        functions: Sequence[Function],
        host_id: str,
        caller: Caller,
        blobs: BlobTriggers,
        timers: Mapping[str, TimerTrigger],
    ) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._host_id = host_id
        self._caller = caller
        self._blobs = blobs
        self._timers = timers
        self._background: set[asyncio.Task[None]] = set()

    async def __call__(
        self, method: str, path: str, query: Mapping[str, str], body: bytes
    ) -> Reply | None:
        """Answer one request; `path` is decoded and has no slash at its ends."""
        match method, path.split("/"):
            case "GET", ["admin", "host", "status"]:
                return _json({"id": self._host_id, "state": "Running"})
            case "GET", ["metrics"]:
                return 200, [(b"content-type", metrics.CONTENT_TYPE.encode())], metrics.exposition()
            case "GET", ["admin", "functions"]:
                return _json([self._describe(function) for function in self._functions.values()])
            case "POST", ["admin", "functions", name] if name.lower() in self._functions:
                return await self._run_by_hand(self._functions[name.lower()], body)
            case "POST", ["runtime", "webhooks", "blobs"]:
                return await self._receive_events(query.get("functionName", ""), body)
        return None

    def _describe(self, function: Function) -> dict[str, Any]:
        bindings = [dict(function.trigger), *map(dict, function.outputs)]
        return {"name": function.name, "config": {"bindings": bindings}}

    async def _run_by_hand(self, function: Function, body: bytes) -> Reply:
        """Start the function and answer at once, as the real host does."""
        try:
            text = json.loads(body or b"{}").get("input") or ""
        except (ValueError, AttributeError):
            return _json({"error": 'send JSON like {"input": ""}'}, status=400)
        match function.kind:
            case "timerTrigger":
                self._start(self._timers[function.name].run_once)
            case "queueTrigger":
                self._start(self._call, function, TypedData(string=text))
            case "blobTrigger":
                try:
                    await self._blobs.notify_by_path(function, text)
                except (ResourceNotFoundError, ValueError):
                    return _json({"error": "the input names no blob: container/name"}, status=400)
            case _:
                return _json({"error": "call an HTTP function by its route"}, status=400)
        return _ACCEPTED

    async def _receive_events(self, function: str, body: bytes) -> Reply | None:
        """What Event Grid posts: its handshake, or events about blobs."""
        pattern = self._blobs.pattern(function)
        if pattern is None:
            return None
        try:
            events = json.loads(body)
            events = events if isinstance(events, list) else [events]
            for event in events:
                kind = event.get("eventType") or event.get("type")
                if kind == _HANDSHAKE:
                    return _json({"validationResponse": event["data"]["validationCode"]})
                if kind != _BLOB_CREATED:
                    continue
                message = BlobMessage.from_event(function, event["data"])
                if message.container == pattern.container:
                    await self._blobs.notify(message)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return _json({"error": f"no Event Grid event: {error!r}"}, status=400)
        return _ACCEPTED

    async def _call(self, function: Function, argument: TypedData) -> None:
        await self._caller.run(function, argument, {})

    def _start(self, run: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
        task = asyncio.create_task(run(*arguments))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _json(content: object, status: int = 200) -> Reply:
    body = json.dumps(content).encode()
    return status, [(b"content-type", b"application/json; charset=utf-8")], body
