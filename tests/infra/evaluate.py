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
from typing import Any

from tree_sitter import Node

from tests.infra import functions
from tests.infra.bicep import Declaration, File, load, loop_of, module_params, text

type Value = Any
"""What JSON has, besides Symbol and Late."""


class Late(str):
    """Known while Azure deploys."""

    __slots__ = ()


class NotYetKnown(Exception):
    """A name, scope, condition or loop that Azure could not work out beforehand."""


class NotDeployed(Exception):
    """An output of a module that this deployment leaves out."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource that is to be; `name` is the full one, `body` all that is said of it."""

    file: str
    symbol: str
    type: str
    version: str
    name: str
    scope: str
    body: Mapping[str, Value]

    @property
    def id(self) -> str:
        provider, *types = self.type.split("/")
        parts = zip(types, self.name.split("/"), strict=True)
        path = "".join(f"/{kind}/{name}" for kind, name in parts)
        return f"{self.scope}/providers/{provider}{path}"

    @property
    def properties(self) -> dict[str, Value]:
        return dict(self.body.get("properties", {}))


@dataclass(frozen=True)
class Symbol:
    """A resource as an expression sees it."""

    resource: Resource

    def get(self, name: str) -> Value:
        if name == "id":
            return self.resource.id
        if name == "name":
            return self.resource.name.rpartition("/")[2]
        return Late(f"<{self.resource.symbol}.{name}>")


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
        self._values: dict[str, Value] = {}
        self._modules: list[Template] = []
        unknown = self._given.keys() - {d.name for d in self.file.of("param")}
        assert not unknown, f"{self.file.name} has no parameter {unknown}"

    @cached_property
    def outputs(self) -> dict[str, Value]:
        return {d.name: self._output(d) for d in self.file.of("output")}

    def _output(self, declaration: Declaration) -> Value:
        value = self.evaluate(declaration.body, {})
        # Of a list that Azure makes nothing is known; it is as good as empty.
        return [] if declaration.target == "array" and isinstance(value, Late) else value

    @cached_property
    def resources(self) -> list[Resource]:
        """Every resource of this file and of its modules, in the order of writing."""
        found: list[Resource] = []
        for declaration in self.file.declarations:
            if declaration.kind == "resource" and not declaration.existing:
                symbols = self._symbols(declaration) if self._wanted(declaration) else ()
                found += [symbol.resource for symbol in symbols]
            elif declaration.kind == "module":
                template = self._value(declaration.name).template
                found += [] if template is None else template.resources
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
                return self.evaluate(declaration.body, {})
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
            value = self.evaluate(declaration.body, {})
        functions.check_parameter(where, declaration, value, lambda node: self.evaluate(node, {}))
        return value

    def _module(self, declaration: Declaration) -> Module:
        if not self._wanted(declaration):
            return Module(declaration.name, None)
        given = {
            name: _known_inside(self.evaluate(node, {}))
            for name, node in module_params(declaration).items()
        }
        path = self.file.path.parent / declaration.target
        return Module(declaration.name, Template(path, given, f"{self._scope.split('/rg')[0]}/rg"))

    def _symbols(self, declaration: Declaration) -> Iterator[Symbol]:
        kind, _, version = declaration.target.partition("@")
        for names in self._rounds(declaration):
            body = self.evaluate(declaration.body, names)
            parent, scope = body.pop("parent", None), body.pop("scope", None)
            name = self._known(body["name"], declaration)
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
        items = self._known(self.evaluate(declaration.loop.items, {}), declaration)
        yield from functions.rounds(declaration.loop, items)

    def _wanted(self, declaration: Declaration) -> bool:
        if declaration.condition is None:
            return True
        wanted = self._known(self.evaluate(declaration.condition, {}), declaration)
        assert isinstance(wanted, bool), declaration.name
        return wanted

    def _known(self, value: Value, declaration: Declaration) -> Value:
        if isinstance(value, Late):
            raise NotYetKnown(f"{self.file.name}: {declaration.name}: {value}")
        return value

    # --- Expressions

    def evaluate(self, node: Node | None, names: Mapping[str, Value]) -> Value:
        """The value of an expression; `names` are those of the loops around it."""
        assert node is not None
        evaluator = getattr(self, f"_{node.type}", None)
        assert evaluator is not None, f"{self.file.name}: {node.type}: {text(node)}"
        return evaluator(node, names)

    def _identifier(self, node: Node, names: Mapping[str, Value]) -> Value:
        name = text(node)
        return names[name] if name in names else self._value(name)

    def _string(self, node: Node, names: Mapping[str, Value]) -> str:
        parts = []
        for part in node.named_children:
            if part.type == "interpolation":
                parts.append(self.evaluate(part.named_children[0], names))
            else:
                parts.append({"\\'": "'"}.get(text(part), text(part)))
        joined = "".join(str(part) for part in parts)
        return Late(joined) if any(isinstance(part, Late) for part in parts) else joined

    def _number(self, node: Node, _: Mapping[str, Value]) -> int:
        return int(text(node))

    def _boolean(self, node: Node, _: Mapping[str, Value]) -> bool:
        return text(node) == "true"

    def _null(self, _node: Node, _: Mapping[str, Value]) -> None:
        return None

    def _array(self, node: Node, names: Mapping[str, Value]) -> list[Value]:
        return [self.evaluate(each, names) for each in node.named_children if _matters(each)]

    def _object(self, node: Node, names: Mapping[str, Value]) -> dict[str, Value]:
        found = {}
        for each in filter(_matters, node.named_children):
            key = each.named_children[0]
            name = self._string(key, names) if key.type == "string" else text(key)
            found[str(name)] = self.evaluate(each.named_children[-1], names)
        return found

    def _parenthesized_expression(self, node: Node, names: Mapping[str, Value]) -> Value:
        return self.evaluate(node.named_children[0], names)

    def _member_expression(self, node: Node, names: Mapping[str, Value]) -> Value:
        owner = self.evaluate(node.child_by_field_name("object"), names)
        member = text(node.named_children[-1])
        if isinstance(owner, Late):
            return Late(f"{owner[:-1]}.{member}>")
        return owner[member] if isinstance(owner, dict) else owner.get(member)

    def _subscript_expression(self, node: Node, names: Mapping[str, Value]) -> Value:
        owner = self.evaluate(node.child_by_field_name("object"), names)
        return owner[self.evaluate(node.child_by_field_name("index"), names)]

    def _unary_expression(self, node: Node, names: Mapping[str, Value]) -> bool:
        assert text(node).startswith("!")
        return not self.evaluate(node.child_by_field_name("argument"), names)

    def _binary_expression(self, node: Node, names: Mapping[str, Value]) -> Value:
        operator = node.child_by_field_name("operator")
        assert operator is not None
        left = self.evaluate(node.child_by_field_name("left"), names)
        right = self.evaluate(node.child_by_field_name("right"), names)
        if isinstance(left, Late) or isinstance(right, Late):
            return Late(f"<{text(node)}>")
        return functions.OPERATORS[text(operator)](left, right)

    def _ternary_expression(self, node: Node, names: Mapping[str, Value]) -> Value:
        condition = self.evaluate(node.child_by_field_name("condition"), names)
        assert isinstance(condition, bool), text(node)
        return self.evaluate(
            node.child_by_field_name("consequence" if condition else "alternative"), names
        )

    def _for_statement(self, node: Node, names: Mapping[str, Value]) -> list[Value]:
        loop, body = loop_of(node), node.child_by_field_name("body")
        items = self.evaluate(loop.items, names)
        return [self.evaluate(body, {**names, **each}) for each in functions.rounds(loop, items)]

    def _call_expression(self, node: Node, names: Mapping[str, Value]) -> Value:
        function = text(node.named_children[0])
        arguments_node = node.child_by_field_name("arguments")
        assert arguments_node is not None
        arguments = [self.evaluate(each, names) for each in arguments_node.named_children]
        if function in {"loadTextContent", "loadJsonContent"}:
            content = (self.file.path.parent / arguments[0]).read_text()
            return content if function == "loadTextContent" else json.loads(content)
        value = functions.FUNCTIONS[function](*arguments)
        late = any(isinstance(argument, Late) for argument in arguments)
        return Late(value) if late and isinstance(value, str) else value


def _matters(node: Node) -> bool:
    return node.type != "comment"


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
