"""Values as they come back from files, tables and other libraries, as values of a domain."""

from __future__ import annotations

import math
from typing import Any

from search_spaces.domains import Choice, Domain, Real
from search_spaces.domains.scalars import as_scalar


def is_empty_cell(value: object) -> bool:
    """Whether a table's cell is empty: NaN, or pandas' own NA."""
    if isinstance(value, float):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")


def adopt(domain: Domain, value: Any) -> Any:
    """The value of `domain` that `value` stands for; `value` itself if there is none.

    NumPy's scalars become Python's own; 64.0, which a table makes of 64 beside an empty cell, an integer; 2,
    which JSON makes of 2.0, a float; 0.1 * 3 the level or choice 0.3; and a list to choose from its label.
    """
    value = as_scalar(value)
    if isinstance(domain, Choice):
        value = domain.label(value)
    for candidate in (value, *_other_forms(value)):
        if domain.contains(candidate):
            return domain.snap(candidate) if isinstance(domain, Real) else candidate
    return value


def _other_forms(value: object) -> tuple[object, ...]:
    if type(value) is float:
        rounded = float(f"{value:.12g}")
        return (int(value), rounded) if value.is_integer() else (rounded,)
    return (float(value),) if type(value) is int and abs(value) <= 2**53 else ()
