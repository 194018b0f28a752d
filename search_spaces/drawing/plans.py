"""Truth values of expressions, row by row of columns; to the last bit those of `Expression.evaluate`.

Expressions over few values are tables that are looked up. Other comparisons are computed with doubles and a
bound on their error; within it, both sides are equal if they are multiples of a number that is larger. The
rows where even that does not tell, or anything is odd, are left to `Expression.evaluate`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from search_spaces.domains import Choice, Domain, Fixed, Integer, Real
from search_spaces.domains.exact import exact
from search_spaces.domains.scalars import MAX_INTEGER
from search_spaces.drawing.columns import Array, Columns
from search_spaces.expressions.evaluation import UNDECIDED, compile_node
from search_spaces.expressions.nodes import (
    Binary,
    Call,
    Comparison,
    Conditional,
    Literal,
    Logic,
    Name,
    Node,
    Unary,
    list_names,
)

Truths: TypeAlias = npt.NDArray[np.int8]

FALSE, TRUE, OPEN, ASK = range(4)
"""Truth values of a row; `OPEN` is undecided, and `ASK` says that doubles cannot tell."""

MAX_TABLE = 4096
"""Most combinations of values that a table lists."""

_ULP = 2.0**-53

_ARITHMETIC: dict[str, Any] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "//": np.floor_divide,
    "%": np.remainder,
}
_COMPARISONS: dict[str, Any] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


Plan: TypeAlias = Callable[[Columns], Truths]
Numbers: TypeAlias = Callable[[Columns], tuple[Array, Array]]
"""Values, NaN where undecided, and bounds on their errors."""


def plan_statement(node: Node, domains: Mapping[str, Domain]) -> Plan:
    """What finds the truth of the statement `node` in the rows of columns of `domains`."""
    names = list_names(node)
    if math.prod(domains[name].size() + 1 for name in names) <= MAX_TABLE:
        return _plan_table(node, names, domains)
    match node:
        case Logic():
            return _plan_logic(node, domains)
        case Unary("not", operand):
            plan = plan_statement(operand, domains)
            negated = np.array([TRUE, FALSE, OPEN, ASK], np.int8)
            return lambda columns: negated[plan(columns)]
        case Conditional(then, condition, otherwise):
            if otherwise is None:
                return _plan_conditional(plan_statement(condition, domains), plan_statement(then, domains))
        case Comparison() if all(_is_number(operand, domains) for operand in node.operands):
            return _plan_comparison(node, domains)
    return lambda columns: np.full(columns.n_rows, ASK, np.int8)


def _plan_table(node: Node, names: tuple[str, ...], domains: Mapping[str, Domain]) -> Plan:
    run = compile_node(node)
    table = np.array([_ask(run, names, values) for values in _combine(names, domains)], np.int8)
    sizes = [int(domains[name].size()) + 1 for name in names]
    strides = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]

    def look_up(columns: Columns) -> Truths:
        index = np.zeros(columns.n_rows, np.int64)
        for name, stride in zip(names, strides, strict=True):
            index += (columns[name].codes + 1) * stride
        return table[index]

    return look_up


def _combine(names: tuple[str, ...], domains: Mapping[str, Domain]) -> Any:
    return itertools.product(*([UNDECIDED, *domains[name].levels()] for name in names))


def _ask(run: Callable[[Mapping[str, Any]], Any], names: tuple[str, ...], values: tuple[Any, ...]) -> int:
    params = {name: v for name, v in zip(names, values, strict=True) if v is not UNDECIDED}
    try:
        value = run(params)
    except (ArithmeticError, TypeError):  # may never come, and has its message where it does
        return ASK
    if value is UNDECIDED:
        return OPEN
    return ASK if type(value) is not bool else int(value)


def _plan_logic(node: Logic, domains: Mapping[str, Domain]) -> Plan:
    plans = [plan_statement(operand, domains) for operand in node.operands]
    decisive = TRUE if node.operator == "or" else FALSE

    def decide(columns: Columns) -> Truths:
        truths = np.stack([plan(columns) for plan in plans])
        result = np.where((truths == OPEN).any(axis=0), OPEN, TRUE - decisive).astype(np.int8)
        result[(truths == decisive).any(axis=0)] = decisive
        result[(truths == ASK).any(axis=0)] = ASK
        return result

    return decide


def _plan_conditional(condition: Plan, then: Plan) -> Plan:
    def choose(columns: Columns) -> Truths:
        asked = condition(columns)
        result = np.where(asked == TRUE, then(columns), asked).astype(np.int8)
        result[asked == FALSE] = TRUE
        return result

    return choose


def _is_number(node: Node, domains: Mapping[str, Domain]) -> bool:
    match node:
        case Literal(value):
            return type(value) in (int, float)
        case Name(name):
            domain = domains[name]
            if isinstance(domain, (Fixed, Choice)):
                return all(type(level) in (int, float) for level in domain.levels())
            return True
        case Unary("-", operand):
            return _is_number(operand, domains)
        case Binary():
            known = node.operator in _ARITHMETIC
            return known and _is_number(node.left, domains) and _is_number(node.right, domains)
        case Call():
            known = (len(node.arguments) == 1) is (node.function == "abs")
            return known and all(_is_number(argument, domains) for argument in node.arguments)
    return False


def _plan_comparison(node: Comparison, domains: Mapping[str, Domain]) -> Plan:
    operands = [_plan_number(operand, domains) for operand in node.operands]
    grids = [_find_grid(operand, domains) for operand in node.operands]
    quanta = [float(_join_grids(one, other) or 0) for one, other in pairwise(grids)]

    def compare(columns: Columns) -> Truths:
        with np.errstate(all="ignore"):
            computed = [operand(columns) for operand in operands]
            result = np.full(columns.n_rows, TRUE, np.int8)
            is_open = np.zeros(columns.n_rows, bool)
            for symbol, quantum, (left, left_error), (right, right_error) in zip(
                node.operators, quanta, computed, computed[1:], strict=False
            ):
                slack = 2 * (left_error + right_error)
                is_clear = (np.abs(left - right) > slack) | (slack == 0)
                if quantum:  # what is nearer than the grid of both sides is equal
                    is_clear |= slack < quantum / 4
                    left = np.where(is_clear & (np.abs(left - right) < quantum / 2), right, left)
                result[~_COMPARISONS[symbol](left, right)] = FALSE
                result[~is_clear] = ASK
            for values, error in computed:
                result[np.isinf(values) | np.isinf(error)] = ASK
                is_open |= np.isnan(values) & (error == 0)
                result[np.isnan(values) & (error != 0)] = ASK
            result[is_open] = OPEN
        return result

    return compare


def _find_grid(node: Node, domains: Mapping[str, Domain]) -> Fraction | None:
    """A number that every value of `node` is a whole multiple of; None where none is known."""
    match node:
        case Literal(value) if type(value) in (int, float):
            return abs(Fraction(exact(value)))
        case Name(name):
            return _find_domain_grid(domains[name])
        case Unary("-", operand):
            return _find_grid(operand, domains)
        case Binary(operator, left, right) if operator in "+-*":
            grids = _find_grid(left, domains), _find_grid(right, domains)
            if operator != "*":
                return _join_grids(*grids)
            return None if None in grids else grids[0] * grids[1]  # type: ignore[operator]
    return None


def _find_domain_grid(domain: Domain) -> Fraction | None:
    match domain:
        case Integer(low) | Real(low) if domain.step is not None:
            return _join_grids(Fraction(exact(low)), Fraction(exact(domain.step)))
        case Fixed() | Choice() if domain.size() <= MAX_TABLE:
            levels = domain.levels()
            if all(type(level) in (int, float) for level in levels):
                grids: list[Fraction | None] = [abs(Fraction(exact(level))) for level in levels]
                return reduce(_join_grids, grids)
    return None


def _join_grids(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    """The largest number that both are whole multiples of."""
    if one is None or other is None:
        return None
    common = math.lcm(one.denominator, other.denominator)
    return Fraction(math.gcd(int(one * common), int(other * common)), common)


def _plan_number(node: Node, domains: Mapping[str, Domain]) -> Numbers:
    match node:
        case Literal(value):
            number = float(value)  # type: ignore[arg-type]
            error = 0.0 if type(value) is int and abs(value) <= MAX_INTEGER else abs(number) * _ULP
            return lambda columns: (np.full(columns.n_rows, number), np.full(columns.n_rows, error))
        case Name(name):
            return _plan_name(name, domains[name])
        case Unary():
            inner = _plan_number(node.operand, domains)
            return lambda columns: (-inner(columns)[0], inner(columns)[1])
        case Binary():
            return _plan_binary(node, domains)
        case Call():
            return _plan_call(node, domains)
    raise AssertionError(node)


def _plan_name(name: str, domain: Domain) -> Numbers:
    whole = isinstance(domain, Integer) or (
        isinstance(domain, (Choice, Fixed)) and all(type(level) is int for level in domain.levels())
    )

    def read(columns: Columns) -> tuple[Array, Array]:
        numbers = columns[name].numbers
        return numbers, np.zeros(len(numbers)) if whole else np.nan_to_num(np.abs(numbers) * _ULP)

    return read


def _plan_binary(node: Binary, domains: Mapping[str, Domain]) -> Numbers:
    first, second = _plan_number(node.left, domains), _plan_number(node.right, domains)
    symbol = node.operator

    def compute(columns: Columns) -> tuple[Array, Array]:
        (left, left_error), (right, right_error) = first(columns), second(columns)
        result = _ARITHMETIC[symbol](left, right)
        if symbol in "+-":
            error = left_error + right_error
        elif symbol in ("//", "%"):  # of whole numbers, exact
            error = np.where((left_error == 0) & (right_error == 0) & (right != 0), 0.0, math.inf)
        elif symbol == "*":
            error = np.abs(left) * right_error + np.abs(right) * left_error + left_error * right_error
        else:
            error = (left_error + np.abs(result) * right_error) / (np.abs(right) - right_error)
            error = np.where(np.abs(right) > 2 * right_error, error, math.inf)
        is_whole = (left_error == 0) & (right_error == 0) & (np.abs(result) < 2.0**53) & (symbol != "/")
        error = np.where(is_whole, 0.0, error + np.abs(result) * _ULP)
        is_absent = (np.isnan(left) & (left_error == 0)) | (np.isnan(right) & (right_error == 0))
        return result, np.where(is_absent, 0.0, np.where(np.isnan(result), math.inf, error))

    return compute


def _plan_call(node: Call, domains: Mapping[str, Domain]) -> Numbers:
    plans = [_plan_number(argument, domains) for argument in node.arguments]
    function: Any = {"min": np.minimum, "max": np.maximum}.get(node.function)

    def compute(columns: Columns) -> tuple[Array, Array]:
        computed = [plan(columns) for plan in plans]
        errors = np.max([error for _, error in computed], axis=0)
        if function is None:
            return np.abs(computed[0][0]), errors
        return function.reduce([values for values, _ in computed]), errors

    return compute
