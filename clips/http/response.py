"""The response of a handler, and how it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import azure.functions as func
import orjson

_HEADERS = {
    # Responses hold links that open blobs: no cache may keep them.
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    # The headers that pages of other origins can read. Which origins may call is a setting of the
    # platform, which has none for this.
    "Access-Control-Expose-Headers": "Allow, Link, Location, Retry-After, WWW-Authenticate",
}


@dataclass(frozen=True, slots=True)
class Response:
    """`body` is anything orjson writes: dicts, lists, dataclasses, UUIDs, aware datetimes.

    Bytes are written as they are.
    """

    status: HTTPStatus
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def render(response: Response, *, with_body: bool = True) -> func.HttpResponse:
    """Without its body (for HEAD), the response still has the body's length: RFC 9110, 8.6."""
    body = _bytes(response.body)
    length = {} if with_body else {"Content-Length": str(len(body))}
    return func.HttpResponse(
        body if with_body else b"",
        status_code=response.status,
        headers=_HEADERS | dict(response.headers) | length,
        mimetype=response.content_type,
    )


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else orjson.dumps(body, option=orjson.OPT_UTC_Z)
