"""Every text that the running app accepts, by its OpenAPI document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx


@dataclass(frozen=True, slots=True)
class Place:
    """A parameter or a field of the body, and the call of its operation."""

    method: str
    path: str
    kind: str
    name: str
    required: tuple[str, ...] = ()
    is_list: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}, {self.kind} {self.name}"

    def send(self, client: httpx.Client, good: Mapping[str, object], text: str) -> httpx.Response:
        """Sends a valid call, except for the text in this place."""
        values = {name: str(value) for name, value in good.items()}
        if self.kind == "path":
            values[self.name] = text
        path = self.path.format(**{name: quote(value, safe="") for name, value in values.items()})
        query = {self.name: text} if self.kind == "query" else {}
        body = None
        if self.kind == "body":
            body = {name: good[name] for name in self.required}
            body[self.name] = [text] if self.is_list else text
        return client.request(self.method, path, params=query, json=body)


def places(document: Mapping[str, Any]) -> Iterator[Place]:
    """Every place of every operation in an OpenAPI document."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                yield Place(method.upper(), path, parameter["in"], parameter["name"])
            schema = _body(document, operation)
            for name, field in schema.get("properties", {}).items():
                required = tuple(schema.get("required", ()))
                is_list = field.get("type") == "array"
                yield Place(method.upper(), path, "body", name, required, is_list)


def _body(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
    except KeyError:
        return {}
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    found: Mapping[str, Any] = schema
    return found
