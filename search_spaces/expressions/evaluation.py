"""Nodes to functions: an expression is compiled once and evaluated many times."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, assert_never

from search_spaces.domains import Scalar
from search_spaces.domains.exact import divide, exact
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


class Undecided:
    """The value of what depends on an inactive parameter."""

    def __repr__(self) -> str:
        return "undecided"


UNDECIDED = Undecided()

Evaluate: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""A node's value, given those of the parameters that apply; `UNDECIDED` where that takes another."""

ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divide,
    "//": operator.floordiv,
    "%": operator.mod,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {"abs": abs, "max": max, "min": min}


def is_same(left: Scalar, right: Scalar) -> bool:
    """Equality that tells True from 1, and holds 1 and 1.0 for the same number."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _differ(left: Scalar, right: Scalar) -> bool:
    return not is_same(left, right)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": is_same,
    "!=": _differ,
}


def compile_node(node: Node, is_exact: bool = False) -> Evaluate:
    """The function that evaluates `node`.

    Args:
        node: What to evaluate.
        is_exact: Whether floats are taken for the numbers they are written as, for arithmetic with them.
    """
    match node:
        case Literal(value):
            constant = exact(value) if is_exact else value
            return lambda params: constant
        case Name(name):
            return _compile_name(name, is_exact)
        case Unary("not", operand):
            return _compile_strict(operator.not_, [compile_node(operand)])
        case Unary():
            return _compile_strict(operator.neg, [compile_node(node.operand, True)])
        case Binary():
            sides = [compile_node(side, True) for side in (node.left, node.right)]
            return _compile_strict(ARITHMETIC[node.operator], sides)
        case Call():
            arguments = [compile_node(argument, True) for argument in node.arguments]
            return _compile_strict(FUNCTIONS[node.function], arguments)
        case Comparison():
            return _compile_comparison(node)
        case Membership():
            return _compile_membership(node)
        case Logic():
            return _compile_logic(node)
        case Conditional():
            return _compile_conditional(node, is_exact)
        case _:
            assert_never(node)


def computes(node: Node) -> bool:
    """Whether the value of `node` comes out of arithmetic, so that what it is compared with must be exact."""
    match node:
        case Binary() | Call() | Unary("-"):
            return True
        case Conditional(then, _, otherwise):
            return computes(then) or (otherwise is not None and computes(otherwise))
    return False


def _compile_name(name: str, is_exact: bool) -> Evaluate:
    def look_up(params: Mapping[str, Any]) -> Any:
        return params.get(name, UNDECIDED)

    def look_up_exact(params: Mapping[str, Any]) -> Any:
        return exact(params.get(name, UNDECIDED))

    return look_up_exact if is_exact else look_up


def _compile_strict(function: Callable[..., Any], operands: list[Evaluate]) -> Evaluate:
    """A function of operands that is undecided as soon as one of them is."""
    if len(operands) == 2:
        first, second = operands

        def apply_two(params: Mapping[str, Any]) -> Any:
            left, right = first(params), second(params)
            return UNDECIDED if left is UNDECIDED or right is UNDECIDED else function(left, right)

        return apply_two

    def apply(params: Mapping[str, Any]) -> Any:
        values = [operand(params) for operand in operands]
        return UNDECIDED if UNDECIDED in values else function(*values)

    return apply


def _compile_comparison(node: Comparison) -> Evaluate:
    match node:
        case Comparison(("==",), (Name(name), Literal(str() as text))):
            # nothing but the same text equals a text, so that the types need no look
            def equals(params: Mapping[str, Any]) -> Any:
                value = params.get(name, UNDECIDED)
                return UNDECIDED if value is UNDECIDED else value == text

            return equals
    is_exact = any(map(computes, node.operands))
    operands = [compile_node(operand, is_exact) for operand in node.operands]
    functions = [COMPARISONS[symbol] for symbol in node.operators]
    if len(functions) == 1:
        return _compile_strict(functions[0], operands)

    def compare(*values: Any) -> bool:
        pairs = zip(functions, values, values[1:], strict=False)
        return all(function(left, right) for function, left, right in pairs)

    return _compile_strict(compare, operands)


def _compile_membership(node: Membership) -> Evaluate:
    negated = node.negated
    literals = [item.value for item in node.items if isinstance(item, Literal)]
    if isinstance(node.operand, Name) and len(literals) == len(node.items):
        name, texts = node.operand.name, frozenset(v for v in literals if isinstance(v, str))
        others = [value for value in literals if not isinstance(value, str)]

        def search(params: Mapping[str, Any]) -> Any:
            value = params.get(name, UNDECIDED)
            if value is UNDECIDED:
                return UNDECIDED
            found = value in texts if type(value) is str else any(is_same(value, other) for other in others)
            return found is not negated

        return search
    is_exact = any(map(computes, (node.operand, *node.items)))
    operand = compile_node(node.operand, is_exact)
    items = [compile_node(item, is_exact) for item in node.items]

    def search_computed(params: Mapping[str, Any]) -> Any:
        value = operand(params)
        if value is UNDECIDED:
            return UNDECIDED
        values = [item(params) for item in items]
        if any(item is not UNDECIDED and is_same(value, item) for item in values):
            return not negated
        return UNDECIDED if UNDECIDED in values else negated

    return search_computed


def _compile_logic(node: Logic) -> Evaluate:
    decisive = node.operator == "or"
    operands = [compile_node(operand) for operand in node.operands]

    def decide(params: Mapping[str, Any]) -> Any:
        result: Any = not decisive
        for operand in operands:
            value = operand(params)
            if value is decisive:
                return decisive
            if value is UNDECIDED:
                result = UNDECIDED
        return result

    return decide


def _compile_conditional(node: Conditional, is_exact: bool) -> Evaluate:
    condition, then = compile_node(node.condition), compile_node(node.then, is_exact)
    otherwise = None if node.otherwise is None else compile_node(node.otherwise, is_exact)

    def choose(params: Mapping[str, Any]) -> Any:
        value = condition(params)
        if value is UNDECIDED:
            return UNDECIDED
        if value:
            return then(params)
        return True if otherwise is None else otherwise(params)

    return choose
