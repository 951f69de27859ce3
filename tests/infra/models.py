"""What Azure's own clients know of resources, and where a resource of ours differs from it.

tests/infra/sdk/models.json was collected from the clients (tests/infra/sdk/collect.py): for each
object that the template writes, all names it may have, with types, values and what is required.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.infra.values import Late, Resource, Value

type Model = Mapping[str, Any]
"""{properties: {name: type}, required: [name], readonly: [name], by?: {name, models}}; `by` is the
property by whose value further models add theirs."""

type Type = Any
"""`string`, `bool`, `int`, `number`, `any`, or one of {object}, {list}, {map}, {values}."""

_ENVELOPE = {"name", "location", "tags", "dependsOn"}
"""Of every resource; models of some clients have them, of others not."""
_PLAIN: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "bool": bool,
    "int": int,
    "number": (int, float),
    "any": object,
}


def problems(resource: Resource, model: str, models: Callable[[str], Model]) -> list[str]:
    """What a client would not have sent; `models` looks a model up by its name."""
    return list(_Walk(models).object(resource.body, model, resource.symbol, _ENVELOPE))


class _Walk:
    def __init__(self, models: Callable[[str], Model]) -> None:
        self._models = models

    def object(
        self, value: Value, name: str, where: str, given: set[str] | frozenset[str] = frozenset()
    ) -> Iterator[str]:
        """`given` are names that somebody else answers for."""
        if not isinstance(value, dict):
            yield f"{where} is no object"
            return
        model = self._models(name)
        allowed, required = dict(model["properties"]), {*model["required"]}
        if "by" in model:
            chosen = model["by"]["models"].get(value.get(model["by"]["name"]))
            if chosen is None:
                yield f"{where} is of no known kind"
                return
            allowed |= self._models(chosen)["properties"]
            required |= {*self._models(chosen)["required"]}
        yield from (f"{where} has no {each}" for each in sorted(required - value.keys() - given))
        for key, each in value.items():
            if key in given:
                continue
            if key not in allowed:
                yield f"{where}.{key} is unknown"
            elif key in model["readonly"]:
                yield f"{where}.{key} is read-only"
            else:
                yield from self._value(each, allowed[key], f"{where}.{key}")

    def _value(self, value: Value, expected: Type, where: str) -> Iterator[str]:
        if value is None or isinstance(value, Late) or _is_late(value):
            return
        if isinstance(expected, str):
            if not isinstance(value, _PLAIN[expected]) or (
                isinstance(value, bool) and expected in {"int", "number"}
            ):
                yield f"{where} is no {expected}"
            return
        ((shape, inner),) = expected.items()
        if shape == "object":
            yield from self.object(value, inner, where)
        elif shape == "values":
            if value not in inner:
                yield f"{where} is {value!r}"
        elif not isinstance(value, list if shape == "list" else dict):
            yield f"{where} is no {shape}"
        else:
            for each in value.values() if isinstance(value, dict) else value:
                yield from self._value(each, inner, f"{where}[]")


def _is_late(value: Value) -> bool:
    """A parameter of a module may hold what Azure makes up: inside, it is a text like others."""
    return isinstance(value, str) and value.startswith("<") and value.endswith(">")
