"""The declarations of a Bicep file, and what can be said of them without evaluating anything.

Knows the part of the language that infra/ uses. There is no compiler here: what a compiler would
refuse (a name that nobody declared, a parameter that a module does not have) is looked for by the
tests, with this module and with tests/infra/evaluate.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

INFRA = Path(__file__).resolve().parents[2] / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))

_PARSER = Parser(Language(tree_sitter_bicep.language()))
_KINDS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
}


@dataclass(frozen=True, slots=True)
class Loop:
    """`for item in items` or `for (item, index) in items`."""

    item: str
    index: str | None
    items: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A param, var, resource, module or output.

    `target` is the type of a resource with its version, or the path of a module. `body` is the
    value; a parameter without a default has none.
    """

    kind: str
    name: str
    target: str
    body: Node | None
    existing: bool
    condition: Node | None
    loop: Loop | None
    decorators: dict[str, list[Node]]
    comment: str
    """What stands right above the declaration."""


@dataclass(frozen=True)
class File:
    path: Path
    declarations: list[Declaration] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.path.relative_to(INFRA))

    def of(self, kind: str) -> list[Declaration]:
        return [each for each in self.declarations if each.kind == kind]

    def names(self) -> set[str]:
        """What an expression may refer to."""
        return {each.name for each in self.declarations if each.kind != "output"}


class Malformed(Exception):
    """A file that the grammar does not take."""


@cache
def load(path: Path) -> File:
    """The declarations of a file; raises Malformed with the line."""
    root = _PARSER.parse(path.read_bytes()).root_node
    for node in walk(root):
        if node.is_error or node.is_missing:
            raise Malformed(f"{path}:{node.start_point.row + 1}: {text(node)[:60]}")
    file = File(path)
    comment: list[str] = []
    decorators: dict[str, list[Node]] = {}
    for node in root.named_children:
        if node.type == "comment":
            comment.append(text(node).lstrip("/ "))
        elif node.type == "decorators":
            decorators |= {
                text(_field(call, "function")): _field(call, "arguments").named_children
                for call in (each.named_children[0] for each in node.named_children)
            }
        else:
            if node.type in _KINDS:
                file.declarations.append(_declaration(node, decorators, " ".join(comment)))
            comment, decorators = [], {}
    return file


def text(node: Node) -> str:
    return (node.text or b"").decode()


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def string(node: Node) -> str:
    """A string without anything to fill in."""
    assert node.type == "string", text(node)
    return "".join(text(part) for part in node.named_children)


def properties(node: Node) -> dict[str, Node]:
    """The keys and values of an object; a key with something to fill in is left as written."""
    assert node.type == "object", text(node)
    found = {}
    for each in node.named_children:
        if each.type == "object_property":
            key, value = each.named_children[0], each.named_children[-1]
            found[text(key).strip("'")] = value
    return found


def references(declaration: Declaration) -> set[str]:
    """The names that a declaration refers to, less those of its own loops."""
    nodes = [declaration.body, declaration.condition]
    if declaration.loop is not None:
        nodes.append(declaration.loop.items)
    nodes += [node for arguments in declaration.decorators.values() for node in arguments]
    bound = _loop_names(declaration.loop)
    return {name for node in nodes if node is not None for name in _names(node)} - bound


def module_params(declaration: Declaration) -> dict[str, Node]:
    """What a module is given."""
    assert declaration.body is not None
    given = properties(declaration.body).get("params")
    return {} if given is None else properties(given)


def _names(node: Node) -> Iterator[str]:
    """Identifiers in expressions: neither keys nor functions nor the names of a loop within."""
    if node.type == "identifier":
        yield text(node)
    elif node.type == "object_property":
        key, value = node.named_children[0], node.named_children[-1]
        if key.type == "string":
            yield from _names(key)
        yield from _names(value)
    elif node.type == "call_expression":
        yield from _names(_field(node, "arguments"))
    elif node.type == "for_statement":
        loop = loop_of(node)
        inner = {*_names(_field(node, "body"))} - _loop_names(loop)
        yield from inner
        yield from _names(loop.items)
    else:
        for child in node.named_children:
            yield from _names(child)


def loop_of(node: Node) -> Loop:
    parameters = next((c for c in node.named_children if c.type == "for_loop_parameters"), None)
    if parameters is not None:
        item, index = (text(each) for each in parameters.named_children)
        return Loop(item, index, node.named_children[1])
    return Loop(text(_field(node, "initializer")), None, node.named_children[1])


def _loop_names(loop: Loop | None) -> set[str]:
    return set() if loop is None else {loop.item, loop.index or loop.item}


def _field(node: Node, name: str) -> Node:
    found = node.child_by_field_name(name)
    assert found is not None, f"{text(node)} has no {name}"
    return found


def _declaration(node: Node, decorators: dict[str, list[Node]], comment: str) -> Declaration:
    kind = _KINDS[node.type]
    name, *rest = node.named_children
    target = ""
    if kind in {"resource", "module"}:
        target = string(rest.pop(0))
    elif kind in {"param", "output"}:
        target = text(rest.pop(0))
    body = rest[-1] if rest else None
    condition, loop = None, None
    if body is not None and body.type == "for_statement" and kind != "var":
        loop, body = loop_of(body), _field(body, "body")
    if body is not None and body.type == "if_statement":
        condition, body = body.named_children
    return Declaration(
        kind=kind,
        name=text(name),
        target=target,
        body=body,
        existing=any(child.type == "existing" for child in node.children),
        condition=condition,
        loop=loop,
        decorators=decorators,
        comment=comment,
    )
