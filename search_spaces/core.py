"""What a space is: its data, what is legal in it, and its unit cube; all else is built on this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from search_spaces.domains import Choice, Domain, Fixed, Real, Scalar, Setting
from search_spaces.domains.adopting import adopt, is_empty_cell
from search_spaces.domains.codec import DomainLike, as_domain
from search_spaces.domains.scalars import as_scalar, typed_key
from search_spaces.errors import SpaceError, check_mapping, hint_name, located, shorten
from search_spaces.nesting import flatten

if TYPE_CHECKING:
    from search_spaces.expressions import Expression

MAX_NAME = 128
"""Longest parameter name, in characters."""

_PLAIN = frozenset({str, int, float, bool, type(None)})


class Core:
    """A space's data, which never change, with equality and hash; a mapping from names to domains to read.

    Order counts: it is that of the unit cube's coordinates, so spaces that differ in it draw differently.

    Args:
        parameters: Domain of each parameter, as an object or in the compact notation of `codec`.
        conditions: For each parameter that is not always there, the expression that says when it is.
        constraints: Expressions that every setting satisfies; what an inactive parameter leaves undecided
            counts as satisfied.
        defaults: A value for some of the searched parameters, where a search may well begin.

    Raises:
        SpaceError: If a name, domain, expression or default is bad, or if conditions go in a circle.
    """

    __slots__ = (
        "_cache",
        "_conditions",
        "_constraints",
        "_defaults",
        "_dimensions",
        "_order",
        "_parameters",
        "_stepped",
    )

    def __init__(
        self,
        parameters: Mapping[str, DomainLike],
        conditions: Mapping[str, str | Expression] | None = None,
        constraints: Iterable[str | Expression] = (),
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        for what, names in (
            ("parameters", parameters),
            ("conditions", conditions or {}),
            ("defaults", defaults or {}),
        ):
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
        searched = {n: d for n, d in self._parameters.items() if not isinstance(d, Fixed)}
        self._dimensions = tuple(searched)
        self._stepped = tuple(n for n, d in searched.items() if isinstance(d, Real) and d.step is not None)
        self._cache: dict[str, Any] = {}  # what modules built on this one have worked out
        self._defaults = self._read_defaults(defaults or {})

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
    def defaults(self) -> Mapping[str, Scalar]:
        """Where a search may begin: a value for some of the searched parameters."""
        return MappingProxyType(self._defaults)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The parameters that are searched, that is, not fixed: the unit cube's coordinates, in order."""
        return self._dimensions

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

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __contains__(self, name: object) -> bool:
        return name in self._parameters

    def __getitem__(self, name: str) -> Domain:
        try:
            return self._parameters[name]
        except KeyError:
            raise KeyError(f"no parameter {name!r}: {hint_name(str(name), self._parameters)}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._parameters, self._conditions, self._constraints, self._defaults)

    @property
    def _key(self) -> tuple[Any, ...]:
        conditions = frozenset(self._conditions.items())
        defaults = frozenset((name, typed_key(value)) for name, value in self._defaults.items())
        return tuple(self._parameters.items()), conditions, self._constraints, defaults

    def cache(self, key: str, build: Callable[[], Any]) -> Any:
        """What a module built on this one keeps for this space, worked out at most once."""
        if key not in self._cache:
            self._cache[key] = build()
        return self._cache[key]

    # ---- legality

    def active(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The parameters that apply, given the values in `params`; what is inactive there has no say."""
        check_mapping(params)
        inactive = self._find_inactive(dict(self._snap(params)))
        return tuple(name for name in self._parameters if name not in inactive)

    def _find_inactive(self, present: dict[str, Any]) -> set[str]:
        """The names that do not apply; their values are taken out of `present`."""
        inactive = set()
        if self._conditions:
            for name in self._order:
                condition = self._conditions.get(name)
                if condition is not None and not condition.evaluate(present):
                    inactive.add(name)
                    present.pop(name, None)
        return inactive

    def validate(self, params: Mapping[str, Any]) -> None:
        """Accept `params` as a setting of this space: exactly the active parameters, legal, constraints met.

        Raises:
            SpaceError: At the first fault, with the way out.
        """
        check_mapping(params)
        for name, value in params.items():
            domain = self._parameters.get(name)
            if domain is None or not domain.contains(value):
                self._check_known(name, "the setting")
                self._refuse_value(name, value)
        params = self._snap(params)
        inactive = self._find_inactive(dict(params))
        if len(params) + len(inactive) != len(self._parameters) or not inactive.isdisjoint(params):
            self._refuse_names(params, inactive)
        if violated := self.violated(params):
            names = ", ".join(f"{name}={params[name]!r}" for name in violated.names if name in params)
            raise SpaceError(f"{violated.text!r} does not hold for {names}: change one of them.")

    def _refuse_names(self, params: Mapping[str, Any], inactive: set[str]) -> NoReturn:
        for name, domain in self._parameters.items():
            if name not in params and name not in inactive:
                raise SpaceError(f"{name} is missing: give {domain.describe()}.")
        name = next(name for name in params if name in inactive)
        raise SpaceError(
            f"{name}={params[name]!r} does not apply, "
            f"for {self._conditions[name].text!r} does not hold: leave it out."
        )

    def is_legal(self, params: Mapping[str, Any]) -> bool:
        """Whether `validate` accepts `params`."""
        try:
            self.validate(params)
        except SpaceError:
            return False
        return True

    def violated(self, params: Mapping[str, Any]) -> Expression | None:
        """The first constraint that fails, if any; one that a missing parameter leaves undecided does not."""
        check_mapping(params)
        if self._constraints:
            seen = self._snap(params)
            for constraint in self._constraints:
                if constraint.evaluate(seen) is False:
                    return constraint
        return None

    def complete(self, params: Mapping[str, Any]) -> Setting:
        """The setting within `params`: inactive and foreign names dropped, fixed parameters filled in.

        For what comes back from Ray (inactive parameters are None there), Optuna (fixed ones are missing,
        steps are off by rounding), a table's row (integers are floats beside empty cells), a JSON file or
        nested dicts: each value becomes the one of its domain that it stands for.

        Raises:
            SpaceError: If a searched parameter is missing or the setting is not legal.
        """
        check_mapping(params)
        given = flatten(params, self._parameters)
        values: dict[str, Any] = {}
        for name, domain in self._parameters.items():
            if name in given and not is_empty_cell(given[name]):
                values[name] = adopt(domain, given[name])
            elif isinstance(domain, Fixed):
                values[name] = domain.value
        setting = {name: values[name] for name in self.active(values) if name in values}
        self.validate(setting)
        return setting

    def _snap(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values that expressions see: Python's own, and 0.3 for what Optuna makes of 0.1 * 3."""
        is_plain = all(type(value) in _PLAIN for value in params.values())
        if is_plain and not self._stepped:
            return params
        snapped = dict(params) if is_plain else {name: as_scalar(v) for name, v in params.items()}
        for name in self._stepped:
            value = snapped.get(name)
            if type(value) is float:
                snapped[name] = self._parameters[name].snap(value)  # type: ignore[union-attr]
        return snapped

    # ---- the unit cube

    def from_unit(self, point: Sequence[float]) -> Setting:
        """The setting at `point` of the unit cube; constraints are not looked at.

        Args:
            point: One coordinate in [0, 1] for each of `dimensions`; those of inactive ones have no effect.

        Raises:
            SpaceError: If there are more or fewer coordinates, or one lies outside.
        """
        names = self._dimensions
        if len(point) != len(names) or not all(0.0 <= u <= 1.0 for u in point):
            raise SpaceError(
                f"a point has {len(names)} coordinates in [0, 1], not {list(point)!r}: "
                "give one for each of dimensions."
            )
        place = dict(zip(names, map(float, point), strict=True))
        values: Setting = {}
        for name in self._order:
            condition = self._conditions.get(name)
            if condition is None or condition.evaluate(values):
                values[name] = self._parameters[name].from_unit(place.get(name, 0.5))
        return {name: values[name] for name in self._parameters if name in values}

    def to_unit(self, params: Mapping[str, Any]) -> list[float]:
        """A point of the unit cube that `from_unit` maps to `params`: a coordinate for each of `dimensions`.

        Inactive parameters lie in the middle.

        Raises:
            SpaceError: If `params` is not legal.
        """
        self.validate(params)
        return [
            self._parameters[name].to_unit(params[name]) if name in params else 0.5
            for name in self._dimensions
        ]

    # ---- checks

    def _read_defaults(self, defaults: Mapping[str, Any]) -> dict[str, Scalar]:
        read: dict[str, Scalar] = {}
        for name, value in defaults.items():
            with located("defaults", name):
                self._check_known(name, "a default")
                adopted = adopt(self._parameters[name], value)
                if not self._parameters[name].contains(adopted):
                    self._refuse_value(name, value)
                if name in self._dimensions:
                    read[name] = adopted
        present = {n: d.value for n, d in self._parameters.items() if isinstance(d, Fixed)} | read
        self._find_inactive(present)
        if read and (violated := self.violated(present)):
            raise SpaceError(f"the defaults break {violated.text!r}: change one of them.", ("defaults",))
        return {name: read[name] for name in self._parameters if name in read}

    def _read_constraints(self, constraints: Iterable[str | Expression]) -> Iterator[Expression]:
        for index, text in enumerate(constraints):
            with located("constraints", index):
                yield self._read_expression(text)

    def _read_expression(self, text: str | Expression) -> Expression:
        # here, for a third of the package's modules would be imported for spaces that have none
        from search_spaces.expressions import Expression
        from search_spaces.expressions.checking import check_expression
        from search_spaces.expressions.parsing import parse_expression

        expression = text if isinstance(text, Expression) else parse_expression(text)
        for name in expression.names:
            self._check_known(name, repr(expression.text))
        check_expression(expression, self._parameters)
        return expression

    def _check_known(self, name: str, where: str) -> None:
        if name not in self._parameters:
            hint = hint_name(str(name), self._parameters)
            raise SpaceError(f"{where} names {shorten(name)}, which is no parameter of the space: {hint}")

    def _refuse_value(self, name: str, value: object) -> NoReturn:
        domain = self._parameters[name]
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
            f"a parameter's name is 1 to {MAX_NAME} printable characters without backquote, "
            f"not {shorten(name)}: rename it."
        )
    return name
