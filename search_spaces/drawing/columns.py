"""Many settings at once: a column for each parameter, and truth values of expressions row by row.

Columns agree with `Core.from_unit` and `Expression.evaluate` to the last bit. Expressions over few values
are tables that are looked up; other comparisons are computed with doubles and a bound on their error, and the
rows within it, or where anything is odd, are left to `Expression.evaluate`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache, reduce
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from search_spaces.core import Core
from search_spaces.domains import Choice, Domain, Fixed, Integer, Real, Scalar, Setting
from search_spaces.domains.exact import exact
from search_spaces.domains.scalars import MAX_INTEGER
from search_spaces.expressions import Expression
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

Array: TypeAlias = npt.NDArray[Any]
Truths: TypeAlias = npt.NDArray[np.int8]

FALSE, TRUE, OPEN, ASK = range(4)
"""Truth values of a row; `OPEN` is undecided, and `ASK` says that doubles cannot tell."""

MAX_TABLE = 4096
"""Most combinations of values that a table lists."""

MAX_LOOKUP = 10_000

_ULP = 2.0**-53
_NEAR = 1e-12
"""Farther from where a share starts, a coordinate lies in the same share for `edge` and `from_unit`."""

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


class Column:
    """The values of one parameter, and where it applies.

    Args:
        domain: Of the parameter.
        units: Its coordinates in [0, 1], shape (n_rows,).
        is_active: Where it applies, shape (n_rows,); None for everywhere.
    """

    def __init__(self, domain: Domain, units: Array, is_active: Array | None) -> None:
        self.domain = domain
        self.is_active = is_active
        self.n_rows = len(units)
        self._rows = None if is_active is None else np.flatnonzero(is_active)
        self._units = units if self._rows is None else units[self._rows]
        self._is_discrete = not math.isinf(domain.size())
        self._codes = _find_codes(domain, self._units) if self._is_discrete else None

    @property
    def codes(self) -> Array:
        """The index of each row's level, and -1 where the parameter does not apply."""
        return self._spread(self._codes, -1)

    @property
    def numbers(self) -> Array:
        """Each row's value as a double, NaN where the parameter does not apply."""
        if self._codes is None:
            return self._spread(np.array(self.values(), np.float64), math.nan)
        if isinstance(self.domain, Integer):
            whole = self.domain.low + self._codes * self.domain.step
            return self._spread(whole.astype(np.float64), math.nan)
        if self.domain.size() <= MAX_LOOKUP:
            return self._spread(_list_numbers(self.domain)[self._codes], math.nan)
        return self._spread(np.array(self.values(), np.float64), math.nan)

    def values(self) -> list[Scalar]:
        """The values where the parameter applies."""
        return self._read(slice(None))

    def pick(self, rows: Array) -> tuple[list[int] | None, list[Scalar]]:
        """Which of `rows` the parameter applies in, None for all of them, and its values there.

        Args:
            rows: Row numbers in rising order, shape (n_picked,).
        """
        if self._rows is None:
            return None, self._read(rows)
        places = np.full(self.n_rows, -1, np.int64)
        places[rows] = np.arange(len(rows))
        places = places[self._rows]
        picked = np.flatnonzero(places >= 0)
        return places[picked].tolist(), self._read(picked)

    def _read(self, which: Any) -> list[Scalar]:
        domain = self.domain
        if self._codes is None:
            return _find_reals(domain, self._units[which])
        codes = self._codes[which]
        if isinstance(domain, Integer):
            return (domain.low + codes * domain.step).tolist()  # type: ignore[no-any-return]
        if domain.size() <= MAX_LOOKUP:
            return _list_levels(domain)[codes].tolist()  # type: ignore[no-any-return]
        return [domain.level(k) for k in codes.tolist()]

    def _spread(self, values: Array | None, absent: float) -> Array:
        assert values is not None
        if self._rows is None:
            return values
        spread = np.full(self.n_rows, absent, values.dtype)
        spread[self._rows] = values
        return spread


@lru_cache(maxsize=1024)
def _list_levels(domain: Domain) -> Array:
    levels = np.empty(int(domain.size()), object)
    levels[:] = domain.levels()
    return levels


@lru_cache(maxsize=1024)
def _list_numbers(domain: Domain) -> Array:
    return np.array(domain.levels(), np.float64)


@lru_cache(maxsize=1024)
def _list_starts(domain: Integer) -> Array:
    """Where the share of each level starts, and 1."""
    return np.array([domain.edge(k) for k in range(domain.size() + 1)])


