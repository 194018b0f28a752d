"""Conditions and forbidden clauses of ConfigSpace, and the expressions that say the same."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from search_spaces.domains import Domain
from search_spaces.domains.scalars import as_scalar
from search_spaces.errors import SpaceError
from search_spaces.expressions.evaluation import compile_node
from search_spaces.expressions.nodes import (
    Comparison,
    Conditional,
    Literal,
    Logic,
    Name,
    Node,
    Unary,
    list_names,
)
from search_spaces.expressions.writing import write_literal, write_name, write_node
from search_spaces.extras import needed_by

with needed_by("search_spaces.adapters.configspace"):
    import ConfigSpace as cs  # noqa: N813  # a package named like a class

MAX_LISTED = 10_000
"""Largest parameter whose values a condition or clause lists one by one."""

MAX_CLAUSES = 1000
"""Most clauses that one constraint may be made of."""

_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_CONDITIONS = {">": cs.GreaterThanCondition, "<": cs.LessThanCondition}
_CLAUSES = {
    ">": cs.ForbiddenGreaterThanClause,
    ">=": cs.ForbiddenGreaterThanEqualsClause,
    "<": cs.ForbiddenLessThanClause,
    "<=": cs.ForbiddenLessThanEqualsClause,
    "==": cs.ForbiddenEqualsClause,
}
_RELATIONS = {
    ">": cs.ForbiddenGreaterThanRelation,
    ">=": cs.ForbiddenGreaterThanEqualsRelation,
    "<": cs.ForbiddenLessThanRelation,
    "<=": cs.ForbiddenLessThanEqualsRelation,
    "==": cs.ForbiddenEqualsRelation,
}


class Translator:
    """Expressions as ConfigSpace's conditions and forbidden clauses.

    Args:
        domains: Of the parameters.
        hyperparameters: ConfigSpace's, by name.
        child: Whose condition is translated.
    """

    def __init__(
        self, domains: Mapping[str, Domain], hyperparameters: Mapping[str, Any], child: str = ""
    ) -> None:
        self._domains = domains
        self._hyperparameters = hyperparameters
        self._child = child

    def condition(self, node: Node) -> Any:
        """The condition that says what `node` says.

        Raises:
            SpaceError: If there is none.
        """
        names = list_names(node)
        child = self._hyperparameters[self._child]
        if len(names) == 1 and self._domains[names[0]].size() <= MAX_LISTED:
            values = self._list_values(node, names[0], wanted=True)
            if not values:
                raise SpaceError(
                    f"{self._child} is never active, for {write_node(node)!r} never holds: leave it out."
                )
            return cs.InCondition(child, self._hyperparameters[names[0]], values)
        if isinstance(node, Logic):
            join = cs.AndConjunction if node.operator == "and" else cs.OrConjunction
            return join(*map(self.condition, node.operands))
        match _split(node):
            case ((">" | "<") as operator, Name(name), Literal(value)):
                return _CONDITIONS[operator](child, self._hyperparameters[name], value)
        raise SpaceError(
            f"ConfigSpace has no condition for {write_node(node)!r}: compare one parameter at a time "
            "with values, and join comparisons by and or or."
        )

    def forbid(self, node: Node) -> list[Any]:
        """The clauses that forbid, each by itself, whatever breaks the constraint `node`.

        Raises:
            SpaceError: If there are none that do.
        """
        return self._clauses(node, wanted=False)

    def _clauses(self, node: Node, wanted: bool) -> list[Any]:
        """The clauses of which one applies wherever `node` is `wanted`."""
        names = list_names(node)
        if len(names) == 1 and self._domains[names[0]].size() <= MAX_LISTED:
            values = self._list_values(node, names[0], wanted)
            hyperparameter = self._hyperparameters[names[0]]
            if not values or len(values) > 1:
                return [cs.ForbiddenInClause(hyperparameter, values)] if values else []
            return [cs.ForbiddenEqualsClause(hyperparameter, values[0])]
        match node:
            case Unary("not", operand):
                return self._clauses(operand, not wanted)
            case Conditional(then, condition, None):
                if wanted:
                    return [*self._clauses(condition, False), *self._clauses(then, True)]
                return self._join([self._clauses(condition, True), self._clauses(then, False)])
            case Logic():
                parts = [self._clauses(operand, wanted) for operand in node.operands]
                if (node.operator == "or") is wanted:
                    return [clause for part in parts for clause in part]
                return self._join(parts)
        return self._compare(node, wanted)

    def _join(self, parts: list[list[Any]]) -> list[Any]:
        combinations = list(itertools.islice(itertools.product(*parts), MAX_CLAUSES + 1))
        if len(combinations) > MAX_CLAUSES:
            raise SpaceError(f"a constraint would make more than {MAX_CLAUSES} clauses: split it.")
        return [cs.ForbiddenAndConjunction(*combination) for combination in combinations]

    def _compare(self, node: Node, wanted: bool) -> list[Any]:
        match _split(node):
            case (operator, Name(name), Literal(value)):
                operator = operator if wanted else _OPPOSITE[operator]
                # ConfigSpace 1.2 draws what ForbiddenLessThanEqualsClause forbids: "<=" is two clauses
                parts = {"<=": ("<", "=="), "!=": ("<", ">")}.get(operator, (operator,))
                return [_CLAUSES[part](self._hyperparameters[name], value) for part in parts]
            case (operator, Name(left), Name(right)):
                operator = operator if wanted else _OPPOSITE[operator]
                sides = self._hyperparameters[left], self._hyperparameters[right]
                parts = ("<", ">") if operator == "!=" else (operator,)
                return [_RELATIONS[part](*sides) for part in parts]
        raise SpaceError(
            f"ConfigSpace has no arithmetic, and no clause for {write_node(node)!r}: translate the space "
            "without this constraint, and drop what Space.is_legal refuses."
        )

    def _list_values(self, node: Node, name: str, wanted: bool) -> list[Any]:
        run = compile_node(node)
        return [value for value in self._domains[name].levels() if run({name: value}) is wanted]


def _split(node: Node) -> tuple[str, Node, Node] | None:
    """The parts of a comparison of two, a parameter first; None of anything else."""
    match node:
        case Comparison((operator,), (Literal() as value, Name() as name)):
            return _MIRRORED[operator], name, value
        case Comparison((operator,), (left, right)):
            return operator, left, right
    return None


def write_condition(condition: Any) -> str:
    """The expression that says what a condition of ConfigSpace says.

    Raises:
        SpaceError: If there is none.
    """
    for kind, word in ((cs.AndConjunction, " and "), (cs.OrConjunction, " or ")):
        if isinstance(condition, kind):
            return word.join(f"({write_condition(part)})" for part in condition.components)
    name = condition.parent.name
    match condition:
        case cs.InCondition():
            return _write_membership(name, condition.values)
        case cs.EqualsCondition():
            return _write_comparison(condition.parent, "==", condition.value)
        case cs.NotEqualsCondition():
            return _write_comparison(condition.parent, "!=", condition.value)
        case cs.GreaterThanCondition():
            return _write_comparison(condition.parent, ">", condition.value)
        case cs.LessThanCondition():
            return _write_comparison(condition.parent, "<", condition.value)
    raise SpaceError(f"{name}: {type(condition).__name__} has no counterpart here: use another condition.")


def write_clause(clause: Any) -> str:
    """The expression that holds where a forbidden clause of ConfigSpace applies.

    Raises:
        SpaceError: If there is none.
    """
    for kind, word in ((cs.ForbiddenAndConjunction, " and "), (cs.ForbiddenOrConjunction, " or ")):
        if isinstance(clause, kind):
            return word.join(f"({write_clause(part)})" for part in clause.components)
    if isinstance(clause, cs.ForbiddenInClause):
        return _write_membership(clause.hyperparameter.name, clause.values)
    for symbol, kind in _CLAUSES.items():
        if type(clause) is kind:
            return _write_comparison(clause.hyperparameter, symbol, clause.value)
    for symbol, kind in _RELATIONS.items():
        if type(clause) is kind:
            return _write_relation(clause, symbol)
    raise SpaceError(f"{type(clause).__name__} has no counterpart here: use another clause.")


def _write_membership(name: str, values: Any) -> str:
    return f"{write_name(name)} in [{', '.join(map(_write_value, values))}]"


def _write_comparison(hyperparameter: Any, symbol: str, value: Any) -> str:
    if isinstance(hyperparameter, cs.OrdinalHyperparameter) and symbol not in ("==", "!="):
        # ConfigSpace compares indices in the sequence, which may fall or be text
        sequence = [as_scalar(item) for item in hyperparameter.sequence]
        index = sequence.index(as_scalar(value))
        parts = {
            "<": sequence[:index],
            "<=": sequence[: index + 1],
            ">": sequence[index + 1 :],
            ">=": sequence[index:],
        }
        name = write_name(hyperparameter.name)
        return _write_membership(hyperparameter.name, parts[symbol]) if parts[symbol] else f"{name} != {name}"
    return f"{write_name(hyperparameter.name)} {symbol} {_write_value(value)}"


def _write_relation(clause: Any, symbol: str) -> str:
    for side in (clause.left, clause.right):
        if isinstance(side, (cs.OrdinalHyperparameter, cs.CategoricalHyperparameter)) and symbol != "==":
            values = getattr(side, "sequence", None) or side.choices
            if any(isinstance(as_scalar(value), str) for value in values):
                raise SpaceError(
                    f"{side.name}: a clause that orders text has no counterpart here: compare with values."
                )
    return f"{write_name(clause.left.name)} {symbol} {write_name(clause.right.name)}"


def _write_value(value: Any) -> str:
    return write_literal(as_scalar(value))  # type: ignore[arg-type]
