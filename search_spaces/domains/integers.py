"""Whole numbers between two ends, both included."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

from search_spaces.domains.ranges import as_number, check_order, count_levels, describe_scale, write_options
from search_spaces.domains.scalars import MAX_INTEGER, Scalar, as_scalar, check_flag
from search_spaces.domains.scales import Bell, check_bell, check_unit, interpolate, nudge, spread
from search_spaces.errors import SpaceError

_FLAT = 1e-9
"""Of a range that reaches so little beyond its low end, in shares of it, the log scale is the plain one."""


@dataclass(frozen=True)
class Integer:
    """Whole numbers from `low` to `high`, both included.

    Args:
        low: Smallest value.
        high: Largest value; `low` plus a multiple of `step`.
        log: Whether equal ratios are equally likely; needs `low >= 1` and a step of 1.
        step: Distance between values.
        mean: With `std`, makes values near it likelier, by a normal distribution that is cut at half a step
            outside the ends and rounded; with `log`, that of the natural logarithm.
        std: Standard deviation of that distribution, of the natural logarithm with `log`.
    """

    low: int
    high: int
    log: bool = field(default=False, kw_only=True)
    step: int = field(default=1, kw_only=True)
    mean: float | None = field(default=None, kw_only=True)
    std: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            value = as_scalar(getattr(self, name))
            if type(value) is not int or abs(value) > MAX_INTEGER:
                raise SpaceError(
                    f"Integer takes whole numbers up to 2**53, not {name}={value!r}: "
                    "round it, or use Real for fractions."
                )
            object.__setattr__(self, name, value)
        object.__setattr__(self, "log", check_flag(self.log, "log"))
        check_order(self.low, self.high)
        self._check_step()
        if bell := check_bell(self.mean, self.std, *self._ends):
            object.__setattr__(self, "mean", bell.mean)
            object.__setattr__(self, "std", bell.std)

    def _check_step(self) -> None:
        if self.step < 1:
            raise SpaceError(f"step={self.step} goes nowhere: give 1 or more.")
        if self.log and self.low < 1:
            raise SpaceError(
                f"a log scale starts at 1 or above, not at low={self.low}: raise low or drop log."
            )
        if self.log and self.step != 1:
            raise SpaceError(
                f"log and step={self.step} exclude each other: drop one, or list the values in a Choice."
            )
        if (self.high - self.low) % self.step:
            reached = self.level(self.size() - 1)
            raise SpaceError(
                f"high={self.high} is not reached from low={self.low} in steps of {self.step}: "
                f"write high={reached}."
            )

    def __repr__(self) -> str:
        step = f", step={self.step}" if self.step != 1 else ""
        return f"Integer({self.low}, {self.high}{write_options(self.log, step, self.mean, self.std)})"

    def size(self) -> int:
        """Number of values."""
        return (self.high - self.low) // self.step + 1

    def contains(self, value: object) -> bool:
        """Whether `value` is an int in reach; 16.0 and True are not."""
        if type(value) is not int:
            value = as_scalar(value)
            if type(value) is not int:
                return False
        return self.low <= value <= self.high and (self.step == 1 or (value - self.low) % self.step == 0)

    def describe(self) -> str:
        """The values in words, for messages and tables."""
        step = self.step if self.step != 1 else None
        return (
            f"an integer from {self.low} to {self.high}{describe_scale(self.log, step, self.mean, self.std)}"
        )

    def level(self, k: int) -> int:
        """The value number `k`, from 0."""
        return self.low + k * self.step

    def index(self, value: int) -> int:
        """Which of the levels `value` is, from 0."""
        return (value - self.low) // self.step

    def levels(self, n: int | None = None) -> list[Scalar]:
        """All values in order, or at most `n` spread over the scale, both ends included.

        Raises:
            SpaceError: If `n` is None and there are over `MAX_LEVELS`.
        """
        n = count_levels(self.size(), n, self)
        if n >= self.size():
            return list(range(self.low, self.high + 1, self.step))
        if self.log:
            exponents = spread(math.log(self.low), math.log(self.high), n)
            levels = [self._clip(round(math.exp(exponent))) for exponent in exponents]
            if n > 1:
                levels[0], levels[-1] = self.low, self.high  # exact, however large
            return list(dict.fromkeys(levels))
        return [self.low + round(k) * self.step for k in spread(0, self.size() - 1, n)]

    def from_unit(self, u: float) -> Scalar:
        """The value whose share of [0, 1] holds `u`; on a log scale k has the share of k - 1/2 to k + 1/2.

        Raises:
            SpaceError: If `u` lies outside.
        """
        check_unit(u)
        if self._is_uniform:
            size = (self.high - self.low) // self.step + 1
            return self.low + min(int(u * size), size - 1) * self.step
        if not 0.0 < u < 1.0:
            return self.high if u else self.low
        bell = self._bell
        number = bell.interpolate(u) if bell else interpolate(*self._ends, u)
        if self.log:
            return self._clip(round(math.exp(number)))
        return self._clip(self.low + round((number - self.low) / self.step) * self.step)

    def to_unit(self, value: object) -> float:
        """A point in the share of `value`, which `from_unit` maps back.

        A double has no room for the shares of more than about 2**46 values on a log scale: up there,
        neighbours have the same point.
        """
        number = as_number(value)
        if not self._is_uniform:
            u = self._locate(number)
        else:
            u = ((number - self.low) / self.step + 0.5) / self.size()
        return nudge(u, lambda candidate: self.from_unit(candidate) == number)

    def edge(self, k: int) -> float:
        """Where the share of level `k` starts; 1 for the number of levels."""
        if k <= 0 or k >= self.size():
            return float(k > 0)
        if not self._is_uniform:
            return self._locate(self.low + (k - 0.5) * self.step)
        return k / self.size()

    def _locate(self, number: float) -> float:
        place = math.log(number) if self.log else number
        if self._bell:
            return self._bell.locate(place)
        start, end = self._ends
        return (place - start) / (end - start)

    @cached_property
    def _is_uniform(self) -> bool:
        """Whether values have equal shares; far up they do on a log scale too."""
        is_flat = not self.log or self.high - self.low < _FLAT * self.low
        return is_flat and self.mean is None

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """Half a step outside of both ends, on the scale."""
        if self.log:
            return math.log(self.low - 0.5), math.log(self.high + 0.5)
        return self.low - self.step / 2, self.high + self.step / 2

    @cached_property
    def _bell(self) -> Bell | None:
        return check_bell(self.mean, self.std, *self._ends)

    def _clip(self, value: int) -> int:
        return min(max(value, self.low), self.high)