def _find_codes(domain: Domain, units: Array) -> Array:
    size = int(domain.size())
    match domain:
        case Choice() if domain.weights is not None:
            ends = np.array([domain.edge(k + 1) for k in range(size)])
            return np.minimum(np.searchsorted(ends, units, side="right"), size - 1)
        case Integer() if domain.log and domain.mean is None and size <= MAX_LOOKUP:
            return _find_log_codes(domain, units)
        case Integer() if domain.log or domain.mean is not None:
            return np.array([domain.index(domain.from_unit(u)) for u in units.tolist()], np.int64)  # type: ignore[arg-type]
        case Real() if domain.mean is not None:
            return np.array([domain.index(domain.from_unit(u)) for u in units.tolist()], np.int64)  # type: ignore[arg-type]
    return np.minimum((units * size).astype(np.int64), size - 1)


def _find_log_codes(domain: Integer, units: Array) -> Array:
    """By where the shares start, and where that is too near to call by `from_unit` itself."""
    starts = _list_starts(domain)
    codes = np.searchsorted(starts[1:-1], units, side="right")
    is_near = np.minimum(units - starts[codes], starts[codes + 1] - units) < _NEAR
    for row in np.flatnonzero(is_near).tolist():
        codes[row] = domain.index(domain.from_unit(float(units[row])))  # type: ignore[arg-type]
    return codes


def _find_reals(domain: Domain, units: Array) -> list[Scalar]:
    if not isinstance(domain, Real) or domain.mean is not None:
        return [domain.from_unit(u) for u in units.tolist()]
    low, high = (math.log(domain.low), math.log(domain.high)) if domain.log else (domain.low, domain.high)
    places = np.minimum(np.maximum(low * (1.0 - units) + high * units, low), high)
    if domain.log:  # by the same exp as from_unit: NumPy's may differ in the last bit
        places = np.fromiter(map(math.exp, places.tolist()), np.float64, len(places))
        places = np.minimum(np.maximum(places, domain.low), domain.high)
        places[units == 0.0], places[units == 1.0] = domain.low, domain.high
    return places.tolist()  # type: ignore[no-any-return]


class Batch:
    """Settings at points of the unit cube, as columns.

    Args:
        core: Their space.
        points: A coordinate in [0, 1] for each of `dimensions`, shape (n_rows, n_dimensions).
    """

    def __init__(self, core: Core, points: Array) -> None:
        self.n_rows = len(points)
        self.columns: dict[str, Column] = {}
        self._core = core
        places = {name: place for place, name in enumerate(core.dimensions)}
        middle = np.full(self.n_rows, 0.5)
        for name in core.order:
            condition = core.conditions.get(name)
            is_active = None if condition is None else self.judge(condition) == TRUE
            if is_active is not None and is_active.all():
                is_active = None
            units = points[:, places[name]] if name in places else middle
            self.columns[name] = Column(core.parameters[name], units, is_active)

    def judge(self, expression: Expression) -> Truths:
        """Whether `expression` holds in each row: `TRUE`, `FALSE` or `OPEN`, shape (n_rows,)."""
        truths = _plan(self._core, expression)(self)
        rows = np.flatnonzero(truths == ASK)
        if len(rows):
            truths = truths.copy()
            answers = {True: TRUE, False: FALSE, None: OPEN}
            settings = self._list(rows, expression.names)
            truths[rows] = [answers[expression.evaluate(setting)] for setting in settings]
        return truths

    def find_legal(self) -> Array:
        """The rows that keep all constraints, in order."""
        is_legal = np.ones(self.n_rows, bool)
        for constraint in self._core.constraints:
            is_legal &= self.judge(constraint) != FALSE
        return np.flatnonzero(is_legal)

    def list_settings(self, rows: Array | None = None) -> list[Setting]:
        """The settings of some rows, in their order, or of all."""
        rows = np.arange(self.n_rows) if rows is None else rows
        order = np.sort(rows)
        settings = self._list(order, self._core.parameters)
        return [settings[place] for place in np.searchsorted(order, rows).tolist()]

    def _list(self, rows: Array, names: Iterable[str]) -> list[Setting]:
        """Some parameters of the settings of `rows`, which rise."""
        settings: list[Setting] = [{} for _ in range(len(rows))]
        for name in names if len(rows) else ():
            places, values = self.columns[name].pick(rows)
            chosen = settings if places is None else map(settings.__getitem__, places)
            for setting, value in zip(chosen, values, strict=False):
                setting[name] = value
        return settings


