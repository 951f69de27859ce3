"""JSON Schemas as HTML: the type of a value in a few words, the fields of an object in a table.

Knows the schemas that `schemas.py` and `problem_schemas.py` make, and no others.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from clips.http.openapi.schemas import Schema

# A format or an enumeration is part of the type; a pattern is explained in the description.
_RULES = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "minProperties": "at least {} field",
    "default": "default {}",
}
_CODE = re.compile(r"`([^`]+)`")
_STRESS = re.compile(r"\*\*([^*]+)\*\*")


def prose(text: str) -> str:
    """Paragraphs with `code` and **stress**, the only Markdown in descriptions."""
    return "".join(f"<p>{inline(part)}</p>" for part in text.strip().split("\n\n"))


def inline(text: str) -> str:
    return _STRESS.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escape(text)))


def code(text: object) -> str:
    return f"<code>{escape(str(text))}</code>"


def kind(schema: Schema) -> str:
    """The type, with links to named schemas."""
    options: Sequence[Schema] = schema.get("anyOf") or schema.get("oneOf") or []
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        words = f'<a href="#{escape(name)}">{escape(name)}</a>'
    elif options:
        words = " or ".join(map(kind, options))
    elif "const" in schema:
        words = code(schema["const"])
    elif "enum" in schema:
        words = " or ".join(map(code, schema["enum"]))
    elif schema.get("type") == "array":
        words = f"array of {kind(schema['items'])}"
    elif isinstance(schema.get("additionalProperties"), dict):
        words = f"object of {kind(schema['additionalProperties'])}"
    elif "format" in schema:
        words = f"{escape(schema['type'])}, {escape(schema['format'])}"
    else:
        words = escape(str(schema.get("type", "anything")))
    return words


def about(schema: Schema, description: str = "") -> str:
    """The description and the rules of a value and of its alternatives."""
    parts: list[Schema] = [schema, *schema.get("anyOf", [])]
    said = description or next((part["description"] for part in parts if "description" in part), "")
    rules = [
        template.format(code(_written(part[rule])))
        for part in parts
        for rule, template in _RULES.items()
        if part.get(rule) is not None
    ]
    words = f"{inline(said)} " if said else ""
    return words + (f'<span class="rules">{"; ".join(rules)}</span>' if rules else "")


def fields(schema: Schema) -> str:
    """The fields of an object, or the values of an enumeration."""
    if "enum" in schema:
        return f"<p>{kind(schema)}</p>"
    required = schema.get("required", [])
    return table(
        ("field", "type", "meaning"),
        (
            (_name(name, optional=name not in required), kind(value), about(value))
            for name, value in schema["properties"].items()
        ),
    )


def parameters(values: Iterable[Mapping[str, object]]) -> str:
    return table(
        ("parameter", "in", "type", "meaning"),
        (
            (
                _name(str(value["name"]), optional=not value["required"]),
                escape(str(value["in"])),
                kind(schema),
                about(schema, str(value.get("description", ""))),
            )
            for value in values
            if isinstance(schema := value["schema"], dict)
        ),
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _name(name: str, *, optional: bool) -> str:
    return code(name) + (' <span class="optional">optional</span>' if optional else "")


def _written(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value)
