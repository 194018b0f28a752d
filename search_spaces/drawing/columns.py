"""The values of many settings, a column for each parameter; to the last bit those of `Core.from_unit`."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from search_spaces.domains import Choice, Domain, Integer, Real, Scalar

Array: TypeAlias = npt.NDArray[Any]

MAX_LOOKUP = 10_000
"""Most levels of a domain that are kept as an array."""

_NEAR = 1e-12
"""Farther from where a share starts, a coordinate lies in the same share for `edge` and `from_unit`."""


class Column:
    """The values of one parameter, and where it applies.

    Args:
        domain: Of the parameter.
        units: Its coordinates in [0, 1], shape (n_rows,).
        is_active: Where it applies, shape (n_rows,); None for everywhere.
    """

    def __init__(self, domain: Domain, units: Array, is_active: Array | None) -> None:
        self.domain = domain
        self.is_active = is_active
        self.n_rows = len(units)
        self._rows = None if is_active is None else np.flatnonzero(is_active)
        self._units = units if self._rows is None else units[self._rows]
        self._is_discrete = not math.isinf(domain.size())
        self._codes = _find_codes(domain, self._units) if self._is_discrete else None

    @property
    def codes(self) -> Array:
        """The index of each row's level, and -1 where the parameter does not apply."""
        return self._spread(self._codes, -1)

    @property
    def numbers(self) -> Array:
        """Each row's value as a double, NaN where the parameter does not apply."""
        if self._codes is None:
            return self._spread(np.array(self.values(), np.float64), math.nan)
        if isinstance(self.domain, Integer):
            whole = self.domain.low + self._codes * self.domain.step
            return self._spread(whole.astype(np.float64), math.nan)
        if self.domain.size() <= MAX_LOOKUP:
            return self._spread(_list_numbers(self.domain)[self._codes], math.nan)
        return self._spread(np.array(self.values(), np.float64), math.nan)

    def values(self) -> list[Scalar]:
        """The values where the parameter applies."""
        return self._read(slice(None))

    def pick(self, rows: Array) -> tuple[list[int] | None, list[Scalar]]:
        """Which of `rows` the parameter applies in, None for all of them, and its values there.

        Args:
            rows: Row numbers in rising order, shape (n_picked,).
        """
        if self._rows is None:
            return None, self._read(rows)
        indices = np.full(self.n_rows, -1, np.int64)
        indices[rows] = np.arange(len(rows))
        indices = indices[self._rows]
        picked = np.flatnonzero(indices >= 0)
        return indices[picked].tolist(), self._read(picked)

    def _read(self, which: Any) -> list[Scalar]:
        domain = self.domain
        if self._codes is None:
            return _find_reals(domain, self._units[which])
        codes = self._codes[which]
        if isinstance(domain, Integer):
            return (domain.low + codes * domain.step).tolist()  # type: ignore[no-any-return]
        if domain.size() <= MAX_LOOKUP:
            return _list_levels(domain)[codes].tolist()  # type: ignore[no-any-return]
        return [domain.level(k) for k in codes.tolist()]

    def _spread(self, values: Array | None, absent: float) -> Array:
        assert values is not None
        if self._rows is None:
            return values
        spread = np.full(self.n_rows, absent, values.dtype)
        spread[self._rows] = values
        return spread


class Columns(dict[str, Column]):
    """Columns of equal length by parameter.

    Args:
        n_rows: That length.
    """

    def __init__(self, n_rows: int) -> None:
        super().__init__()
        self.n_rows = n_rows


@lru_cache(maxsize=1024)
def _list_levels(domain: Domain) -> Array:
    levels = np.empty(int(domain.size()), object)
    levels[:] = domain.levels()
    return levels


@lru_cache(maxsize=1024)
def _list_numbers(domain: Domain) -> Array:
    return np.array(domain.levels(), np.float64)


@lru_cache(maxsize=1024)
def _list_starts(domain: Integer) -> Array:
    """Where the share of each level starts, and 1."""
    return np.array([domain.edge(k) for k in range(domain.size() + 1)])


def _find_codes(domain: Domain, units: Array) -> Array:
    size = int(domain.size())
    match domain:
        case Choice() if domain.weights is not None:
            ends = np.array([domain.edge(k + 1) for k in range(size)])
            return np.minimum(np.searchsorted(ends, units, side="right"), size - 1)
        case Integer() if domain.log and domain.mean is None and size <= MAX_LOOKUP:
            return _find_log_codes(domain, units)
        case Integer() if domain.log or domain.mean is not None:
            return np.array([domain.index(domain.from_unit(u)) for u in units.tolist()], np.int64)  # type: ignore[arg-type]
        case Real() if domain.mean is not None:
            return np.array([domain.index(domain.from_unit(u)) for u in units.tolist()], np.int64)  # type: ignore[arg-type]
    return np.minimum((units * size).astype(np.int64), size - 1)


def _find_log_codes(domain: Integer, units: Array) -> Array:
    """By where the shares start, and where that is too near to call by `from_unit` itself."""
    starts = _list_starts(domain)
    codes = np.searchsorted(starts[1:-1], units, side="right")
    is_near = np.minimum(units - starts[codes], starts[codes + 1] - units) < _NEAR
    for row in np.flatnonzero(is_near).tolist():
        codes[row] = domain.index(domain.from_unit(float(units[row])))  # type: ignore[arg-type]
    return codes


def _find_reals(domain: Domain, units: Array) -> list[Scalar]:
    if not isinstance(domain, Real) or domain.mean is not None:
        return [domain.from_unit(u) for u in units.tolist()]
    low, high = (math.log(domain.low), math.log(domain.high)) if domain.log else (domain.low, domain.high)
    places = np.minimum(np.maximum(low * (1.0 - units) + high * units, low), high)
    if domain.log:  # by the same exp as from_unit: NumPy's may differ in the last bit
        places = np.fromiter(map(math.exp, places.tolist()), np.float64, len(places))
        places = np.minimum(np.maximum(places, domain.low), domain.high)
        places[units == 0.0], places[units == 1.0] = domain.low, domain.high
    return places.tolist()  # type: ignore[no-any-return]
