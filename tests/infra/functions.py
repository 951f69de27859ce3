"""The functions and operators of Bicep that infra/ uses, and what decorators say of a parameter.

Stand-ins where Azure would have to be asked: a hash is some text of the right shape.
"""

import hashlib
import json
import operator
from collections.abc import Callable, Iterator
from typing import Any

from tree_sitter import Node

from tests.infra.bicep import Declaration, Loop
from tests.infra.values import Value

TENANT = "00000000-0000-0000-0000-00000000000a"
SUBSCRIPTION = "00000000-0000-0000-0000-00000000000b"
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "int": int,
    "bool": bool,
    "array": list,
    "object": dict,
}


def rounds(loop: Loop, items: list[Any]) -> Iterator[dict[str, Any]]:
    """The names of each round of a loop."""
    for number, item in enumerate(items):
        yield {loop.item: item} | ({loop.index: number} if loop.index else {})


def check_parameter(
    where: str, declaration: Declaration, value: Value, evaluate: Callable[[Node], Any]
) -> None:
    """Asserts that a value has the type and lies within the bounds that the file declares."""
    expected = _TYPES[declaration.target]
    assert isinstance(value, expected), f"{where} is {value!r}, no {declaration.target}"
    assert expected is bool or not isinstance(value, bool), f"{where} is {value!r}"
    size = value if declaration.target == "int" else len(value) if hasattr(value, "__len__") else 0
    bounds = {
        name: [evaluate(argument) for argument in arguments]
        for name, arguments in declaration.decorators.items()
    }
    for name, (bound, *_) in ((n, b) for n, b in bounds.items() if b):
        if name == "allowed":
            assert value in bound, f"{where} is {value!r}"
        elif name in {"minLength", "minValue"}:
            assert size >= bound, f"{where} is {value!r}"
        elif name in {"maxLength", "maxValue"}:
            assert size <= bound, f"{where} is {value!r}"
        else:
            assert name == "description", f"{where}: {name}"


def _hash(*parts: object, length: int) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:length]


def _guid(*parts: object) -> str:
    digits = _hash(*parts, length=32)
    return "-".join(digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))


def _resource_id(kind: str, *names: str) -> str:
    provider, *types = kind.split("/")
    path = "".join(f"/{t}/{n}" for t, n in zip(types, names, strict=True))
    return f"/sub/rg/providers/{provider}{path}"


def _union(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return first | second


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "concat": lambda *lists: [item for each in lists for item in each],
    "contains": lambda whole, part: part in whole,
    "empty": lambda value: not value,
    "environment": lambda: {
        "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
        "suffixes": {"storage": "core.windows.net"},
    },
    "guid": _guid,
    "join": lambda parts, separator: separator.join(parts),
    "json": json.loads,
    "replace": lambda whole, old, new: whole.replace(old, new),
    "resourceGroup": lambda: {"id": "/sub/rg", "location": "westeurope"},
    "resourceId": _resource_id,
    "split": lambda whole, separator: whole.split(separator),
    "string": lambda value: value if isinstance(value, str) else json.dumps(value),
    "subscription": lambda: {"id": f"/subscriptions/{SUBSCRIPTION}"},
    "subscriptionResourceId": lambda kind, name: f"/sub/providers/{kind}/{name}",
    "tenant": lambda: {"tenantId": TENANT},
    "toLower": lambda value: value.lower(),
    "trim": lambda value: value.strip(),
    "union": _union,
    "uniqueString": lambda *parts: _hash(*parts, length=13),
    "utcNow": lambda shape: {"yyyy-MM-01": "2026-11-01"}[shape],
}

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "&&": lambda left, right: left and right,
    "||": lambda left, right: left or right,
    "==": operator.eq,
    "!=": operator.ne,
    "*": operator.mul,
    "<": operator.lt,
    ">": operator.gt,
}
