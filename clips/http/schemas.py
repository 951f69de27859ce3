"""JSON Schemas of bodies, answers and parameters, made by pydantic of the types in use.

Named are objects and enumerations; what is only a text or a number with a rule stands where it
is used. Costly, so `openapi.py` asks for them once, when the description is first wanted.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from clips.http.inputs import Body, Parameters

type Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out `"title": "Start Time"`, which says nothing that `start_time` does not."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - never
        return False


class Schemas:
    """The schemas of these bodies and answers, and of what they consist of, by name."""

    def __init__(self, bodies: Iterable[type[Body]], answers: Iterable[Any]) -> None:
        wanted: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
            (_key(body), "validation", TypeAdapter(body)) for body in bodies
        ]
        wanted += [(_key(answer), "serialization", TypeAdapter(answer)) for answer in answers]
        by_key, rest = TypeAdapter.json_schemas(
            wanted, ref_template=_REFERENCE + "{model}", schema_generator=_WithoutTitles
        )
        self._all: dict[str, Schema] = rest.get("$defs", {})
        self._by_key = {key: self._plain(schema) for (key, _), schema in by_key.items()}

    def of(self, kind: object) -> Schema:
        """The schema of a body or of an answer."""
        found: Schema = self._by_key[_key(kind)]
        return found

    def of_parameters(self, kind: type[Parameters]) -> Mapping[str, Schema]:
        """The schemas of parameters by name; one without a default is required."""
        whole = kind.model_json_schema(
            ref_template=_REFERENCE + "{model}", schema_generator=_WithoutTitles
        )
        self._all |= whole.get("$defs", {})
        return {
            name: _present(self._plain(schema))
            for name, schema in whole.get("properties", {}).items()
        }

    @property
    def named(self) -> Mapping[str, Schema]:
        """Everything that has a name."""
        return {
            name: self._plain({key: value for key, value in schema.items() if key != "title"})
            for name, schema in sorted(self._all.items())
            if _deserves_a_name(schema)
        }

    def _plain(self, schema: Any) -> Any:  # noqa: ANN401 - JSON
        """The schema with everything written out that does not deserve a name."""
        if isinstance(schema, list):
            return [self._plain(part) for part in schema]
        if not isinstance(schema, dict):
            return schema
        target = self._all.get(str(schema.get("$ref", "")).removeprefix(_REFERENCE))
        if target is not None and not _deserves_a_name(target):
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            return self._plain(target | beside)
        return {key: self._plain(value) for key, value in schema.items()}


def _key(kind: object) -> str:
    return repr(kind)


def _deserves_a_name(schema: Schema) -> bool:
    return "properties" in schema or "enum" in schema


def _present(schema: Schema) -> Schema:
    """Of a parameter that is there: absence is no value, as null is in JSON."""
    if schema.get("default", ...) is None:
        del schema["default"]
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**options[0], **rest}
    return schema
