"""What an expression may be while its parameters may still be several values.

Interval arithmetic, exact at both ends, on what numbers may be; sets of values where these are few. A bound
may be too wide, for it takes each mention of a parameter for a value of its own, but never too narrow; where
each parameter is down to one value, it is the expression's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias, assert_never

from search_spaces.domains.exact import exact
from search_spaces.expressions.evaluation import ARITHMETIC, FUNCTIONS, is_same
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

FALSE, TRUE, OPEN = 1, 2, 4
"""What a statement may be, to be joined by `|`; `OPEN` is undecided."""

MAX_VALUES = 32
"""Most values that are looked at one by one."""

_ORDER = {"<": 0, "<=": 1, ">": 2, ">=": 3}


@dataclass(frozen=True)
class Span:
    """What a parameter, or a number made of some, may be.

    Args:
        low: Least number, None where it is not a number; exact.
        high: Greatest number.
        values: Every value, where these are few.
        is_open: Whether it may be without a value.
    """

    low: Any = None
    high: Any = None
    values: tuple[Any, ...] | None = None
    is_open: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it has no value at all."""
        return self.low is None and not self.values


NOTHING = Span(values=(), is_open=True)
"""A parameter that does not apply."""

Bound: TypeAlias = Callable[[Mapping[str, Span]], Any]
"""What a node may be: a `Span`, or for a statement `FALSE`, `TRUE` and `OPEN` joined."""


def span_values(values: list[Any], is_open: bool = False) -> Span:
    """A span of a few values."""
    numbers = [exact(value) for value in values]
    if values and all(type(value) in (int, float) for value in values):
        few = tuple(numbers) if len(numbers) <= MAX_VALUES else None
        return Span(min(numbers), max(numbers), few, is_open)
    return Span(values=tuple(numbers), is_open=is_open)


def bound_statement(node: Node) -> Callable[[Mapping[str, Span]], int]:
    """What the statement `node` may be, given what its parameters may be."""
    bound = _bound(node)
    return lambda spans: _as_truth(bound(spans))


def _bound(node: Node) -> Bound:
    match node:
        case Literal(value):
            span = span_values([value])
            return lambda spans: span
        case Name(name):
            return lambda spans: spans.get(name, NOTHING)
        case Unary("not", operand):
            inner = bound_statement(operand)
            return lambda spans: _negate(inner(spans))
        case Unary():
            return _bound_arithmetic(lambda span: _negative(span), [node.operand])
        case Binary():
            return _bound_arithmetic(_BINARY[node.operator], [node.left, node.right])
        case Call():
            return _bound_call(node)
        case Comparison():
            return _bound_comparison(node)
        case Membership():
            return _bound_membership(node)
        case Logic():
            return _bound_logic(node)
        case Conditional():
            return _bound_conditional(node)
        case _:
            assert_never(node)


def _as_truth(bound: Any) -> int:
    if isinstance(bound, int):
        return bound
    truth = OPEN if bound.is_open else 0
    for value in bound.values or ():
        truth |= TRUE if value else FALSE
    return truth


def _as_span(bound: Any) -> Span:
    if isinstance(bound, Span):
        return bound
    values = [value for value, bit in ((False, FALSE), (True, TRUE)) if bound & bit]
    return Span(values=tuple(values), is_open=bool(bound & OPEN))


def _negate(truth: int) -> int:
    return (truth & OPEN) | (TRUE if truth & FALSE else 0) | (FALSE if truth & TRUE else 0)


# ---- numbers


def _bound_arithmetic(function: Callable[..., tuple[Any, Any]], operands: list[Node]) -> Bound:
    bounds = [_bound(operand) for operand in operands]

    def compute(spans: Mapping[str, Span]) -> Span:
        found = [_as_span(bound(spans)) for bound in bounds]
        if any(span.is_empty for span in found):
            return NOTHING
        low, high = function(*found)
        return Span(low, high, is_open=any(span.is_open for span in found))

    return compute


def _negative(span: Span) -> tuple[Any, Any]:
    return -span.high, -span.low


def _add(left: Span, right: Span) -> tuple[Any, Any]:
    return left.low + right.low, left.high + right.high


def _subtract(left: Span, right: Span) -> tuple[Any, Any]:
    return left.low - right.high, left.high - right.low


def _multiply(left: Span, right: Span) -> tuple[Any, Any]:
    if left.low >= 0 and right.low >= 0:
        return _times(left.low, right.low), _times(left.high, right.high)
    corners = [_times(one, other) for one in (left.low, left.high) for other in (right.low, right.high)]
    return min(corners), max(corners)


def _times(left: Any, right: Any) -> Any:
    return left * right if left and right else 0  # 0 * inf, too


def _quotient(symbol: str) -> Callable[[Span, Span], tuple[Any, Any]]:
    def divide(left: Span, right: Span) -> tuple[Any, Any]:
        ends = (left.low, left.high, right.low, right.high)
        if right.low <= 0 <= right.high or any(isinstance(end, float) for end in ends):
            return -math.inf, math.inf
        corners = [ARITHMETIC[symbol](one, other) for one in ends[:2] for other in ends[2:]]
        return min(corners), max(corners)

    return divide


def _remain(left: Span, right: Span) -> tuple[Any, Any]:
    if left.low == left.high and right.low == right.high and right.low != 0:
        remainder = ARITHMETIC["%"](left.low, right.low)
        return remainder, remainder
    return min(right.low, 0), max(right.high, 0)


_BINARY: dict[str, Callable[[Span, Span], tuple[Any, Any]]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _quotient("/"),
    "//": _quotient("//"),
    "%": _remain,
}


