"""Scalars: what a parameter's value may be, and how their types are told apart."""

from __future__ import annotations

import math
from collections.abc import Set
from typing import TypeAlias

from search_spaces.errors import SpaceError

Scalar: TypeAlias = str | int | float | bool | None
"""A value of a parameter."""

MAX_INTEGER = 2**53
"""Integers up to this size survive storage as a double, which is how Optuna stores them."""


def as_scalar(value: object) -> object:
    """NumPy scalars as Python's own, everything else as it is."""
    kind = type(value)
    if kind is float or kind is int or kind is str:  # almost always
        return value
    if kind.__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def typed_key(value: object) -> tuple[str, object]:
    """What tells scalars apart: Python holds 1, 1.0 and True for equal, we do not."""
    return type(value).__name__, value


def check_scalar(value: object, owner: str) -> Scalar:
    """The value as a scalar, if it is one.

    Raises:
        SpaceError: If it is not, or not finite, or an integer that a double cannot hold.
    """
    value = as_scalar(value)
    if type(value) not in (str, int, float, bool, type(None)):
        way_out = "give one of these and build the object from it in your own code."
        if hasattr(value, "tolist") or isinstance(value, Set):
            way_out = "of several values write a list, values.tolist() of an array or a series."
        raise SpaceError(f"{owner} holds text, numbers, truth values or null, not {value!r}: {way_out}")
    if isinstance(value, float) and not math.isfinite(value):
        raise SpaceError(f"{owner} holds finite numbers, not {value!r}: write it as text, or leave it out.")
    if type(value) is int and abs(value) > MAX_INTEGER:
        raise SpaceError(f"{owner} holds integers up to 2**53, not {value!r}: write it as text.")
    return value  # type: ignore[return-value]


def check_flag(value: object, name: str) -> bool:
    """A truth value as Python's own.

    Raises:
        SpaceError: If it is something else.
    """
    value = as_scalar(value)
    if type(value) is not bool:
        raise SpaceError(f"{name} is true or false, not {value!r}: give one of these.")
    return value
