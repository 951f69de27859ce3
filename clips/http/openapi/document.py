"""The API's description in OpenAPI 3.1, made from what the handlers declare.

https://spec.openapis.org/oas/v3.1.1.html. Making it takes a while, so this module is loaded when
the description is first requested.
"""

from collections import defaultdict
from collections.abc import Sequence

from pydantic import ValidationError

from clips.http.inputs.base import Body, Owned
from clips.http.openapi.operations import AnyOperation, ResponseSpec, Tag
from clips.http.openapi.problem_schemas import Problems, header
from clips.http.openapi.schemas import Schema, Schemas
from clips.http.routes import Route
from shared import errors
from shared.errors import CliplinkError

VERSION = "0.1.0"

_EVERY_ROUTE_HAS = (CliplinkError,)
_TOKENS_ADD = (
    errors.InvalidRequest,  # an unknown parameter is one
    errors.TokenMissing,
    errors.Unauthenticated,
    errors.DatabaseUnavailable,
    errors.SigningKeysUnavailable,
)
_BODIES_ADD = (errors.BodyTooLarge, errors.UnsupportedMediaType)

_ABOUT = """\
Video clips in your own storage account: announce a clip, upload its bytes directly to storage, \
and give out time-limited links to it.

**Errors** are `application/problem+json` (RFC 9457). `code` is stable. A malformed request \
lists all its invalid fields in `errors`.

**Blank values.** A blank text in an optional field counts as null, a blank parameter as absent.

**Paths and methods.** A path that is not listed here answers 404 `not_found`; a method that a \
path does not have answers 405 `method_not_allowed`, with the path's methods in `Allow`.

**HEAD.** The operations that need no token answer HEAD like GET, without a body. On a share it \
does not count as a view.

**Pages.** Lists are bare arrays. If there are more items, `Link: <URL>; rel="next"` gives the "
"next page.

**Times** are ISO 8601 in UTC; positions and durations are seconds, sizes are bytes.
"""
_TAGS = {
    Tag.VIDEOS: "Videos contain clips. Callers see only their own videos.",
    Tag.CLIPS: "Parts of a video, each with its own file.",
    Tag.BIN: "Deleted clips and videos, until they are restored or deleted permanently.",
    Tag.CUTTING: "Clips that are cut out of the file of a whole video, or out of another clip.",
    Tag.LINKS: "Time-limited links to blobs.",
    Tag.SHARES: "URLs that open a clip without a bearer token, and can be revoked.",
    Tag.MIGRATIONS: "Uploads of the old service's files for its clips. For admins.",
    Tag.DRIFT: "Differences between storage and catalogue, and their repair. For admins.",
    Tag.SERVICE: "Health and description of the service.",
}

_RETRY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A text that identifies this request, such as a UUID. Within a day, the same "
    "request with the same key has the same response and creates nothing again; another request "
    "with it is an error.",
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]*$"},  # blank: absent
}
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of the issuer that this installation trusts, signed with RS256.",
}


def document(routes: Sequence[Route]) -> Schema:
    """The whole description, ready to be written as JSON."""
    operations = [route.operation for route in routes]
    schemas = Schemas(
        [operation.body for operation in operations if operation.has_body],
        [response.body for operation in operations for response in operation.responses],
    )
    problems = Problems()
    problems.by_status([errors.MethodNotAllowed])  # belongs to a path, not to an operation
    paths: dict[str, Schema] = defaultdict(dict)
    for route in routes:
        paths[f"/{route.path}"][route.method.lower()] = _operation(route, schemas, problems)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cliplink", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": "/api"}],
        "security": [{"bearer": []}],
        "tags": [{"name": tag.value, "description": _TAGS[tag]} for tag in Tag],
        "paths": dict(paths),
        "components": {
            "securitySchemes": {"bearer": _BEARER},
            "schemas": {**schemas.named, **problems.schemas},
            "responses": problems.responses,
        },
    }


def errors_of(route: Route) -> set[type[CliplinkError]]:
    """Every error that a route can have: its own, and those of a token, a body or a role."""
    operation = route.operation
    found: set[type[CliplinkError]] = {*_EVERY_ROUTE_HAS, *operation.errors}
    if not route.is_public:
        found |= {*_TOKENS_ADD}
    if operation.has_body:
        found |= {*_BODIES_ADD}
    if operation.retry_key:
        found.add(errors.KeyReused)
    if operation.role or issubclass(operation.parameters, Owned):
        found.add(errors.Forbidden)
    return found


def _operation(route: Route, schemas: Schemas, problems: Problems) -> Schema:
    operation = route.operation
    responses = {
        str(int(response.status)): _response(response, schemas) for response in operation.responses
    }
    described: Schema = {
        "operationId": route.name,
        "tags": [operation.tag.value],
        "summary": operation.summary,
    }
    if operation.description:
        described["description"] = operation.description
    if route.is_public:
        described["security"] = []
    elif operation.role:
        described["security"] = [{"bearer": [operation.role.value]}]
    if parameters := _parameters(route, schemas):
        described["parameters"] = parameters
    if operation.has_body:
        described["requestBody"] = _body(operation, schemas)
    return described | {"responses": responses | dict(problems.by_status(errors_of(route)))}


def _parameters(route: Route, schemas: Schemas) -> list[Schema]:
    found = []
    for name, schema in schemas.of_parameters(route.operation.parameters).items():
        in_path = f"{{{name}}}" in route.path
        about = schema.pop("description", "")
        found.append(
            {
                "name": name,
                "in": "path" if in_path else "query",
                "required": in_path,
                # An empty value counts as an absent one; the host drops it before the app gets it.
                **({} if in_path else {"allowEmptyValue": True}),
                **({"description": about} if about else {}),
                "schema": schema,
            }
        )
    if route.operation.retry_key:
        found.append(_RETRY_KEY)
    return sorted(found, key=lambda parameter: str(parameter["in"]))


def _body(operation: AnyOperation, schemas: Schemas) -> Schema:
    media: Schema = {"schema": schemas.of(operation.body)}
    if operation.example:
        media["example"] = dict(operation.example)
    return {"required": not _may_be_empty(operation.body), "content": {"application/json": media}}


def _may_be_empty(body: type[Body]) -> bool:
    """No body at all counts as an empty object."""
    try:
        body.model_validate({})
    except ValidationError:
        return False
    return True


def _response(response: ResponseSpec, schemas: Schemas) -> Schema:
    headers = {value.name: header(value) for value in response.headers}
    return {
        "description": response.description,
        **({"headers": headers} if headers else {}),
        "content": {response.content_type: {"schema": schemas.of(response.body)}},
    }
