"""What an operation of the API takes and returns, declared at its handler.

    @Operation(summary="Read a clip", parameters=inputs.ClipId, responses=(...), ...)
    def get(request: Request, where: inputs.ClipId) -> Response: ...

The route parses by this declaration and calls the handler with the result: (request, parameters),
or (request, parameters, body) where a body is declared. mypy holds the two together.

Plain values that cost nothing at startup: `document.py` turns them into the API's description when
it is first requested, and adds the errors that every operation with a token can have.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, overload

from clips.http.inputs.base import Body, EmptyBody, Parameters
from clips.http.response import Response
from shared.errors import CliplinkError
from shared.model.user import Role


class Tag(StrEnum):
    """The sections of the description, in their order."""

    VIDEOS = "Videos"
    CLIPS = "Clips"
    BIN = "Recycle bin"
    CUTTING = "Cutting"
    LINKS = "Links"
    SHARES = "Shares"
    MIGRATIONS = "Migrations"
    DRIFT = "Consistency"
    SERVICE = "Service"


@dataclass(frozen=True, slots=True)
class Header:
    """A response header, with the JSON Schema of its value."""

    name: str
    description: str
    schema: Mapping[str, object]
    required: bool = True


LOCATION = Header(
    "Location", "The address of what was created.", {"type": "string", "format": "uri-reference"}
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
    """A successful response; `body` is the type of its body, from `clips.http.outputs`."""

    status: HTTPStatus
    description: str
    body: Any
    headers: tuple[Header, ...] = ()
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Endpoint[R, P: Parameters, B: Body]:
    """A handler with its description; `Routes` takes nothing else."""

    handler: Callable[[R, P, B], Response]
    operation: "Operation[P, B]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation[P: Parameters, B: Body = EmptyBody]:
    """The description of a handler, and the decorator that adds it.

    `errors` are those that the handler raises itself. The token must have `role` for the handler
    to run. `example` is a request body. With `retry_key`, the header Idempotency-Key is read.
    """

    tag: Tag
    summary: str
    responses: tuple[ResponseSpec, ...]
    description: str = ""
    parameters: type[P]
    body: type[B] = EmptyBody  # type: ignore[assignment]  # the default of B
    example: Mapping[str, object] = field(default_factory=dict)
    errors: tuple[type[CliplinkError], ...] = ()
    role: Role | None = None
    retry_key: bool = False

    @property
    def has_body(self) -> bool:
        return not issubclass(self.body, EmptyBody)

    @overload
    def __call__[R](
        self: "Operation[P, EmptyBody]", handler: Callable[[R, P], Response]
    ) -> Endpoint[R, P, EmptyBody]: ...

    @overload
    def __call__[R](self, handler: Callable[[R, P, B], Response]) -> Endpoint[R, P, B]: ...

    def __call__[R](self, handler: Callable[..., Response]) -> Endpoint[R, P, Any]:
        def call(request: R, where: P, body: B) -> Response:
            return handler(request, where, body) if self.has_body else handler(request, where)

        return Endpoint(call, self)


type AnyOperation = Operation[Any, Any]
