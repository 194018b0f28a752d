"""Conditions and constraints: a small language of comparisons and arithmetic over parameters.

`units * layers <= 256`, `sequence_length <= 400 if cell == "rnn"`, `1 < layers < 4 and cell in ["gru"]`.
Nothing is handed to Python's `eval`: `parsing` builds the nodes below from text, and only they are evaluated.

A parameter that is not active has no value. What needs it is then undecided, as in Kleene's logic: `and` is
false with one false side, `or` true with one true side, and all else that touches it is undecided.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, assert_never

from search_spaces.domains import Scalar
from search_spaces.errors import SpaceError


@dataclass(frozen=True)
class Literal:
    """A value as written."""

    value: Scalar


@dataclass(frozen=True)
class Name:
    """A parameter."""

    name: str


@dataclass(frozen=True)
class Unary:
    """`not x` or `-x`."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Binary:
    """Arithmetic of two numbers."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Call:
    """`min`, `max` or `abs` of numbers."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Comparison:
    """`a < b <= c`: operators stand between operands, one fewer than these."""

    operators: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Membership:
    """`x in [a, b]` or `x not in [a, b]`."""

    operand: Node
    items: tuple[Node, ...]
    negated: bool


@dataclass(frozen=True)
class Logic:
    """`a and b and c`, or the same with `or`."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Conditional:
    """`then if condition else otherwise`; without `else` it demands nothing where the condition fails."""

    then: Node
    condition: Node
    otherwise: Node | None


Node: TypeAlias = Literal | Name | Unary | Binary | Call | Comparison | Membership | Logic | Conditional


@dataclass(frozen=True)
class Undecided:
    """The value of what depends on an inactive parameter."""


UNDECIDED = Undecided()

Value: TypeAlias = Scalar | Undecided

FUNCTIONS: dict[str, Callable[..., Any]] = {"abs": abs, "max": max, "min": min}
"""Callable from expressions."""

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Expression:
    """A parsed expression; equal where the canonical text is.

    Args:
        text: The canonical text, which `parse_expression` reads back to the same nodes.
        node: The root.
    """

    text: str
    node: Node = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters it mentions, each once, in order."""
        return tuple(dict.fromkeys(_names(self.node)))

    def evaluate(self, params: Mapping[str, Scalar]) -> bool | None:
        """Whether it holds for `params`; None where an inactive parameter leaves it undecided.

        Raises:
            SpaceError: If it divides by zero or is no statement (a number, say).
        """
        try:
            value = _evaluate(self.node, params)
        except (ZeroDivisionError, OverflowError, TypeError) as error:
            raise SpaceError(
                f"{self.text!r} cannot be computed for {dict(params)!r} ({error}): guard it."
            ) from None
        if isinstance(value, Undecided):
            return None
        if type(value) is not bool:
            raise SpaceError(f"{self.text!r} is {value!r}, not true or false: compare it with something.")
        return value


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order of the text (a condition after what it guards)."""
    match node:
        case Literal() | Name():
            return ()
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Call():
            return node.arguments
        case Comparison() | Logic():
            return node.operands
        case Membership():
            return (node.operand, *node.items)
        case Conditional():
            return (node.then, node.condition, *(() if node.otherwise is None else (node.otherwise,)))
        case _:
            assert_never(node)


def is_same(left: Scalar, right: Scalar) -> bool:
    """Equality that tells True from 1, and holds 1 and 1.0 for the same number."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _names(node: Node) -> list[str]:
    if isinstance(node, Name):
        return [node.name]
    return [name for child in children(node) for name in _names(child)]


def _evaluate(node: Node, params: Mapping[str, Scalar]) -> Value:
    match node:
        case Literal(value):
            return value
        case Name(name):
            return params.get(name, UNDECIDED)
        case Logic():
            return _decide(node, params)
        case Conditional():
            return _choose(node, params)
    values = [_evaluate(child, params) for child in children(node)]
    if isinstance(node, Membership):
        return _search(values[0], values[1:], node.negated)
    decided = [value for value in values if not isinstance(value, Undecided)]
    if len(decided) < len(values):
        return UNDECIDED
    match node:
        case Unary():
            return not decided[0] if node.operator == "not" else -decided[0]  # type: ignore[operator]
        case Binary():
            return _ARITHMETIC[node.operator](*decided)  # type: ignore[no-any-return]
        case Call():
            return FUNCTIONS[node.function](*decided)  # type: ignore[no-any-return]
        case Comparison():
            pairs = zip(node.operators, decided, decided[1:], strict=False)
            return all(_compare(operator_, left, right) for operator_, left, right in pairs)
        case _:
            assert_never(node)


def _compare(operator_: str, left: Scalar, right: Scalar) -> bool:
    if operator_ == "==":
        return is_same(left, right)
    if operator_ == "!=":
        return not is_same(left, right)
    return _ORDER[operator_](left, right)


def _search(value: Value, items: list[Value], negated: bool) -> Value:
    if isinstance(value, Undecided):
        return UNDECIDED
    if any(not isinstance(item, Undecided) and is_same(value, item) for item in items):
        return not negated
    return UNDECIDED if UNDECIDED in items else negated


def _decide(node: Logic, params: Mapping[str, Scalar]) -> Value:
    decisive = node.operator == "or"
    undecided = False
    for operand in node.operands:
        value = _evaluate(operand, params)
        if value is decisive:
            return decisive
        undecided = undecided or isinstance(value, Undecided)
    return UNDECIDED if undecided else not decisive


def _choose(node: Conditional, params: Mapping[str, Scalar]) -> Value:
    condition = _evaluate(node.condition, params)
    if isinstance(condition, Undecided):
        return UNDECIDED
    if condition:
        return _evaluate(node.then, params)
    return True if node.otherwise is None else _evaluate(node.otherwise, params)