Plan: TypeAlias = Callable[[Batch], Truths]
Numbers: TypeAlias = Callable[[Batch], tuple[Array, Array]]
"""Values, NaN where undecided, and bounds on their errors."""


def _plan(core: Core, expression: Expression) -> Plan:
    plans: dict[str, Plan] = core.cache("plans", dict)
    if expression.text not in plans:
        plans[expression.text] = _plan_node(expression.node, core.parameters)
    return plans[expression.text]


def _plan_node(node: Node, domains: Mapping[str, Domain]) -> Plan:
    names = list_names(node)
    if math.prod(domains[name].size() + 1 for name in names) <= MAX_TABLE:
        return _plan_table(node, names, domains)
    match node:
        case Logic():
            return _plan_logic(node, domains)
        case Unary("not", operand):
            plan = _plan_node(operand, domains)
            negated = np.array([TRUE, FALSE, OPEN, ASK], np.int8)
            return lambda batch: negated[plan(batch)]
        case Conditional(then, condition, otherwise):
            if otherwise is None:
                return _plan_conditional(_plan_node(condition, domains), _plan_node(then, domains))
        case Comparison() if all(_is_number(operand, domains) for operand in node.operands):
            return _plan_comparison(node, domains)
    return lambda batch: np.full(batch.n_rows, ASK, np.int8)


def _plan_table(node: Node, names: tuple[str, ...], domains: Mapping[str, Domain]) -> Plan:
    run = compile_node(node)
    table = np.array([_ask(run, names, values) for values in _combine(names, domains)], np.int8)
    sizes = [int(domains[name].size()) + 1 for name in names]
    strides = [math.prod(sizes[place + 1 :]) for place in range(len(sizes))]

    def look_up(batch: Batch) -> Truths:
        index = np.zeros(batch.n_rows, np.int64)
        for name, stride in zip(names, strides, strict=True):
            index += (batch.columns[name].codes + 1) * stride
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
    plans = [_plan_node(operand, domains) for operand in node.operands]
    decisive = TRUE if node.operator == "or" else FALSE

    def decide(batch: Batch) -> Truths:
        truths = np.stack([plan(batch) for plan in plans])
        result = np.where((truths == OPEN).any(axis=0), OPEN, TRUE - decisive).astype(np.int8)
        result[(truths == decisive).any(axis=0)] = decisive
        result[(truths == ASK).any(axis=0)] = ASK
        return result

    return decide


def _plan_conditional(condition: Plan, then: Plan) -> Plan:
    def choose(batch: Batch) -> Truths:
        asked = condition(batch)
        result = np.where(asked == TRUE, then(batch), asked).astype(np.int8)
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

    def compare(batch: Batch) -> Truths:
        with np.errstate(all="ignore"):
            computed = [operand(batch) for operand in operands]
            result = np.full(batch.n_rows, TRUE, np.int8)
            is_open = np.zeros(batch.n_rows, bool)
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
                return reduce(_join_grids, [abs(Fraction(exact(level))) for level in levels])
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
            return lambda batch: (np.full(batch.n_rows, number), np.full(batch.n_rows, error))
        case Name(name):
            return _plan_name(name, domains[name])
        case Unary():
            inner = _plan_number(node.operand, domains)
            return lambda batch: (-inner(batch)[0], inner(batch)[1])
        case Binary():
            return _plan_binary(node, domains)
        case Call():
            return _plan_call(node, domains)
    raise AssertionError(node)


def _plan_name(name: str, domain: Domain) -> Numbers:
    whole = isinstance(domain, Integer) or (
        isinstance(domain, (Choice, Fixed)) and all(type(level) is int for level in domain.levels())
    )

    def read(batch: Batch) -> tuple[Array, Array]:
        numbers = batch.columns[name].numbers
        return numbers, np.zeros(len(numbers)) if whole else np.nan_to_num(np.abs(numbers) * _ULP)

    return read


def _plan_binary(node: Binary, domains: Mapping[str, Domain]) -> Numbers:
    first, second = _plan_number(node.left, domains), _plan_number(node.right, domains)
    symbol = node.operator

    def compute(batch: Batch) -> tuple[Array, Array]:
        (left, left_error), (right, right_error) = first(batch), second(batch)
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

    def compute(batch: Batch) -> tuple[Array, Array]:
        computed = [plan(batch) for plan in plans]
        errors = np.max([error for _, error in computed], axis=0)
        if function is None:
            return np.abs(computed[0][0]), errors
        return function.reduce([values for values, _ in computed]), errors

    return compute
