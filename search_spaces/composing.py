"""Spaces out of spaces: union, restriction, fixing, renaming."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from search_spaces.core import Core
from search_spaces.domains import Domain, Fixed, Integer, Real, flatten_density
from search_spaces.domains.codec import DomainLike, as_domain
from search_spaces.errors import SpaceError, hint_name

AnySpace = TypeVar("AnySpace", bound=Core)
"""A space, or one of a class that a user made of it: what comes out is of the same class."""

MAX_COMPARED = 100_000
"""Values looked at one by one to see whether a domain holds another."""


def union(space: AnySpace, other: Core) -> AnySpace:
    """The parameters, conditions and constraints of both; those of the same name must be equal.

    Raises:
        SpaceError: If a parameter has two different domains or conditions.
    """
    for name in space.parameters.keys() & other.parameters.keys():
        for what, mine, theirs in (
            ("domain", space.parameters[name], other.parameters[name]),
            ("condition", space.conditions.get(name), other.conditions.get(name)),
            ("default", space.defaults.get(name, ...), other.defaults.get(name, ...)),
        ):
            if mine != theirs:
                raise SpaceError(
                    f"{name} has two {what}s, {mine!r} and {theirs!r}: "
                    "make them equal, or tell the names apart with prefix or rename."
                )
    return type(space)(
        {**space.parameters, **other.parameters},
        {**space.conditions, **other.conditions},
        (*space.constraints, *other.constraints),
        {**space.defaults, **other.defaults},
    )


def restrict(space: AnySpace, domains: Mapping[str, DomainLike]) -> AnySpace:
    """The space with smaller domains for some parameters; a default that lies outside goes.

    Raises:
        SpaceError: If a name is unknown, or a domain reaches beyond the present one.
    """
    replaced: dict[str, Domain] = dict(space.parameters)
    for name, value in domains.items():
        if name not in replaced:
            raise SpaceError(f"{name!r} is no parameter of the space: {hint_name(name, replaced)}")
        domain = as_domain(value, name)
        if not holds(replaced[name], domain):
            raise SpaceError(
                f"{name}: {domain!r} reaches beyond {replaced[name]!r}: "
                "keep inside it, or build a new space for a wider one."
            )
        replaced[name] = domain
    kept = {name: value for name, value in space.defaults.items() if replaced[name].contains(value)}
    return type(space)(replaced, space.conditions, space.constraints, kept)


def fix(space: AnySpace, values: Mapping[str, Any]) -> AnySpace:
    """The space with some parameters at one value.

    Raises:
        SpaceError: If a name is unknown, or a value is outside its domain.
    """
    return restrict(space, {name: Fixed(value) for name, value in values.items()})


def rename(space: AnySpace, names: Mapping[str, str]) -> AnySpace:
    """The space with some parameters called otherwise (old name to new), in all expressions too.

    Raises:
        SpaceError: If an old name is unknown, or two parameters would share a name.
    """
    for name in names:
        if name not in space.parameters:
            raise SpaceError(f"{name!r} is no parameter of the space: {hint_name(name, space.parameters)}")
    from search_spaces.expressions.writing import rename_expression  # here, as in `core`

    new = [names.get(name, name) for name in space.parameters]
    if len(set(new)) < len(new):
        twice = next(name for name in new if new.count(name) > 1)
        raise SpaceError(f"two parameters would be called {twice!r}: give each a name of its own.")
    return type(space)(
        dict(zip(new, space.parameters.values(), strict=True)),
        {names.get(name, name): rename_expression(e, names) for name, e in space.conditions.items()},
        [rename_expression(constraint, names) for constraint in space.constraints],
        {names.get(name, name): value for name, value in space.defaults.items()},
    )


def prefix(space: AnySpace, prefix: str) -> AnySpace:
    """The space with `prefix` in front of each name, to unite spaces that share names."""
    return rename(space, {name: f"{prefix}{name}" for name in space.parameters})


def uniform(space: AnySpace) -> AnySpace:
    """The space with all values equally likely: no weights, no normal ranges.

    For searches that know neither and would drop them in silence; `adapters` refuse the others.
    """
    domains = {name: flatten_density(domain) for name, domain in space.parameters.items()}
    return type(space)(domains, space.conditions, space.constraints, space.defaults)


def holds(outer: Domain, inner: Domain) -> bool:
    """Whether every value of `inner` is one of `outer`."""
    if isinstance(inner, (Integer, Real)) and isinstance(outer, type(inner)):
        if inner.size() == 1:
            return outer.contains(inner.low)
        if isinstance(outer, Integer) or outer.step is None:
            aligned = isinstance(outer, Real) or _is_multiple(inner, outer)
            return aligned and outer.contains(inner.low) and outer.contains(inner.high)
    if inner.size() > MAX_COMPARED:
        return False
    return all(outer.contains(value) for value in inner.levels())


def _is_multiple(inner: Integer | Real, outer: Integer) -> bool:
    return isinstance(inner, Integer) and inner.step % outer.step == 0
