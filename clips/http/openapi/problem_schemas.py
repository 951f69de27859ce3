"""Errors in the API's description: a schema for each class, a response for each status."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from clips.http.openapi.operations import RETRY_AFTER, Header
from clips.http.openapi.schemas import Schema
from clips.http.problems import TYPE, status_of
from shared import errors
from shared.errors import CliplinkError

_HEADERS: Mapping[type[CliplinkError], Header] = {
    errors.Unauthenticated: Header(
        "WWW-Authenticate",
        "How to authenticate (RFC 6750), and what was wrong.",
        {"type": "string", "pattern": "^Bearer "},
    ),
    errors.MethodNotAllowed: Header(
        "Allow", "The methods that the path allows.", {"type": "string"}
    ),
    errors.Unavailable: RETRY_AFTER,
}

_FIELDS: Schema = {
    "type": "array",
    "description": "All invalid fields.",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {
            "pointer": {"type": "string", "description": "A pointer into the body (RFC 6901)."},
            "parameter": {"type": "string", "description": "A path or query parameter, or `Host`."},
            "detail": {"type": "string"},
        },
        "required": ["detail"],
    },
    "examples": [[{"pointer": "/end_time", "detail": "must be greater than start_time"}]],
}


class Problems:
    """Collects the schemas and responses of the errors that operations can have."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self.responses: dict[str, Schema] = {}

    def by_status(self, kinds: Iterable[type[CliplinkError]]) -> Mapping[str, Schema]:
        """References to a response for each status that these errors have."""
        by_status: dict[HTTPStatus, list[type[CliplinkError]]] = defaultdict(list)
        for kind in sorted(set(kinds), key=lambda kind: kind.code):
            self.schemas[f"{_name(kind)}Problem"] = _schema(kind)
            by_status[status_of(kind)].append(kind)
        found = {}
        for status, those in sorted(by_status.items()):
            name = "Or".join(map(_name, those))
            self.responses[name] = _response(those)
            found[str(int(status))] = {"$ref": f"#/components/responses/{name}"}
        return found


def header(value: Header) -> Schema:
    required = {"required": True} if value.required else {}
    return {"description": value.description, **required, "schema": dict(value.schema)}


def _response(kinds: list[type[CliplinkError]]) -> Schema:
    options = [{"$ref": f"#/components/schemas/{_name(kind)}Problem"} for kind in kinds]
    headers = {
        value.name: header(value)
        for root, value in _HEADERS.items()
        if any(issubclass(kind, root) for kind in kinds)
    }
    return {
        "description": " · ".join(f"`{kind.code}`: {kind.title}." for kind in kinds),
        **({"headers": headers} if headers else {}),
        "content": {
            "application/problem+json": {
                "schema": options[0] if len(options) == 1 else {"oneOf": options}
            }
        },
    }


def _schema(kind: type[CliplinkError]) -> Schema:
    properties: Schema = {
        "type": {"type": "string", "const": TYPE + kind.code},
        "title": {"type": "string", "const": kind.title},
        "status": {"type": "integer", "const": int(status_of(kind))},
        "detail": {"type": "string", "description": "A sentence about this occurrence."},
        "code": {"type": "string", "const": kind.code},
    }
    required = list(properties)
    if kind is errors.InvalidRequest:
        properties["errors"] = _FIELDS
        required.append("errors")
    return {"type": "object", "properties": properties, "required": required}


def _name(kind: type[CliplinkError]) -> str:
    return "".join(word.capitalize() for word in kind.code.split("_"))
