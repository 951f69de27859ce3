"""What a handler answers, and how it is written to the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import azure.functions as func
import orjson

_HEADERS = {
    # Answers hold links that open blobs: nobody in between keeps them.
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    # A page of another origin reads no header but these. The platform answers which origins may
    # call at all, and has no setting for this.
    "Access-Control-Expose-Headers": "Allow, Link, Location, Retry-After, WWW-Authenticate",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is anything orjson writes: dicts, lists, dataclasses, UUIDs, aware datetimes.

    Bytes are written as they are.
    """

    status: HTTPStatus
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def render(answer: Answer) -> func.HttpResponse:
    body = answer.body
    return func.HttpResponse(
        body if isinstance(body, bytes) else orjson.dumps(body, option=orjson.OPT_UTC_Z),
        status_code=answer.status,
        headers=_HEADERS | dict(answer.headers),
        mimetype=answer.content_type,
    )
