"""What a space is: its data, what is legal in it, and its unit cube; all else is built on this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

from search_spaces.checking import check_expression
from search_spaces.codec import DomainLike, as_domain
from search_spaces.domains import Choice, Domain, Fixed, Scalar
from search_spaces.errors import SpaceError, hint_name, located
from search_spaces.expressions import Expression
from search_spaces.parsing import parse_expression
from search_spaces.scalars import as_scalar

MAX_NAME = 128
"""Longest parameter name, in characters."""


class Core:
    """A space's data, which never change, with equality and hash.

    Order counts: it is that of the unit cube's coordinates, so spaces that differ in it draw differently.

    Args:
        parameters: Domain of each parameter, as an object or in the compact notation of `codec`.
        conditions: For each parameter that is not always there, the expression that says when it is.
        constraints: Expressions that every setting satisfies; what an inactive parameter leaves undecided
            counts as satisfied.

    Raises:
        SpaceError: If a name, domain or expression is bad, or if conditions go in a circle.
    """

    __slots__ = ("_conditions", "_constraints", "_order", "_parameters")

    def __init__(
        self,
        parameters: Mapping[str, DomainLike],
        conditions: Mapping[str, str | Expression] | None = None,
        constraints: Iterable[str | Expression] = (),
    ) -> None:
        for what, names in (("parameters", parameters), ("conditions", conditions or {})):
            if not isinstance(names, Mapping):
                raise SpaceError(f"{what} are a mapping from names, not {names!r}: write a dict.")
        if isinstance(constraints, str):
            raise SpaceError(
                f"constraints are a list, not the text {constraints!r}: write [{constraints!r}]."
            )
        self._parameters: dict[str, Domain] = {}
        self._conditions: dict[str, Expression] = {}
        for name, value in parameters.items():
            with located("parameters", name):
                self._parameters[_check_name(name)] = as_domain(value, name)
        for name, text in (conditions or {}).items():
            with located("conditions", name):
                self._check_known(name, "a condition")
                self._conditions[name] = self._read_expression(text)
        self._constraints = tuple(dict.fromkeys(self._read_constraints(constraints)))
        self._order = self._sort()

    @property
    def parameters(self) -> Mapping[str, Domain]:
        """Domain of each parameter, in order."""
        return MappingProxyType(self._parameters)

    @property
    def conditions(self) -> Mapping[str, Expression]:
        """When each conditional parameter applies."""
        return MappingProxyType(self._conditions)

    @property
    def constraints(self) -> tuple[Expression, ...]:
        """What every setting satisfies."""
        return self._constraints

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The parameters that are searched, that is, not fixed: the unit cube's coordinates, in order."""
        return tuple(name for name, domain in self._parameters.items() if not isinstance(domain, Fixed))

    @property
    def order(self) -> tuple[str, ...]:
        """All parameters, each after those that its condition mentions."""
        return self._order

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Core) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __len__(self) -> int:
        return len(self._parameters)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._parameters, self._conditions, self._constraints)

    @property
    def _key(self) -> tuple[Any, ...]:
        conditions = frozenset(self._conditions.items())
        return tuple(self._parameters.items()), conditions, self._constraints

    # ---- legality

    def active(self, params: Mapping[str, Scalar]) -> tuple[str, ...]:
        """The parameters that apply, given the values in `params`; what is inactive there has no say."""
        present: dict[str, Scalar] = {}
        active = set()
        for name in self._order:
            condition = self._conditions.get(name)
            if condition is None or condition.evaluate(present):
                active.add(name)
                if name in params:
                    present[name] = params[name]
        return tuple(name for name in self._parameters if name in active)

    def validate(self, params: Mapping[str, Scalar]) -> None:
        """Accept `params` as a setting of this space: exactly the active parameters, legal, constraints met.

        Raises:
            SpaceError: At the first fault, with the way out.
        """
        for name in params:
            self._check_known(name, "the setting")
            self._check_value(name, params[name])
        active = self.active(params)
        for name in active:
            if name not in params:
                raise SpaceError(f"{name} is missing: give {self._parameters[name].describe()}.")
        for name in params:
            if name not in active:
                raise SpaceError(
                    f"{name}={params[name]!r} does not apply, "
                    f"for {self._conditions[name].text!r} does not hold: leave it out."
                )
        if violated := self.violated(params):
            names = ", ".join(f"{name}={params[name]!r}" for name in violated.names if name in params)
            raise SpaceError(f"{violated.text!r} does not hold for {names}: change one of them.")

    def is_legal(self, params: Mapping[str, Scalar]) -> bool:
        """Whether `validate` accepts `params`."""
        try:
            self.validate(params)
        except SpaceError:
            return False
        return True

    def violated(self, params: Mapping[str, Scalar]) -> Expression | None:
        """The first constraint that fails, if any; one that a missing parameter leaves undecided does not."""
        for constraint in self._constraints:
            if constraint.evaluate(params) is False:
                return constraint
        return None

    def complete(self, params: Mapping[str, Any]) -> dict[str, Scalar]:
        """The setting within `params`: inactive and foreign names dropped, fixed parameters filled in.

        NumPy's scalars become Python's own.

        For what comes back from Ray (inactive parameters are None there) or Optuna (fixed ones are missing).

        Raises:
            SpaceError: If a searched parameter is missing or the setting is not legal.
        """
        fixed = {name: d.value for name, d in self._parameters.items() if isinstance(d, Fixed)}
        given = {name: as_scalar(params[name]) for name in self._parameters if name in params}
        values: dict[str, Any] = {**fixed, **given}
        setting = {name: values[name] for name in self.active(values) if name in values}
        self.validate(setting)
        return setting

    # ---- the unit cube

    def from_unit(self, point: Sequence[float]) -> dict[str, Scalar]:
        """The setting at `point` of the unit cube; constraints are not looked at.

        Args:
            point: One coordinate in [0, 1] for each of `dimensions`; those of inactive ones have no effect.

        Raises:
            SpaceError: If there are more or fewer coordinates, or one lies outside.
        """
        names = self.dimensions
        if len(point) != len(names) or not all(0.0 <= u <= 1.0 for u in point):
            raise SpaceError(
                f"a point has {len(names)} coordinates in [0, 1], not {list(point)!r}: "
                "give one for each of dimensions."
            )
        place = dict(zip(names, map(float, point), strict=True))
        values = {name: domain.from_unit(place.get(name, 0.5)) for name, domain in self._parameters.items()}
        return {name: values[name] for name in self.active(values)}

    def to_unit(self, params: Mapping[str, Scalar]) -> list[float]:
        """A point of the unit cube that `from_unit` maps to `params`: a coordinate for each of `dimensions`.

        Inactive parameters lie in the middle.

        Raises:
            SpaceError: If `params` is not legal.
        """
        self.validate(params)
        return [
            self._parameters[name].to_unit(params[name]) if name in params else 0.5
            for name in self.dimensions
        ]

    def _read_constraints(self, constraints: Iterable[str | Expression]) -> Iterator[Expression]:
        for place, text in enumerate(constraints):
            with located("constraints", place):
                yield self._read_expression(text)

    def _read_expression(self, text: str | Expression) -> Expression:
        expression = text if isinstance(text, Expression) else parse_expression(text)
        for name in expression.names:
            self._check_known(name, repr(expression.text))
        check_expression(expression, self._parameters)
        return expression

    def _check_known(self, name: str, where: str) -> None:
        if name not in self._parameters:
            hint = hint_name(str(name), self._parameters)
            raise SpaceError(f"{where} names {name!r}, which is no parameter of the space: {hint}")

    def _check_value(self, name: str, value: Scalar) -> None:
        domain = self._parameters[name]
        if not domain.contains(value):
            near = ""
            if isinstance(domain, Choice) and isinstance(value, str):
                texts = [choice for choice in domain.choices if isinstance(choice, str)]
                hint = hint_name(value, texts)
                near = f" ({hint})" if hint.startswith("did") else ""
            raise SpaceError(f"{name}={value!r} is not in its domain{near}: give {domain.describe()}.")

    def _sort(self) -> tuple[str, ...]:
        graph = {
            name: self._conditions[name].names if name in self._conditions else ()
            for name in self._parameters
        }
        try:
            return tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            circle = " -> ".join(reversed(error.args[1]))
            message = f"conditions go in a circle, {circle}: break it at one of them."
            raise SpaceError(message, ("conditions", error.args[1][0])) from None


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable() or "`" in name:
        raise SpaceError(
            f"a parameter's name is 1 to {MAX_NAME} printable characters without backquote, not {name!r}: "
            "rename it."
        )
    return name
