"""What whole and real ranges share: checks, and how many levels are listed."""

from __future__ import annotations

import math

from search_spaces.domains.scalars import as_scalar
from search_spaces.errors import SpaceError

MAX_LEVELS = 1_000_000
"""Most values that are listed without being asked for by number."""


def check_order(low: float, high: float) -> None:
    """Accept ends that leave a value between them.

    Raises:
        SpaceError: If they are swapped.
    """
    if low > high:
        raise SpaceError(f"low={low!r} is above high={high!r}, so no value is left: swap them.")


def count_levels(size: float, n: int | None, owner: object) -> int:
    """Number of levels to list: all where `n` is None.

    Raises:
        SpaceError: If these are over `MAX_LEVELS`.
    """
    if n is None and size > MAX_LEVELS:
        raise SpaceError(
            f"{owner!r} has too many values to list: say how many levels to take, or give it a larger step."
        )
    return int(size) if n is None else n


def as_number(value: object) -> float:
    """A number on a scale as a double.

    Raises:
        SpaceError: If it is none.
    """
    value = as_scalar(value)
    if type(value) not in (int, float):
        raise SpaceError(f"a place on a scale needs a number, not {value!r}: give one of the domain.")
    return float(value)  # type: ignore[arg-type]


def write_options(log: bool, step: str, mean: float | None, std: float | None) -> str:
    """The keyword arguments of a range, for its repr."""
    normal = "" if mean is None else f", mean={mean!r}, std={std!r}"
    return f"{', log=True' if log else ''}{step}{normal}"


def describe_scale(log: bool, step: object, mean: float | None, std: float | None) -> str:
    """How a range is gone through, in words."""
    how = "" if step is None else f" in steps of {step}"
    scale = ", log scale" if log else ""
    if mean is None:
        return how + scale
    if log:
        return f"{how}, log-normal around {math.exp(mean):.6g} (its logarithm has mean {mean!r}, std {std!r})"
    return f"{how}, normal with mean {mean!r} and std {std!r}"
