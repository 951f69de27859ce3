"""What an operation of the API takes and returns, declared at its handler.

    @Operation(summary="Read a clip", parameters=inputs.ClipId, responses=(...), ...)
    def get(request: Request) -> Response: ...

Plain values that cost nothing at startup: `openapi.py` turns them into the API's description when
somebody asks for it, and adds the errors that every operation with a token can have.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from clips.http.inputs import Body, NoParameters, Parameters
from clips.http.response import Response
from shared.errors import CliplinkError
from shared.model import Role


class Tag(StrEnum):
    """The chapters of the description, in their order."""

    VIDEOS = "Videos"
    CLIPS = "Clips"
    LINKS = "Links"
    SHARES = "Shares"
    MIGRATIONS = "Migrations"
    SERVICE = "Service"


@dataclass(frozen=True, slots=True)
class Header:
    """A response header, with the JSON Schema of its value."""

    name: str
    description: str
    schema: Mapping[str, object]
    required: bool = True


LOCATION = Header(
    "Location", "Where the new thing is.", {"type": "string", "format": "uri-reference"}
)
REDIRECT = Header("Location", "The link to follow.", {"type": "string", "format": "uri"})
NEXT_PAGE = Header(
    "Link",
    'Leads to the next page: `<URL>; rel="next"` (RFC 8288). Absent on the last one.',
    {"type": "string"},
    required=False,
)
RETRY_AFTER = Header("Retry-After", "Seconds to wait.", {"type": "integer", "minimum": 1})


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """A successful response; `body` is the type of its body, from `outputs.py`."""

    status: HTTPStatus
    description: str
    body: Any
    headers: tuple[Header, ...] = ()
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Endpoint[**Takes]:
    """A handler with its description; `Routes` takes nothing else."""

    handler: Callable[Takes, Response]
    operation: "Operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The description of a handler, and the decorator that puts it there.

    `parameters` and `body` are what the handler parses, `errors` those that it raises by itself.
    The token must have `role` for the handler to run. `example` is a request body.
    """

    tag: Tag
    summary: str
    responses: tuple[ResponseSpec, ...]
    description: str = ""
    parameters: type[Parameters] = NoParameters
    body: type[Body] | None = None
    example: Mapping[str, object] = field(default_factory=dict)
    errors: tuple[type[CliplinkError], ...] = ()
    role: Role | None = None

    def __call__[**Takes](self, handler: Callable[Takes, Response]) -> Endpoint[Takes]:
        return Endpoint(handler, self)


@dataclass(frozen=True, slots=True)
class Route:
    """An operation at its path; `is_public` if it needs no token."""

    name: str
    method: str
    path: str
    operation: Operation
    is_public: bool
