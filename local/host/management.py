"""Owns the host's own paths: /admin for status and calls by hand, /runtime for events, /metrics.

On Azure they require keys; here they do not. Knows nothing of HTTP beyond method, path,
query, headers and body.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from local.host import event_grid, metrics
from local.host.blob_trigger import BlobTriggers
from local.host.calls import Caller
from local.host.external_triggers import ExternalCalls
from local.host.functions import Function
from local.host.protos import TypedData
from local.host.timers import TimerTrigger

type Reply = tuple[int, list[tuple[bytes, bytes]], bytes]

_ACCEPTED: Reply = (202, [], b"")

_log = logging.getLogger("local.host")


class Management:
    """Answers requests under /admin, /runtime and /metrics; None for unknown paths."""

    def __init__(
        self,
        functions: Sequence[Function],
        host_id: str,
        caller: Caller,
        blobs: BlobTriggers,
        timers: Mapping[str, TimerTrigger],
        external: ExternalCalls | None,
    ) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._host_id = host_id
        self._caller = caller
        self._blobs = blobs
        self._timers = timers
        self._external = external
        self._background: set[asyncio.Task[object]] = set()

    async def __call__(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Reply | None:
        """Answers one request; `path` is decoded and has no slash at its ends."""
        reply: Reply | None = None
        match method, path.split("/"):
            case "GET", ["admin", "host", "status"]:
                reply = _json({"id": self._host_id, "state": "Running"})
            case "GET", ["metrics"]:
                reply = (
                    200,
                    [(b"content-type", metrics.CONTENT_TYPE.encode())],
                    metrics.exposition(),
                )
            case "GET", ["admin", "functions"]:
                reply = _json([self._describe(function) for function in self._functions.values()])
            case "POST", ["admin", "functions", name] if name.lower() in self._functions:
                reply = await self._run_by_hand(self._functions[name.lower()], body)
            case "POST", ["admin", "calls", name] if self._external is not None:
                reply = await self._external.answer(name, body)
            case _, ["runtime", "webhooks", "blobs"] if self._external is None:
                function = query.get("functionName", "")
                reply = await event_grid.answer(self._blobs.notify, method, function, headers, body)
        return reply

    def _describe(self, function: Function) -> dict[str, Any]:
        bindings = [dict(function.trigger), *map(dict, function.outputs)]
        return {"name": function.name, "config": {"bindings": bindings}}

    async def _run_by_hand(self, function: Function, body: bytes) -> Reply:
        """Starts the function and answers at once, as the real host does."""
        try:
            text = json.loads(body or b"{}").get("input") or ""
        except (ValueError, AttributeError):
            return _json({"error": 'send JSON like {"input": ""}'}, status=400)
        match function.kind:
            case "timerTrigger":
                self._start(self._timers[function.name].run_by_hand)
            case "queueTrigger":
                self._start(self._caller.run, function, text, TypedData(string=text), {})
            case "blobTrigger":
                self._start(self._blobs.call_by_path, function, text)
            case _:
                return _json({"error": "call an HTTP function by its route"}, status=400)
        return _ACCEPTED

    def _start(self, run: Callable[..., Coroutine[Any, Any, object]], *arguments: object) -> None:
        task = asyncio.create_task(run(*arguments))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _json(content: object, status: int = 200) -> Reply:
    body = json.dumps(content).encode()
    return status, [(b"content-type", b"application/json; charset=utf-8")], body
