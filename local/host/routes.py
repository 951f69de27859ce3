"""Owns the route templates of ASP.NET, and finds the function of a request.

A template consists of literals and `{name}`, `{name:constraint}`, `{name?}`, `{name=default}` and
`{*rest}`. Among the functions whose template and methods match, the real host uses the first
by name, not the most specific template (azure-functions-host#9876); so does this one. Knows
nothing of servers or requests.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

type Check = Callable[[str], bool]

_PARAMETER = re.compile(
    r"\{(?P<all>\*{0,2})(?P<name>[^{}:?=*]+)"
    r"(?P<constraints>(?::[^{}():?=]+(?:\((?:[^()]|\([^()]*\))*\))?)*?)"
    r"(?:=(?P<default>[^{}]*)|(?P<optional>\?))?\}"
)
_CONSTRAINT = re.compile(r":([a-zA-Z]+)(?:\((.*?)\))?(?=:|$)")
_GUID = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")
_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[-+]\d{2}:\d{2})?)?"
)
_ENCODED_SLASH = re.compile(r"(%2f)", re.IGNORECASE)


class BadTemplate(Exception):
    """A route that is not valid."""


@dataclass(frozen=True, slots=True)
class Route:
    """A compiled template; an empty `methods` means all of them."""

    function: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    constraints: Mapping[str, Sequence[Check]]
    defaults: Mapping[str, str]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The parameters in a decoded path without slashes at its ends, or None."""
        if self.methods and method not in self.methods:
            return None
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = {name: value for name, value in found.groupdict().items() if value}
        for name, checks in self.constraints.items():
            if name in values and not all(check(values[name]) for check in checks):
                return None
        return {**self.defaults, **values}


@dataclass(slots=True)
class RouteTable:
    """All routes, in the order in which they are tried."""

    routes: list[Route] = field(default_factory=list)

    def add(self, function: str, template: str, methods: Sequence[str]) -> None:
        """Registers a function; raises BadTemplate."""
        self.routes.append(compile_route(function, template, methods))
        self.routes.sort(key=lambda route: route.function.lower())

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]] | None:
        """The function for a decoded path, and its parameters."""
        for route in self.routes:
            parameters = route.match(method, path)
            if parameters is not None:
                return route.function, parameters
        return None


def decode_path(raw: str) -> str:
    """Percent-decodes a path once, as Kestrel does: keeps `%2F` and bytes that are not UTF-8."""
    path = raw.removeprefix("/").removesuffix("/")
    if "%" not in path:
        return path
    return "".join(
        part if _ENCODED_SLASH.fullmatch(part) else _decode(part)
        for part in _ENCODED_SLASH.split(path)
    )


def compile_route(function: str, template: str, methods: Sequence[str]) -> Route:
    """Compiles a template into a regular expression over whole paths; raises BadTemplate."""
    constraints: dict[str, Sequence[Check]] = {}
    defaults: dict[str, str] = {}
    pattern = ""
    for index, segment in enumerate(_segments(template)):
        expression, may_be_absent = _compile_segment(segment, constraints, defaults)
        separator = "/" if index else ""
        pattern += f"(?:{separator}{expression})?" if may_be_absent else separator + expression
    upper = frozenset(method.upper() for method in methods)
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return Route(function, upper, compiled, constraints, defaults)


def _segments(template: str) -> list[str]:
    """Splits at the slashes outside braces: a regex constraint may contain slashes."""
    return re.findall(r"(?:\{(?:[^{}]|\{[^{}]*\})*\}|[^/])+", template.strip("/"))


def _compile_segment(
    segment: str, constraints: dict[str, Sequence[Check]], defaults: dict[str, str]
) -> tuple[str, bool]:
    """The expression for one segment, and whether the whole segment may be absent."""
    expression, position, may_be_absent = "", 0, False
    for found in _PARAMETER.finditer(segment):
        name = found["name"].strip()
        if not name.isidentifier():
            raise BadTemplate(f'"{name}" is no name for a route parameter')
        constraints[name] = [
            _check(kind.lower(), argument)
            for kind, argument in _CONSTRAINT.findall(found["constraints"])
        ]
        if found["default"] is not None:
            defaults[name] = found["default"]
        may_be_absent |= bool(found["all"] or found["optional"] or found["default"] is not None)
        value = ".*" if found["all"] else "[^/]+"
        expression += re.escape(segment[position : found.start()]) + f"(?P<{name}>{value})"
        position = found.end()
    rest = segment[position:]
    if "{" in rest or "}" in rest:
        raise BadTemplate(f'The route segment "{segment}" cannot be understood')
    return expression + re.escape(rest), may_be_absent and expression.startswith("(") and not rest


def _check(kind: str, argument: str) -> Check:
    try:
        if kind == "regex":
            wanted = re.compile(argument, re.IGNORECASE)
            return lambda value: wanted.search(value) is not None
        if kind in _SIZED:
            return _SIZED[kind](*(int(part) for part in argument.split(",")))
        return _SIMPLE[kind]
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise BadTemplate(f'There is no route constraint "{kind}({argument})"') from error


def _is_integer(value: str, bits: int) -> bool:
    if re.fullmatch(r"[-+]?[0-9]{1,20}", value) is None:
        return False
    limit = 1 << (bits - 1)
    return -limit <= int(value) < limit


def _is_number(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None


def _in_range(low: float, high: float) -> Check:
    return lambda value: _is_integer(value, 64) and low <= int(value) <= high


def _of_length(low: float, high: float) -> Check:
    return lambda value: low <= len(value) <= high


_SIZED: Mapping[str, Callable[..., Check]] = {
    "length": lambda low, high=None: _of_length(low, low if high is None else high),
    "max": lambda high: _in_range(-math.inf, high),
    "maxlength": lambda high: _of_length(0, high),
    "min": lambda low: _in_range(low, math.inf),
    "minlength": lambda low: _of_length(low, math.inf),
    "range": _in_range,
}
_SIMPLE: Mapping[str, Check] = {
    "alpha": lambda value: re.fullmatch(r"[a-z]*", value, re.IGNORECASE) is not None,
    "bool": lambda value: value.lower() in {"true", "false"},
    "datetime": lambda value: _DATE.fullmatch(value) is not None,
    "decimal": _is_number,
    "double": _is_number,
    "float": _is_number,
    "guid": lambda value: _GUID.fullmatch(value) is not None,
    "int": lambda value: _is_integer(value, 32),
    "long": lambda value: _is_integer(value, 64),
    "required": bool,
}


def _decode(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        return part
