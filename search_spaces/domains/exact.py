"""Numbers as they are written: 0.1 is a tenth here, not the double nearest to it.

Arithmetic in expressions is exact, so that `w0 + w1 + w2 == 1` holds for .1, .2 and .7, whatever doubles
make of it; and it does not depend on the caller's `decimal` context.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from search_spaces.domains.scalars import as_scalar

if TYPE_CHECKING:
    from fractions import Fraction  # each function imports it: it brings `decimal` along

    Exact: TypeAlias = int | Fraction


@lru_cache(maxsize=65_536)
def as_fraction(value: float) -> Fraction:
    """The decimal that `repr` writes for a finite double, as a fraction."""
    from fractions import Fraction

    return Fraction(repr(value))


def exact(value: Any) -> Any:
    """A float as the number it is written as; everything else as it is."""
    if type(value) is int:
        return value
    value = as_scalar(value)
    return as_fraction(value) if type(value) is float else value


def divide(left: Exact, right: Exact) -> Fraction:
    """`left / right`.

    Raises:
        ZeroDivisionError: If `right` is 0.
    """
    from fractions import Fraction

    return Fraction(left) / right
