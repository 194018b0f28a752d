"""What a tool's documents have no place for, refused by name before anything is written."""

from __future__ import annotations

from collections.abc import Iterator

from search_spaces.core import Core
from search_spaces.domains import Choice, name_density
from search_spaces.errors import SpaceError

MAX_WRITTEN = 10_000
"""Most levels of a range with steps that are written one by one."""


def refuse_absent(space: Core, tool: str, *, densities: bool = True) -> None:
    """Accept a space whose parameters stand alone.

    Args:
        space: The space.
        tool: What to call the tool in messages.
        densities: Whether weights and normal ranges are refused, too.

    Raises:
        SpaceError: If it has conditions, constraints, defaults, or lists that are chosen by a label of their
            own, or some values are likelier than others; all of them are named.
    """
    if absent := list(_list_absent(space, densities)):
        raise SpaceError(
            f"{tool} has no place for {'; '.join(absent)}: build the space without, on the command line "
            "by --drop."
        )


def _list_absent(space: Core, densities: bool) -> Iterator[str]:
    for name, condition in space.conditions.items():
        yield f"the condition of {name}, {condition.text!r}"
    for constraint in space.constraints:
        yield f"the constraint {constraint.text!r}"
    for name, value in space.defaults.items():
        yield f"the default {name}={value!r}"
    for name, domain in space.parameters.items():
        if densities and name_density(domain):
            yield f"the {'weights' if isinstance(domain, Choice) else 'mean and std'} of {name}"
        if isinstance(domain, Choice) and isinstance(domain.notation(), dict):
            yield f"the labels of {name}"


def check_length(name: str, size: float) -> None:
    """Accept a range with steps of few levels.

    Raises:
        SpaceError: If there are more than `MAX_WRITTEN`.
    """
    if size > MAX_WRITTEN:
        raise SpaceError(
            f"{name}: {size} levels would have to be written one by one, and {MAX_WRITTEN} are the most: "
            "take a larger step."
        )
