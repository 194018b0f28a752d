"""Settings listed and counted: grids and sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from search_spaces.core import Core
from search_spaces.domains import Scalar, Setting
from search_spaces.domains.scalars import as_scalar
from search_spaces.errors import SpaceError, hint_name, located

if TYPE_CHECKING:
    from search_spaces.expressions import Expression

MAX_SETTINGS = 1_000_000
"""Most settings that are listed."""


def grid(space: Core, levels: int | Mapping[str, int] | None = None) -> list[Setting]:
    """Every legal setting over levels of each domain, once each, the last parameter varying fastest.

    Args:
        space: What to list.
        levels: The most values to take of each range, spread over its scale with both ends: one number
            for all, or one by name. Choices are always taken whole; ranges too, where no number is given.

    Raises:
        SpaceError: If a continuous domain is given no number, or the grid has over a million settings.
    """
    if isinstance(levels, Mapping):
        for name in levels:
            if name not in space.parameters:
                raise SpaceError(
                    f"{name!r} is no parameter of the space: {hint_name(name, space.parameters)}"
                )
    values = {}
    for name, domain in space.parameters.items():
        n = as_scalar(levels.get(name) if isinstance(levels, Mapping) else levels)
        if n is not None and (type(n) is not int or not 1 <= n <= MAX_SETTINGS):
            raise SpaceError(
                f"{name}: a grid takes 1 to {MAX_SETTINGS} levels, not {n!r}: give a whole number."
            )
        with located(prefix=f"{name}: "):
            values[name] = domain.levels(n)
    if not space.conditions and not space.constraints and math.prod(map(len, values.values())) > MAX_SETTINGS:
        raise _too_large()
    settings: list[Setting] = []
    for setting in walk_settings(space, space.order, values):
        if len(settings) == MAX_SETTINGS:
            raise _too_large()
        settings.append({name: setting[name] for name in space.parameters if name in setting})
    return settings


def size(space: Core) -> int | float:
    """Number of legal settings; infinite where an active parameter is continuous.

    Parameters that no expression ties together multiply; the others are counted in boxes, not one by one.

    Raises:
        SpaceError: If those have a legal part too ragged to be counted.
    """
    from search_spaces.drawing.boxes import count_group, find_groups  # here, for only a count needs it

    counts: list[int | float] = []
    tied: set[str] = set()
    for names, constraints in find_groups(space):
        tied.update(names)
        count = count_group(space, names, constraints)
        if count is None:
            raise SpaceError(
                f"the legal part of {', '.join(names)} has too many pieces to count: restrict one of them."
            )
        counts.append(count)
    counts += [domain.size() for name, domain in space.parameters.items() if name not in tied]
    return 0 if 0 in counts else math.prod(counts)


def walk_settings(
    space: Core, order: Sequence[str], values: Mapping[str, Sequence[Scalar]]
) -> Iterator[Setting]:
    """Every way to give the parameters in `order` a value, inactive ones left out, no constraint violated.

    A branch is left as soon as a constraint fails: what is still to come can only decide what is undecided.

    Args:
        space: Whose conditions and constraints count.
        order: The parameters to go through, each after those that its condition mentions.
        values: The values of each.
    """
    concerned = {name: [c for c in space.constraints if name in c.names] for name in order}
    if any(constraint.evaluate({}) is False for constraint in space.constraints):
        return
    setting: Setting = {}
    pending: list[Iterator[Scalar]] = []
    index = 0
    while True:
        while index < len(order) and not _applies(space, order[index], setting):
            pending.append(iter(()))
            index += 1
        if index == len(order):
            yield dict(setting)
        else:
            pending.append(iter(values[order[index]]))
            index += 1
        while pending:
            name = order[len(pending) - 1]
            if _advance(name, pending[-1], setting, concerned[name]):
                break
            pending.pop()
        if not pending:
            return
        index = len(pending)


def _advance(
    name: str, values: Iterator[Scalar], setting: Setting, constraints: Sequence[Expression]
) -> bool:
    """Give `name` its next value that violates nothing; False, and no value, where there is none left."""
    for value in values:
        setting[name] = value
        if all(constraint.evaluate(setting) is not False for constraint in constraints):
            return True
    setting.pop(name, None)
    return False


def _applies(space: Core, name: str, setting: Mapping[str, Any]) -> bool:
    condition = space.conditions.get(name)
    return condition is None or condition.evaluate(setting) is True


def _too_large() -> SpaceError:
    return SpaceError(f"the grid has more than {MAX_SETTINGS} settings: take fewer levels, or sample.")
