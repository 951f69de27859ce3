"""What a template asks of Azure, for given parameters: Bicep evaluated far enough to see it.

A module is evaluated with what it is given, and its resources are listed with those of the file
that calls it. What is known only while Azure deploys (an endpoint, a principal's id) becomes Late:
a text that stands for it. A name, a scope, a condition or a loop must not depend on it, and a
compiler would say so; here NotYetKnown is raised.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tree_sitter import Node

from tests.infra import functions
from tests.infra.bicep import Declaration, File, load, module_params
from tests.infra.expressions import Expressions
from tests.infra.values import Late, NotDeployed, NotYetKnown, Resource, Symbol, Value


@dataclass(frozen=True)
class Module:
    """A module as an expression sees it; without a template it is not deployed."""

    name: str
    template: "Template | None"

    def get(self, name: str) -> Value:
        assert name == "outputs", f"{self.name}.{name}"
        if self.template is None:
            raise NotDeployed(self.name)
        return {key: _late(value) for key, value in self.template.outputs.items()}


class Template:
    """A file with its parameters."""

    def __init__(self, path: Path, parameters: Mapping[str, Value], scope: str = "/sub") -> None:
        self.file: File = load(path)
        self._declared = {d.name: d for d in self.file.declarations if d.kind != "output"}
        self._given = dict(parameters)
        self._scope = scope
        self._expressions = Expressions(self.file.path.parent, self._value)
        self._values: dict[str, Value] = {}
        unknown = self._given.keys() - {d.name for d in self.file.of("param")}
        assert not unknown, f"{self.file.name} has no parameter {unknown}"

    @cached_property
    def outputs(self) -> dict[str, Value]:
        return {d.name: self._output(d) for d in self.file.of("output")}

    def _output(self, declaration: Declaration) -> Value:
        value = self.evaluate(declaration.body)
        # Of a list that Azure makes nothing is known; it is as good as empty.
        return [] if declaration.target == "array" and isinstance(value, Late) else value

    @cached_property
    def resources(self) -> list[Resource]:
        """Every resource of this file and of its modules, in the order of writing."""
        found: list[Resource] = []
        for declaration in self.file.declarations:
            if declaration.kind == "resource" and not declaration.existing:
                symbols = list(self._symbols(declaration))  # of what is left out as well
                found += [each.resource for each in symbols if self._wanted(declaration)]
            elif declaration.kind == "module":
                template = self._value(declaration.name).template
                found += [] if template is None else template.resources
        return found

    @cached_property
    def looked_up(self) -> list[Resource]:
        """What this file and its modules expect to be there."""
        found: list[Resource] = []
        for declaration in self.file.declarations:
            if declaration.existing:
                found += [each.resource for each in self._symbols(declaration)]
            elif declaration.kind == "module":
                template = self._value(declaration.name).template
                found += [] if template is None else template.looked_up
        return found

    # --- Names

    def _value(self, name: str) -> Value:
        if name not in self._values:
            self._values[name] = self._worked_out(self._declared[name])
        return self._values[name]

    def _worked_out(self, declaration: Declaration) -> Value:
        match declaration.kind:
            case "param":
                return self._parameter(declaration)
            case "var":
                return self.evaluate(declaration.body)
            case "module":
                return self._module(declaration)
            case _:
                symbols = list(self._symbols(declaration))
                return symbols if declaration.loop else symbols[0]

    def _parameter(self, declaration: Declaration) -> Value:
        where = f"{self.file.name}: {declaration.name}"
        if declaration.name in self._given:
            value = self._given[declaration.name]
        else:
            assert declaration.body is not None, f"{where} is missing"
            value = self.evaluate(declaration.body)
        functions.check_parameter(where, declaration, value, self.evaluate)
        return value

    def _module(self, declaration: Declaration) -> Module:
        if not self._wanted(declaration):
            return Module(declaration.name, None)
        given = {
            name: _known_inside(self.evaluate(node))
            for name, node in module_params(declaration).items()
        }
        path = self.file.path.parent / declaration.target
        return Module(declaration.name, Template(path, given, f"{self._scope.split('/rg')[0]}/rg"))

    def _symbols(self, declaration: Declaration) -> Iterator[Symbol]:
        kind, _, version = declaration.target.partition("@")
        for names in self._rounds(declaration):
            body = self._expressions.evaluate(declaration.body, names)
            parent, scope = body.pop("parent", None), body.pop("scope", None)
            name = self._known(body["name"], declaration)
            # Azure checks names before it looks at conditions.
            assert all(name.split("/")), f"{self.file.name}: {declaration.name} has no name"
            yield Symbol(
                Resource(
                    file=self.file.name,
                    symbol=declaration.name,
                    type=kind,
                    version=version,
                    name=f"{parent.resource.name}/{name}" if parent else name,
                    scope=scope.resource.id if scope else self._scope,
                    body=_plain(body),
                )
            )

    def _rounds(self, declaration: Declaration) -> Iterator[dict[str, Value]]:
        if declaration.loop is None:
            yield {}
            return
        items = self._known(self.evaluate(declaration.loop.items), declaration)
        yield from functions.rounds(declaration.loop, items)

    def _wanted(self, declaration: Declaration) -> bool:
        if declaration.condition is None:
            return True
        wanted = self._known(self.evaluate(declaration.condition), declaration)
        assert isinstance(wanted, bool), declaration.name
        return wanted

    def _known(self, value: Value, declaration: Declaration) -> Value:
        if isinstance(value, Late):
            raise NotYetKnown(f"{self.file.name}: {declaration.name}: {value}")
        return value

    def evaluate(self, node: Node | None) -> Value:
        """The value of an expression outside of loops."""
        return self._expressions.evaluate(node, {})


def _late(value: Value) -> Value:
    return Late(value if isinstance(value, str) else json.dumps(value))


def _known_inside(value: Value) -> Value:
    """A module gets its parameters when it is deployed: inside they are known."""
    if isinstance(value, Late):
        return [] if value.startswith("[") else str(value)
    return value


def _plain(value: Value) -> Value:
    """The value without symbols: what is left of them is their id."""
    if isinstance(value, Symbol):
        return value.resource.id
    if isinstance(value, Module):
        return value.name
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
