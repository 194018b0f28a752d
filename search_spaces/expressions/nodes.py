"""What expressions are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from search_spaces.domains import Scalar


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


def list_names(node: Node) -> tuple[str, ...]:
    """The parameters that `node` mentions, each once, in order."""
    return tuple(dict.fromkeys(_names(node)))


def _names(node: Node) -> list[str]:
    if isinstance(node, Name):
        return [node.name]
    return [name for child in children(node) for name in _names(child)]
