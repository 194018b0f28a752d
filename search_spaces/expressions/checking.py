"""Finds expressions that compare or combine what does not fit together, before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal as OneOf
from typing import TypeAlias, assert_never

from search_spaces.domains import Choice, Domain, Fixed, Integer, Real, Scalar
from search_spaces.errors import SpaceError
from search_spaces.expressions import Expression
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
from search_spaces.expressions.writing import write_node

Kind: TypeAlias = OneOf["text", "number", "truth value", "null"]
Kinds: TypeAlias = frozenset[Kind]

_NUMBER: Kinds = frozenset({"number"})
_TRUTH: Kinds = frozenset({"truth value"})


def check_expression(expression: Expression, domains: Mapping[str, Domain]) -> None:
    """Accept an expression that is a statement, and whose operators fit the values of `domains`.

    Raises:
        SpaceError: If it is not; the message shows the part that is wrong.
    """
    _Checker(expression, domains).check()


class _Checker:
    def __init__(self, expression: Expression, domains: Mapping[str, Domain]) -> None:
        self._expression = expression
        self._domains = domains

    def check(self) -> None:
        self._require(self._expression.node, _TRUTH, "compare it with something")

    def _require(self, node: Node, kinds: Kinds, way_out: str) -> Kinds:
        found = self._kinds(node)
        if not found <= kinds:
            raise SpaceError(
                f"{self._expression.text!r} needs a {_say(kinds)} where it has {write_node(node)}, "
                f"a {_say(found)}: {way_out}."
            )
        return kinds

    def _kinds(self, node: Node) -> Kinds:
        match node:
            case Literal(value):
                return frozenset({_kind(value)})
            case Name(name):
                return _domain_kinds(self._domains[name])
            case Unary("not", operand):
                return self._require(operand, _TRUTH, "compare it with something")
            case Unary(_, operand):
                return self._require(operand, _NUMBER, "leave out the sign")
            case Binary():
                for side in (node.left, node.right):
                    self._require(side, _NUMBER, f"{node.operator} computes with numbers alone")
                return _NUMBER
            case Call():
                for argument in node.arguments:
                    self._require(argument, _NUMBER, f"{node.function} takes numbers alone")
                return _NUMBER
            case Comparison():
                for operator, left, right in zip(
                    node.operators, node.operands, node.operands[1:], strict=False
                ):
                    self._check_pair(operator, left, right)
                return _TRUTH
            case Membership():
                for item in node.items:
                    self._check_pair("==", node.operand, item)
                return _TRUTH
            case Logic():
                for operand in node.operands:
                    self._require(operand, _TRUTH, "compare it with something")
                return _TRUTH
            case Conditional(then, condition, otherwise):
                self._require(condition, _TRUTH, "compare it with something")
                if otherwise is None:
                    return self._require(then, _TRUTH, "add else, and a value")
                return self._kinds(then) | self._kinds(otherwise)
            case _:
                assert_never(node)

    def _check_pair(self, operator: str, left: Node, right: Node) -> None:
        if operator not in ("==", "!="):
            for side in (left, right):
                self._require(side, _NUMBER, f"{operator} compares numbers alone; use == or in")
            return
        if self._is_fixed(left) or self._is_fixed(right):
            return  # fixing a parameter may settle a comparison for good, and must not make it an error
        left_kinds, right_kinds = self._kinds(left), self._kinds(right)
        if not left_kinds & right_kinds and "null" not in left_kinds | right_kinds:
            raise SpaceError(
                f"{self._expression.text!r} compares {write_node(left)}, a {_say(left_kinds)}, "
                f"with {write_node(right)}, a {_say(right_kinds)}, which never agree: correct one of them."
            )

    def _is_fixed(self, node: Node) -> bool:
        return isinstance(node, Name) and isinstance(self._domains[node.name], Fixed)


def _say(kinds: Kinds) -> str:
    return " or ".join(sorted(kinds))


def _kind(value: Scalar) -> Kind:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "truth value"
    return "text" if isinstance(value, str) else "number"


def _domain_kinds(domain: Domain) -> Kinds:
    match domain:
        case Fixed(value):
            return frozenset({_kind(value)})
        case Choice(choices):
            return frozenset(map(_kind, choices))
        case Integer() | Real():
            return _NUMBER
        case _:
            assert_never(domain)
