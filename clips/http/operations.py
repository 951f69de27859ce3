"""What an operation of the API takes and answers, declared at its handler.

    @Operation(summary="Read a clip", parameters=inputs.ClipId, replies=(...), ...)
    def get(call: Call) -> Answer: ...

Plain values, which cost a start nothing: `openapi.py` makes the API's description of them when
somebody asks for it. What every operation with a token may answer is added there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from clips.http.answers import Answer
from clips.http.inputs import Body, NoParameters, Parameters
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
    """A header of an answer, with the JSON Schema of its value."""

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
class Reply:
    """An answer that is no problem; `body` is the type of what is written, from `shapes.py`."""

    status: HTTPStatus
    description: str
    body: Any
    headers: tuple[Header, ...] = ()
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Endpoint[**Takes]:
    """A handler with its description; `Routes` takes nothing else."""

    handler: Callable[Takes, Answer]
    operation: "Operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The description of a handler, and the decorator that puts it there.

    `parameters` and `body` are what the handler parses; `errors` are the errors of its own
    doing. `role` is asked of the token before the handler runs. `example` is a body.
    """

    tag: Tag
    summary: str
    replies: tuple[Reply, ...]
    description: str = ""
    parameters: type[Parameters] = NoParameters
    body: type[Body] | None = None
    example: Mapping[str, object] = field(default_factory=dict)
    errors: tuple[type[CliplinkError], ...] = ()
    role: Role | None = None

    def __call__[**Takes](self, handler: Callable[Takes, Answer]) -> Endpoint[Takes]:
        return Endpoint(handler, self)


@dataclass(frozen=True, slots=True)
class Route:
    """An operation in its place; `is_open` says that it asks for no token."""

    name: str
    method: str
    path: str
    operation: Operation
    is_open: bool
