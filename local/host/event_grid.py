"""Owns the webhook for Event Grid: each event becomes a message, with any content.

Source: HttpRequestProcessor of Microsoft.Azure.WebJobs.Extensions.Storage.Blobs, and its observed
answers. The kind of a request depends only on the header `aeg-event-type`. The type of an event,
its container and the function in the query are not checked: only the subscription filters.
"""

import json
from collections.abc import Awaitable, Callable, Mapping

from local.host.blob_messages import BlobMessage

type Reply = tuple[int, list[tuple[bytes, bytes]], bytes]
type Notify = Callable[[BlobMessage], Awaitable[None]]

_ACCEPTED: Reply = (202, [], b"")
_BAD_REQUEST: Reply = (400, [], b"")
_FAILED: Reply = (500, [], b"")


async def answer(
    notify: Notify, method: str, function: str, headers: Mapping[str, str], body: bytes
) -> Reply:
    """Answers a delivery for `function`; messages before a bad event are sent nevertheless."""
    if method == "OPTIONS":
        origin = headers.get("webhook-request-origin", "").encode("latin-1")
        return 200, [(b"webhook-allowed-origin", origin)], b""
    match headers.get("aeg-event-type", "").lower():
        case "subscriptionvalidation":
            return _handshake(body)
        case "notification":
            return await _notification(notify, function, body)
        case "unsubscribe":
            return _ACCEPTED
    return _BAD_REQUEST


def _handshake(body: bytes) -> Reply:
    try:
        code = json.loads(body)[0]["data"]["validationCode"]
    except (ValueError, KeyError, TypeError, IndexError):
        return _FAILED
    content = json.dumps({"validationResponse": code}).encode()
    return 200, [(b"content-type", b"application/json; charset=utf-8")], content


async def _notification(notify: Notify, function: str, body: bytes) -> Reply:
    try:
        content = json.loads(body)
        for event in content if isinstance(content, list) else [content]:
            await notify(BlobMessage.from_event(function, event["data"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _FAILED
    return _ACCEPTED
