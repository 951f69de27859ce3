"""Triggers that another program listens to: it calls the functions over HTTP.

`POST /admin/calls/<function>` is answered when the call has ended: 200 if it succeeded, 500 if the
function raised. The body depends on the trigger:

- a blob: {"content": {"Connection", "ContainerName", "BlobName"}}, a reference without the bytes
- a message: {"text", "id", "dequeueCount", "popReceipt", ...}
- a timer: {"Schedule", "ScheduleStatus", "IsPastDue"}

At the start, the host writes a file with the functions and their triggers:
[{"name", "bindings": [...]}], the bindings in the form of the worker library.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.host.blob_trigger import BlobTriggers
from local.host.calls import Caller
from local.host.functions import Function
from local.host.protos import RpcFunctionMetadata, TypedData

type Reply = tuple[int, list[tuple[bytes, bytes]], bytes]

_JSON = [(b"content-type", b"application/json; charset=utf-8")]


def write_bindings(path: Path, functions: Sequence[RpcFunctionMetadata]) -> None:
    """Writes the bindings of every function that is not triggered by HTTP."""
    described = [
        {"name": function.name, "bindings": [json.loads(raw) for raw in function.raw_bindings]}
        for function in functions
    ]
    kept = [function for function in described if not _is_http(function["bindings"])]
    path.write_text(json.dumps(kept, indent=2) + "\n")


class ExternalCalls:
    """Answers the calls of the program."""

    def __init__(self, functions: Sequence[Function], caller: Caller, blobs: BlobTriggers) -> None:
        self._functions = {function.name: function for function in functions}
        self._caller = caller
        self._blobs = blobs

    async def answer(self, name: str, body: bytes) -> Reply:
        """Calls a function and waits for its end; answers 400 or 404 to a mistake of the caller."""
        function = self._functions.get(name)
        if function is None or function.kind == "httpTrigger":
            return 404, _JSON, b'{"error": "there is no such function"}'
        try:
            trigger = json.loads(body)
            succeeded = await self._call(function, trigger)
        except (ValueError, KeyError, TypeError) as error:
            content = {"error": f"the body does not fit the trigger of {name}: {error!r}"}
            return 400, _JSON, json.dumps(content).encode()
        return (
            (200, _JSON, b'{"outcome": "ok"}')
            if succeeded
            else (500, _JSON, b'{"outcome": "failed"}')
        )

    async def _call(self, function: Function, trigger: dict[str, Any]) -> bool:
        match function.kind:
            case "blobTrigger":
                content = trigger["content"]
                container, name = content["ContainerName"], content["BlobName"]
                return await self._blobs.call_by_reference(function, container, name)
            case "queueTrigger":
                text = trigger["text"]
                metadata = {"QueueTrigger": TypedData(string=text)} | _metadata(trigger)
                return await self._caller.run(function, text, TypedData(string=text), metadata)
            case _:
                timer = TypedData(json=json.dumps(trigger))
                return await self._caller.run(function, "", timer, {})


def _metadata(message: dict[str, Any]) -> dict[str, TypedData]:
    texts = {"Id": "id", "PopReceipt": "popReceipt"}
    values = {
        "DequeueCount": "dequeueCount",
        "InsertionTime": "insertionTime",
        "ExpirationTime": "expirationTime",
        "NextVisibleTime": "nextVisibleTime",
    }
    return {
        **{name: TypedData(string=message[key]) for name, key in texts.items() if key in message},
        **{
            name: TypedData(json=json.dumps(message[key]))
            for name, key in values.items()
            if message.get(key) is not None
        },
    }


def _is_http(bindings: Sequence[Any]) -> bool:
    return any(binding["type"] == "httpTrigger" for binding in bindings)
