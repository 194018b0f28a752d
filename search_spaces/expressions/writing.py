"""Expression to text: the canonical form, which `parsing` reads back to the same nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import assert_never

from search_spaces.domains import Scalar
from search_spaces.errors import SpaceError
from search_spaces.expressions import Expression
from search_spaces.expressions.evaluation import FUNCTIONS
from search_spaces.expressions.nodes import (
    Binary,
    Call,
    Comparison,
    Conditional,
    Literal,
    Logic,
    Membership,
    Name,
    Node,
    Unary,
)

MAX_LENGTH = 20_000
"""Longest expression, in characters."""

CONSTANTS: dict[str, Scalar] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
}
KEYWORDS = frozenset({"and", "or", "not", "in", "if", "else", *CONSTANTS, *FUNCTIONS})
"""Words that name a parameter only inside backquotes."""

ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t", "r": "\r"}
"""Letters after a backslash in quoted text, and the characters they stand for."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")


def build_expression(node: Node) -> Expression:
    """The expression with `node` as its root.

    Raises:
        SpaceError: If its canonical text is too long to be read back.
    """
    text = write_node(node)
    check_length(text)
    return Expression(text, node)


def check_length(text: str) -> None:
    """Accept text of at most `MAX_LENGTH` characters.

    Raises:
        SpaceError: If it is longer.
    """
    if len(text) > MAX_LENGTH:
        raise SpaceError(
            f"an expression has at most {MAX_LENGTH} characters, not {len(text)} "
            f"({text[:60]}...): split it in two."
        )


def rename_expression(expression: Expression, names: Mapping[str, str]) -> Expression:
    """The expression with each parameter in `names` called by its new name."""
    return build_expression(_rename(expression.node, names))


def write_name(name: str) -> str:
    """A parameter's name as expressions write it: in backquotes unless it is a plain word."""
    return name if _PLAIN_NAME.fullmatch(name) and name not in KEYWORDS else f"`{name}`"


def write_literal(value: Scalar) -> str:
    """A value as expressions write it."""
    if isinstance(value, str):
        escaped = value
        for letter, character in ESCAPES.items():
            if character != "'":
                escaped = escaped.replace(character, f"\\{letter}")
        return f'"{escaped}"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def write_node(node: Node) -> str:
    """The canonical text of `node`: single spaces, and only the brackets that it needs."""
    return _write(node)[0]


_EXPRESSION, _EITHER, _BOTH, _NEGATION, _COMPARISON, _SUM, _PRODUCT, _SIGNED, _ATOM = range(9)


def _write(node: Node) -> tuple[str, int]:
    """Text and how tightly it binds."""
    match node:
        case Literal(value):
            negative = type(value) in (int, float) and value < 0  # type: ignore[operator]
            return write_literal(value), _SIGNED if negative else _ATOM
        case Name(name):
            return write_name(name), _ATOM
        case Unary("not", operand):
            return f"not {_inside(operand, _NEGATION)}", _NEGATION
        case Unary():
            return f"-{_inside(node.operand, _SIGNED)}", _SIGNED
        case Binary():
            level = _SUM if node.operator in "+-" else _PRODUCT
            return f"{_inside(node.left, level)} {node.operator} {_inside(node.right, level + 1)}", level
        case Call():
            return f"{node.function}({', '.join(map(write_node, node.arguments))})", _ATOM
        case Comparison():
            first, *others = [_inside(operand, _SUM) for operand in node.operands]
            pairs = zip(node.operators, others, strict=True)
            return " ".join([first, *(f"{operator} {other}" for operator, other in pairs)]), _COMPARISON
        case Membership():
            items = ", ".join(map(write_node, node.items))
            return f"{_inside(node.operand, _SUM)} {'not ' * node.negated}in [{items}]", _COMPARISON
        case Logic():
            level = _EITHER if node.operator == "or" else _BOTH
            return f" {node.operator} ".join(_inside(o, level + 1) for o in node.operands), level
        case Conditional(then, condition, otherwise):
            text = f"{_inside(then, _EITHER)} if {_inside(condition, _EITHER)}"
            return (
                text if otherwise is None else f"{text} else {_inside(otherwise, _EXPRESSION)}",
                _EXPRESSION,
            )
        case _:
            assert_never(node)


def _inside(node: Node, level: int) -> str:
    text, own = _write(node)
    return text if own >= level else f"({text})"


def _rename(node: Node, names: Mapping[str, str]) -> Node:
    def again(child: Node) -> Node:
        return _rename(child, names)

    match node:
        case Literal():
            return node
        case Name(name):
            return Name(names.get(name, name))
        case Unary():
            return Unary(node.operator, again(node.operand))
        case Binary():
            return Binary(node.operator, again(node.left), again(node.right))
        case Call():
            return Call(node.function, tuple(map(again, node.arguments)))
        case Comparison():
            return Comparison(node.operators, tuple(map(again, node.operands)))
        case Membership():
            return Membership(again(node.operand), tuple(map(again, node.items)), node.negated)
        case Logic():
            return Logic(node.operator, tuple(map(again, node.operands)))
        case Conditional(then, condition, otherwise):
            return Conditional(again(then), again(condition), None if otherwise is None else again(otherwise))
        case _:
            assert_never(node)
