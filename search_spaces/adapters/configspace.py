"""Spaces for ConfigSpace (SMAC, auto-sklearn), and back."""

from __future__ import annotations

from typing import Any, assert_never

import ConfigSpace as cs  # noqa: N813  # a package named like a class

from search_spaces.codec import as_domain, domain_document
from search_spaces.domains import Choice, Domain, Fixed, Integer, Real
from search_spaces.errors import SpaceError
from search_spaces.nodes import Comparison, Literal, Logic, Name, Node
from search_spaces.scalars import as_scalar
from search_spaces.space import Space
from search_spaces.writing import build_expression, write_literal, write_name, write_node

MAX_LISTED = 10_000
"""Largest parent whose values a condition lists one by one."""

META_KEY = "search_spaces"
"""Where a hyperparameter keeps its place, and the documents of domain and condition: an exact way back."""


def to_configspace(space: Space, seed: int | None = None) -> cs.ConfigurationSpace:
    """The same parameters and conditions; what has steps becomes an ordinal of its levels.

    Raises:
        SpaceError: If there are constraints, which ConfigSpace cannot compute, or if a condition compares two
            parameters, or a continuous one by anything but < and > with a number.
    """
    if space.constraints:
        raise SpaceError(
            f"ConfigSpace has no arithmetic for {space.constraints[0].text!r}: translate the space without "
            "constraints, and drop what Space.is_legal refuses."
        )
    configspace = cs.ConfigurationSpace(seed=seed)
    hyperparameters = {name: _to_hyperparameter(space, name) for name in space.parameters}
    configspace.add(list(hyperparameters.values()))
    for name, condition in space.conditions.items():
        configspace.add(_Conditions(space, hyperparameters, name).translate(condition.node))
    return configspace


def from_configspace(configspace: cs.ConfigurationSpace) -> Space:
    """The space of a ConfigSpace: uniform, ordinal, categorical, constant; conditions; forbidden clauses.

    Raises:
        SpaceError: If it holds another kind.
    """
    # ConfigSpace sorts by name; what came from here goes back to its place
    hyperparameters = sorted(configspace.values(), key=lambda hp: _meta(hp).get("place", 0))
    parameters = {hp.name: _from_hyperparameter(hp) for hp in hyperparameters}
    conditions: dict[str, str] = {}
    for condition in configspace.conditions:
        child = condition.child
        conditions[child.name] = _meta(child).get("condition") or _write_condition(condition)
    constraints = [f"not ({_write_clause(clause)})" for clause in configspace.forbidden_clauses]
    return Space(parameters, conditions, constraints)


def _to_hyperparameter(space: Space, name: str) -> Any:
    domain = space.parameters[name]
    condition = space.conditions[name].text if name in space.conditions else None
    place = list(space.parameters).index(name)
    meta = {META_KEY: {"place": place, "domain": domain_document(domain), "condition": condition}}
    match domain:
        case Fixed(value):
            return cs.Constant(name, value, meta=meta)
        case Choice(choices) if not domain.ordered:
            return cs.CategoricalHyperparameter(name, list(choices), meta=meta)
        case Integer(low, high) if domain.step == 1 and low < high:
            return cs.UniformIntegerHyperparameter(name, low, high, log=domain.log, meta=meta)
        case Real(low, high) if domain.step is None and low < high:
            return cs.UniformFloatHyperparameter(name, low, high, log=domain.log, meta=meta)
        case Choice() | Integer() | Real():
            return cs.OrdinalHyperparameter(name, domain.levels(), meta=meta)
        case _:
            assert_never(domain)


