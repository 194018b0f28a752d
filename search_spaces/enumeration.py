"""Settings listed and counted: grids and sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from search_spaces.domains import Scalar
from search_spaces.errors import SpaceError, hint_name

if TYPE_CHECKING:
    from search_spaces.space import Space

MAX_SETTINGS = 1_000_000
"""Most settings that are listed or counted one by one."""


def list_grid(space: Space, levels: int | Mapping[str, int] | None) -> list[dict[str, Scalar]]:
    """Every legal setting over the levels of each domain, the last parameter varying fastest."""
    if isinstance(levels, Mapping):
        for name in levels:
            if name not in space.parameters:
                raise SpaceError(
                    f"{name!r} is no parameter of the space: {hint_name(name, space.parameters)}"
                )
    values = {}
    for name, domain in space.parameters.items():
        n = levels.get(name) if isinstance(levels, Mapping) else levels
        if n is not None and (type(n) is not int or n < 1):
            raise SpaceError(f"{name}: a grid takes 1 level or more, not {n!r}: give a whole number.")
        if n is None and domain.size > MAX_SETTINGS:
            raise SpaceError(
                f"{name}: {domain!r} has too many values for a grid: say how many levels to take of it, "
                f"levels={{{name!r}: 5}} for example."
            )
        values[name] = domain.levels(n)
    grid: list[dict[str, Scalar]] = []
    for setting in walk_settings(space, space.order, values):
        if len(grid) == MAX_SETTINGS:
            raise SpaceError(f"the grid has more than {MAX_SETTINGS} settings: take fewer levels, or sample.")
        grid.append({name: setting[name] for name in space.parameters if name in setting})
    return grid


def count_settings(space: Space) -> int | float:
    """Number of legal settings; infinite where an active parameter is continuous.

    Only parameters that expressions mention are gone through one by one; the others multiply.
    """
    expressions = (*space.conditions.values(), *space.constraints)
    mentioned = {name for expression in expressions for name in expression.names}
    core = [name for name in space.order if name in mentioned]
    if any(math.isinf(space.parameters[name].size) for name in core):
        return math.inf
    if math.prod(space.parameters[name].size for name in core) > MAX_SETTINGS**2:
        raise _too_many()
    values = {name: space.parameters[name].levels() for name in core}
    leaves = [name for name in space.parameters if name not in mentioned]
    total: int | float = 0
    for n_seen, setting in enumerate(walk_settings(space, core, values)):
        if n_seen == MAX_SETTINGS:
            raise _too_many()
        total += math.prod(space.parameters[name].size for name in leaves if _applies(space, name, setting))
    return total


def walk_settings(
    space: Space, order: Sequence[str], values: Mapping[str, Sequence[Scalar]]
) -> Iterator[dict[str, Scalar]]:
    """Every way to give the parameters in `order` a value, inactive ones left out, no constraint violated.

    A branch is left as soon as a constraint fails: what is still to come can only decide what is undecided.

    Args:
        space: Whose conditions and constraints count.
        order: The parameters to go through, each after those that its condition mentions.
        values: The values of each.
    """
    setting: dict[str, Scalar] = {}
    pending: list[Iterator[Scalar]] = []
    place = 0
    while True:
        while place < len(order) and not _applies(space, order[place], setting):
            pending.append(iter(()))
            place += 1
        if place == len(order):
            if space.violated(setting) is None:
                yield dict(setting)
        else:
            pending.append(iter(values[order[place]]))
            place += 1
        while pending and not _advance(space, order[len(pending) - 1], pending[-1], setting):
            pending.pop()
        if not pending:
            return
        place = len(pending)


def _advance(space: Space, name: str, values: Iterator[Scalar], setting: dict[str, Scalar]) -> bool:
    """Give `name` its next value that violates nothing; False, and no value, where there is none left."""
    for value in values:
        setting[name] = value
        if space.violated(setting) is None:
            return True
    setting.pop(name, None)
    return False


def _applies(space: Space, name: str, setting: Mapping[str, Scalar]) -> bool:
    condition = space.conditions.get(name)
    return condition is None or condition.evaluate(setting) is True


def _too_many() -> SpaceError:
    return SpaceError(
        f"the parameters in conditions and constraints have more than {MAX_SETTINGS} combinations, "
        "too many to count: restrict them first."
    )