def _bound_call(node: Call) -> Bound:
    function = FUNCTIONS[node.function]
    if node.function == "abs":
        return _bound_arithmetic(_absolute, list(node.arguments))
    if len(node.arguments) == 1:  # Python's min takes more than one number: an error wherever it is computed
        return lambda spans: Span(-math.inf, math.inf, is_open=True)

    def choose(*found: Span) -> tuple[Any, Any]:
        return function(span.low for span in found), function(span.high for span in found)

    return _bound_arithmetic(choose, list(node.arguments))


def _absolute(*found: Span) -> tuple[Any, Any]:
    span = found[0]
    if span.low <= 0 <= span.high:
        return 0, max(-span.low, span.high)
    ends = (abs(span.low), abs(span.high))
    return min(ends), max(ends)


# ---- statements


def _bound_comparison(node: Comparison) -> Bound:
    bounds = [_bound(operand) for operand in node.operands]

    def compare(spans: Mapping[str, Span]) -> int:
        found = [_as_span(bound(spans)) for bound in bounds]
        if any(span.is_empty for span in found):
            return OPEN
        truth = TRUE
        for symbol, (left, right) in zip(node.operators, pairwise(found), strict=True):
            pair = _compare(symbol, left, right)
            truth = (truth | pair) if pair & FALSE else truth
            truth = truth if pair & TRUE else FALSE
            if truth == FALSE:
                break
        return truth | (OPEN if any(span.is_open for span in found) else 0)

    return compare


def _compare(symbol: str, left: Span, right: Span) -> int:
    if symbol == "==":
        return _equal(left, right)
    if symbol == "!=":
        return _negate(_equal(left, right))
    if symbol in (">", ">="):
        left, right = right, left
    if left.low is None or right.low is None:
        return TRUE | FALSE
    if symbol in ("<=", ">="):
        always, never = left.high <= right.low, left.low > right.high
    else:
        always, never = left.high < right.low, left.low >= right.high
    return TRUE if always else FALSE if never else TRUE | FALSE


def _equal(left: Span, right: Span) -> int:
    if left.values is not None and right.values is not None:
        n_equal = sum(is_same(one, other) for one in left.values for other in right.values)
        if n_equal == 0:
            return FALSE
        return TRUE if len(left.values) == len(right.values) == 1 else TRUE | FALSE
    if left.low is None or right.low is None:
        numeric, listed = (left, right) if right.low is None else (right, left)
        inside = any(_lies_within(value, numeric) for value in listed.values or ())
        return TRUE | FALSE if inside else FALSE
    if left.high < right.low or right.high < left.low:
        return FALSE
    return TRUE if left.low == left.high == right.low == right.high else TRUE | FALSE


def _lies_within(value: Any, span: Span) -> bool:
    is_number = not isinstance(value, (bool, str)) and value is not None
    return is_number and span.low is not None and bool(span.low <= value <= span.high)


def _bound_membership(node: Membership) -> Bound:
    operand = _bound(node.operand)
    items = [_bound(item) for item in node.items]

    def search(spans: Mapping[str, Span]) -> int:
        value = _as_span(operand(spans))
        if value.is_empty:
            return OPEN
        found = [_as_span(item(spans)) for item in items]
        equal = [_equal(value, item) for item in found if not item.is_empty]
        if any(truth == TRUE for truth in equal):
            truth = TRUE
        elif any(truth & TRUE for truth in equal):
            truth = TRUE | FALSE
            if value.values is not None and all(
                any(_is_only(item, one) for item in found) for one in value.values
            ):
                truth = TRUE  # each value of it is listed
        else:
            truth = FALSE
        truth = _negate(truth) if node.negated else truth
        return truth | (OPEN if any(span.is_open for span in (value, *found)) else 0)

    return search


def _is_only(span: Span, value: Any) -> bool:
    return span.values is not None and len(span.values) == 1 and is_same(span.values[0], value)


def _bound_logic(node: Logic) -> Bound:
    bounds = [bound_statement(operand) for operand in node.operands]
    decisive, neutral = (TRUE, FALSE) if node.operator == "or" else (FALSE, TRUE)

    def decide(spans: Mapping[str, Span]) -> int:
        may_decide = may_open = False
        may_be_neutral = True
        for bound in bounds:
            truth = bound(spans)
            if truth == decisive:
                return decisive
            may_decide = may_decide or bool(truth & decisive)
            may_open = may_open or bool(truth & OPEN)
            may_be_neutral = may_be_neutral and bool(truth & neutral)
        return (
            (decisive if may_decide else 0) | (OPEN if may_open else 0) | (neutral if may_be_neutral else 0)
        )

    return decide


def _bound_conditional(node: Conditional) -> Bound:
    condition, then = bound_statement(node.condition), _bound(node.then)
    otherwise: Bound = (lambda spans: TRUE) if node.otherwise is None else _bound(node.otherwise)

    def choose(spans: Mapping[str, Span]) -> Any:
        truth = condition(spans)
        parts = [bound(spans) for bound, bit in ((then, TRUE), (otherwise, FALSE)) if truth & bit]
        if not parts:
            return OPEN
        if all(isinstance(part, int) for part in parts):
            joined = 0
            for part in parts:
                joined |= part
            return joined | (truth & OPEN)
        return _join([_as_span(part) for part in parts], bool(truth & OPEN))

    return choose


def _join(spans: list[Span], is_open: bool) -> Span:
    is_open = is_open or any(span.is_open for span in spans)
    spans = [span for span in spans if not span.is_empty]
    if not spans:
        return NOTHING
    values = None
    if all(span.values is not None for span in spans):
        values = tuple(value for span in spans for value in span.values or ())
    if all(span.low is not None for span in spans):
        return Span(min(s.low for s in spans), max(s.high for s in spans), values, is_open)
    if values is None:
        return Span(-math.inf, math.inf, is_open=is_open)
    return Span(values=values, is_open=is_open)
