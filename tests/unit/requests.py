"""Makes requests, and returns the problems of bad ones."""

import json
from collections.abc import Mapping
from uuid import UUID

import azure.functions as func
import pytest

from clips.http.inputs.base import Body, EmptyBody, NoParameters, Parameters
from clips.http.parsing import parse
from shared.errors import InvalidRequest

VIDEO = UUID("0190a5c4-1111-7000-8000-00000000000a")
CLIP = UUID("0190a5c4-2222-7000-8000-00000000000b")
JSON = "application/json"


def call(
    body: object = b"",
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    content_type: str | None = JSON,
) -> func.HttpRequest:
    """A request whose body is bytes, or a value that is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return func.HttpRequest(
        method="POST",
        url="https://clips.example.org/api/videos?old=1",
        headers={} if content_type is None else {"Content-Type": content_type},
        params=dict(query or {}),
        route_params=dict(path or {}),
        body=raw,
    )


def read_body[B: Body](kind: type[B], body: object, content_type: str | None = JSON) -> B:
    return parse(call(body, content_type=content_type), NoParameters, kind)[1]


def read_parameters[P: Parameters](
    kind: type[P], path: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
) -> P:
    return parse(call(path=path, query=query), kind, EmptyBody)[0]


def bad_body(kind: type[Body], body: object) -> dict[str, str]:
    """The problems of a body, by pointer."""
    with pytest.raises(InvalidRequest) as caught:
        read_body(kind, body)
    assert all(field.parameter is None for field in caught.value.fields)
    return {str(field.pointer): field.detail for field in caught.value.fields}


def bad_parameters(kind: type[Parameters], **values: str) -> dict[str, str]:
    """The problems of path and query, by parameter."""
    with pytest.raises(InvalidRequest) as caught:
        read_parameters(kind, query=values)
    assert all(field.pointer is None for field in caught.value.fields)
    return {str(field.parameter): field.detail for field in caught.value.fields}


def new_clip(**changes: object) -> dict[str, object]:
    return {"start_time": 1, "end_time": 2.5} | changes
