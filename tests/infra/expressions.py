"""Expressions of Bicep, evaluated; whoever asks says what the names stand for."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tree_sitter import Node

from tests.infra import functions
from tests.infra.bicep import loop_of, text
from tests.infra.values import Late, Value


class Expressions:
    """Those of one file: of its folder, where it finds other files, and of its names."""

    def __init__(self, folder: Path, look_up: Callable[[str], Value]) -> None:
        self._folder = folder
        self._look_up = look_up

    def evaluate(self, node: Node | None, names: Mapping[str, Value]) -> Value:
        """The value of an expression; `names` are those of the loops around it."""
        assert node is not None
        evaluator = getattr(self, f"_{node.type}", None)
        assert evaluator is not None, f"{node.type}: {text(node)}"
        return evaluator(node, names)

    def _identifier(self, node: Node, names: Mapping[str, Value]) -> Value:
        name = text(node)
        return names[name] if name in names else self._look_up(name)

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
            content = (self._folder / arguments[0]).read_text()
            return content if function == "loadTextContent" else json.loads(content)
        value = functions.FUNCTIONS[function](*arguments)
        late = any(isinstance(argument, Late) for argument in arguments)
        return Late(value) if late and isinstance(value, str) else value


def _matters(node: Node) -> bool:
    return node.type != "comment"