class _Conditions:
    """Translates the condition of one parameter."""

    def __init__(self, space: Space, hyperparameters: dict[str, Any], child: str) -> None:
        self._space = space
        self._hyperparameters = hyperparameters
        self._child = child

    def translate(self, node: Node) -> Any:
        names = build_expression(node).names
        if len(names) == 1 and self._space.parameters[names[0]].size() <= MAX_LISTED:
            return self._list_values(node, names[0])
        if isinstance(node, Logic):
            join = cs.AndConjunction if node.operator == "and" else cs.OrConjunction
            return join(*map(self.translate, node.operands))
        match node:
            case Comparison(((">" | "<") as operator,), (Name(name), Literal(value))):
                return self._compare(operator, name, value)
        raise SpaceError(
            f"ConfigSpace has no condition for {write_node(node)!r}: compare one parameter at a time "
            "with values, and join comparisons by and or or."
        )

    def _list_values(self, node: Node, parent: str) -> Any:
        expression = build_expression(node)
        levels = self._space.parameters[parent].levels()
        values = [value for value in levels if expression.evaluate({parent: value})]
        if not values:
            raise SpaceError(
                f"{self._child} is never active, for {expression.text!r} never holds: leave it out."
            )
        return cs.InCondition(self._hyperparameters[self._child], self._hyperparameters[parent], values)

    def _compare(self, operator: str, parent: str, value: Any) -> Any:
        kind = cs.GreaterThanCondition if operator == ">" else cs.LessThanCondition
        return kind(self._hyperparameters[self._child], self._hyperparameters[parent], value)


def _meta(hyperparameter: Any) -> dict[str, Any]:
    meta = dict(hyperparameter.meta or {}).get(META_KEY)
    return meta if isinstance(meta, dict) else {}


def _from_hyperparameter(hyperparameter: Any) -> Domain:
    if meta := _meta(hyperparameter):
        return as_domain(meta["domain"], hyperparameter.name)
    if isinstance(hyperparameter, cs.Constant):
        return Fixed(hyperparameter.value)
    if isinstance(hyperparameter, cs.CategoricalHyperparameter):
        return Choice(hyperparameter.choices)
    if isinstance(hyperparameter, cs.OrdinalHyperparameter):
        return Choice(hyperparameter.sequence, ordered=True)
    if isinstance(hyperparameter, cs.UniformIntegerHyperparameter):
        return Integer(hyperparameter.lower, hyperparameter.upper, log=hyperparameter.log)
    if isinstance(hyperparameter, cs.UniformFloatHyperparameter):
        return Real(hyperparameter.lower, hyperparameter.upper, log=hyperparameter.log)
    raise SpaceError(
        f"{hyperparameter.name}: {type(hyperparameter).__name__} has no counterpart here: "
        "use a uniform, ordinal, categorical or constant one."
    )


def _write_condition(condition: Any) -> str:
    for kind, word in ((cs.AndConjunction, " and "), (cs.OrConjunction, " or ")):
        if isinstance(condition, kind):
            return word.join(f"({_write_condition(part)})" for part in condition.components)
    name = write_name(condition.parent.name)
    if isinstance(condition, cs.InCondition):
        return f"{name} in [{', '.join(map(_write_value, condition.values))}]"
    symbols = {
        cs.EqualsCondition: "==",
        cs.NotEqualsCondition: "!=",
        cs.GreaterThanCondition: ">",
        cs.LessThanCondition: "<",
    }
    return f"{name} {symbols[type(condition)]} {_write_value(condition.value)}"


def _write_clause(clause: Any) -> str:
    if isinstance(clause, cs.ForbiddenAndConjunction):
        return " and ".join(f"({_write_clause(part)})" for part in clause.components)
    if isinstance(clause, cs.ForbiddenEqualsClause):
        return f"{write_name(clause.hyperparameter.name)} == {_write_value(clause.value)}"
    if isinstance(clause, cs.ForbiddenInClause):
        values = ", ".join(map(_write_value, clause.values))
        return f"{write_name(clause.hyperparameter.name)} in [{values}]"
    symbols = {
        cs.ForbiddenEqualsRelation: "==",
        cs.ForbiddenGreaterThanRelation: ">",
        cs.ForbiddenLessThanRelation: "<",
    }
    return f"{write_name(clause.left.name)} {symbols[type(clause)]} {write_name(clause.right.name)}"


def _write_value(value: Any) -> str:
    return write_literal(as_scalar(value))  # type: ignore[arg-type]
