"""Collects models.json from Azure's Python clients, by hand, when the template changes.

    python -m venv /tmp/sdk
    /tmp/sdk/bin/pip install -r tests/infra/sdk/packages.txt
    PYTHONPATH=$(echo /tmp/sdk/lib/*/site-packages) .venv/bin/python -m tests.infra.sdk.collect

The clients were generated from Azure's descriptions of its API, by two generations of a generator.
"""

import importlib
import json
import re
import sys
from enum import Enum
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

from tests.infra.models import Model, Type, problems
from tests.infra.templates import VARIANTS, deployed, second_phase

type Untyped = Any
"""Of packages that are not installed where types are checked."""

TARGET = Path(__file__).parent / "models.json"
CLIENTS = json.loads((TARGET.parent / "clients.json").read_text())
"""Of each resource: the package, the model, and its version of the API, unless it is ours."""
PLAIN = {
    "str": "string",
    "bool": "bool",
    "int": "int",
    "float": "number",
    "Decimal": "number",
    "datetime": "string",
    "timedelta": "string",
    "duration": "string",
    "iso-8601": "string",
}


class Clients:
    """Models by name, such as `storage.Sku`; remembers which were asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, Model] = {}
        self._known: dict[str, Model] = {}

    def __call__(self, name: str) -> Model:
        if name not in self._known:
            package, _, model = name.rpartition(".")
            module = importlib.import_module(f"azure.mgmt.{package}.models")
            cls = getattr(module, model)
            described = _first_generation if hasattr(cls, "_attribute_map") else _second_generation
            self._known |= described(name, cls, module)
        self.asked[name] = self._known[name]
        return self._known[name]


# --- The first generation: maps of names


def _first_generation(name: str, cls: Untyped, module: ModuleType) -> dict[str, Model]:
    """The model, and one more for each object that the client hides (`properties.sku`)."""
    package = name.rpartition(".")[0]
    found: dict[str, Any] = {name: _empty()}
    for attribute, told in cls._attribute_map.items():
        *path, wire = (
            part.replace("\0", ".") for part in told["key"].replace("\\.", "\0").split(".")
        )
        owner = name
        for part in path:
            inner = f"{owner}:{part}"
            found[owner]["properties"][part] = {"object": inner}
            found.setdefault(inner, _empty())
            owner = inner
        documented = re.search(
            rf":vartype {attribute}: (?:str|list\[str) or\s+~[\w.]+\.(\w+)", cls.__doc__
        )
        values = getattr(module, documented[1], None) if documented else None
        found[owner]["properties"][wire] = _by_text(told["type"], values, module, package)
        for kind in ("required", "readonly"):
            if cls._validation.get(attribute, {}).get(kind):
                found[owner][kind].append(wire)
    for attribute, models in getattr(cls, "_subtype_map", {}).items():
        wire = cls._attribute_map[attribute]["key"].replace("\\.", ".")
        found[name]["by"] = {
            "name": wire,
            "models": {value: f"{package}.{model}" for value, model in models.items()},
        }
    return found


def _by_text(text: str, values: Untyped, module: ModuleType, package: str) -> Type:
    if text[0] in "[{":
        shape = "list" if text[0] == "[" else "map"
        return {shape: _by_text(text[1:-1], values, module, package)}
    if text == "str" and values is not None:
        return {"values": [each.value for each in values]}
    cls = getattr(module, text, None)
    if cls is None:
        return PLAIN.get(text, "any")
    return _by_class(cls, package)


# --- The second generation: fields with annotations


def _second_generation(name: str, cls: Untyped, _: ModuleType) -> dict[str, Model]:
    package = name.rpartition(".")[0]
    model = _empty()
    for owner in reversed(cls.__mro__):
        for attribute, annotation in vars(owner).get("__annotations__", {}).items():
            field = vars(owner).get(attribute)
            if type(field).__name__ != "_RestField":
                continue
            wire = field._rest_name_input or attribute
            kind = _resolved(annotation, sys.modules[owner.__module__])
            model["properties"][wire] = _by_annotation(kind, package)
            if type(None) not in get_args(kind):
                model["required"].append(wire)
            if field._visibility == ["read"]:
                model["readonly"].append(wire)
            if field._is_discriminator and vars(cls).get("__mapping__"):
                models = {v: f"{package}.{m.__name__}" for v, m in cls.__mapping__.items()}
                model["by"] = {"name": wire, "models": models}
    return {name: model}


def _resolved(annotation: Untyped, module: ModuleType) -> Untyped:
    """An annotation without names in quotes."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        models = importlib.import_module(module.__name__.rpartition(".")[0])
        names = {**vars(module), "_models": models}
        return _resolved(eval(annotation, names), module)
    origin: Untyped = get_origin(annotation)
    arguments = get_args(annotation)
    if origin is None or origin is Literal:
        return annotation
    inner = tuple(_resolved(each, module) for each in arguments)
    return Union[inner] if origin is Union else origin[inner]  # noqa: UP007 - of any number


def _by_annotation(kind: Untyped, package: str) -> Type:
    origin: Untyped = get_origin(kind)
    arguments = get_args(kind)
    if origin is Literal:
        return {"values": [getattr(each, "value", each) for each in arguments]}
    if origin is list:
        return {"list": _by_annotation(arguments[0], package)}
    if origin is dict:
        return {"map": _by_annotation(arguments[1], package)}
    if origin is not None:
        some = [each for each in arguments if each is not type(None)]
        closed = [each for each in some if isinstance(each, type) and issubclass(each, Enum)]
        return _by_annotation([*closed, *some][0], package)
    return _by_class(kind, package)


# --- Both


def _by_class(cls: Untyped, package: str) -> Type:
    if issubclass(cls, Enum):
        return {"values": [each.value for each in cls]}
    if ".models" in cls.__module__:
        return {"object": f"{package}.{cls.__name__}"}
    return PLAIN.get(cls.__name__, "any")


def _empty() -> dict[str, Any]:
    return {"properties": {}, "required": [], "readonly": []}


def collect() -> dict[str, Any]:
    clients, resources = Clients(), {}
    templates = [*map(deployed, VARIANTS), second_phase()]
    for resource in chain.from_iterable(each.resources for each in templates):
        package, model, *version = CLIENTS[resource.type]
        described = {"model": f"{package}.{model}", "version": (version or [resource.version])[0]}
        resources[f"{resource.type}@{resource.version}"] = described
        problems(resource, described["model"], clients)  # asks for each model that it meets
    return {"resources": resources, "models": clients.asked}


def written(collected: dict[str, Any]) -> str:
    """JSON with a line for each resource and each model."""
    parts = []
    for name, entries in sorted(collected.items()):
        lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(entries.items())]
        parts.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    TARGET.write_text(written(collect()))
