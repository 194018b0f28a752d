"""Real numbers between two ends, both included, or levels of equal distance among them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

from search_spaces.domains.exact import as_fraction
from search_spaces.domains.ranges import as_number, check_order, count_levels, describe_scale, write_options
from search_spaces.domains.scalars import MAX_INTEGER, Scalar, as_scalar, check_flag
from search_spaces.domains.scales import Bell, check_bell, check_unit, interpolate, locate, nudge, spread
from search_spaces.errors import SpaceError

STEP_TOLERANCE = 1e-8
"""Share of a step by which a stepped real may miss its level, for `low + k * step` rounds (as in Optuna)."""

ULP_TOLERANCE = 4
"""Units in the last place by which it may miss its level too, where these are wider."""

_MAX_TABLE = 10_000


@dataclass(frozen=True)
class Real:
    """Real numbers from `low` to `high`, both included.

    Args:
        low: Smallest value.
        high: Largest value; with a step, `low` plus a multiple of it, as written in decimal.
        log: Whether equal ratios are equally likely; needs `low > 0` and no step.
        step: Distance between values; None for all numbers.
        mean: With `std`, makes values near it likelier, by a normal distribution that is cut at the ends
            (half a step outside of them with a step); with `log`, that of the natural logarithm.
        std: Standard deviation of that distribution, of the natural logarithm with `log`.
    """

    low: float
    high: float
    log: bool = field(default=False, kw_only=True)
    step: float | None = field(default=None, kw_only=True)
    mean: float | None = field(default=None, kw_only=True)
    std: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("low", "high") if self.step is None else ("low", "high", "step"):
            value = as_scalar(getattr(self, name))
            if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
                raise SpaceError(f"Real takes finite numbers, not {name}={value!r}: give a number.")
            object.__setattr__(self, name, float(value) + 0.0)  # type: ignore[arg-type]  # + 0.0: no -0.0
        object.__setattr__(self, "log", check_flag(self.log, "log"))
        check_order(self.low, self.high)
        if self.log and self.low <= 0:
            raise SpaceError(f"a log scale starts above 0, not at low={self.low}: raise low or drop log.")
        if self.step is not None:
            self._check_step(self.step)
        if bell := check_bell(self.mean, self.std, *self._ends):
            object.__setattr__(self, "mean", bell.mean)
            object.__setattr__(self, "std", bell.std)

    def _check_step(self, step: float) -> None:
        if step <= 0:
            raise SpaceError(f"step={step} goes nowhere: give a number above 0.")
        if self.log:
            raise SpaceError(
                f"log and step={step} exclude each other: drop one, or list the values in a Choice."
            )
        span, width = as_fraction(self.high) - as_fraction(self.low), as_fraction(step)
        if span / width > MAX_INTEGER:
            raise SpaceError(f"step={step} makes more than 2**53 values: give a larger step, or none.")
        if span % width:
            reached = float(as_fraction(self.low) + span // width * width)
            raise SpaceError(
                f"high={self.high} is not reached from low={self.low} in steps of {step}: "
                f"write high={reached}."
            )
        if step < 2 * ULP_TOLERANCE * math.ulp(max(abs(self.low), abs(self.high))) and span:
            raise SpaceError(
                f"step={step} is finer than doubles between {self.low} and {self.high}: give a larger step."
            )

    def __repr__(self) -> str:
        step = f", step={self.step}" if self.step is not None else ""
        return f"Real({self.low}, {self.high}{write_options(self.log, step, self.mean, self.std)})"

    def size(self) -> int | float:
        """Number of values; infinite without a step."""
        if self.step is None:
            return 1 if self.low == self.high else math.inf
        return self._count

    @cached_property
    def _count(self) -> int:
        span = as_fraction(self.high) - as_fraction(self.low)
        return int(span // as_fraction(self.step or 1.0)) + 1

    def contains(self, value: object) -> bool:
        """Whether `value` is a number in reach, an int too; NaN and True are not."""
        if type(value) is not float:
            value = as_scalar(value)
            if type(value) not in (int, float):
                return False
        if self.step is None:
            return self.low <= value <= self.high  # type: ignore[operator]
        return self._nearest(value) is not None  # type: ignore[arg-type]

    def snap(self, value: float) -> float:
        """The level that `value` stands for, 0.3 for 0.1 * 3; `value` itself where there is none.

        Without a step, every number stands for itself.
        """
        if self.step is None:
            return value
        level = self._nearest(value)
        return value if level is None else level

    def _nearest(self, value: float) -> float | None:
        """The level within rounding errors of `value`, if any."""
        if not math.isfinite(value) or (k := self.index(value)) is None:
            return None
        level, step = self.level(k), self.step or 0.0
        slack = max(STEP_TOLERANCE * step, ULP_TOLERANCE * math.ulp(max(abs(level), abs(value))))
        return level if abs(value - level) <= min(slack, step / 4) else None

    def describe(self) -> str:
        """The values in words, for messages and tables."""
        how = describe_scale(self.log, self.step, self.mean, self.std)
        return f"a number from {self.low} to {self.high}{how}"

    def level(self, k: int) -> float:
        """The value number `k`, from 0: `low + k * step` as written in decimal, 0.3 for 0.0 + 3 * 0.1."""
        if self.step is None:
            return self.low
        if self._count <= _MAX_TABLE:
            return self._table[k]
        return float(as_fraction(self.low) + k * as_fraction(self.step))

    @cached_property
    def _table(self) -> tuple[float, ...]:
        low, step = as_fraction(self.low), as_fraction(self.step or 0.0)
        return tuple(float(low + k * step) for k in range(self._count))

    def index(self, value: float) -> int | None:
        """Which of the levels is nearest to `value`, from 0; None where it lies a step outside."""
        if self.step is None:
            return 0
        k = round((value - self.low) / self.step)
        if self._count > 2**40:  # where the quotient of doubles may be off by one
            k = round((as_fraction(float(value)) - as_fraction(self.low)) / as_fraction(self.step))
        return k if 0 <= k < self._count else None

    def levels(self, n: int | None = None) -> list[Scalar]:
        """All values in order, or at most `n` spread over the scale, both ends included.

        Raises:
            SpaceError: If `n` is None and there are over `MAX_LEVELS`.
        """
        n = count_levels(self.size(), n, self)
        if self.step is not None:
            indices = range(self._count) if n >= self._count else map(round, spread(0, self._count - 1, n))
            return [self.level(k) for k in indices]
        if self.low == self.high:
            return [self.low]
        if self.log:
            inner = [self._clip(math.exp(place)) for place in spread(*self._ends, n)]
        else:
            inner = list(spread(self.low, self.high, n))
        return [*inner] if n == 1 else [self.low, *inner[1:-1], self.high]

    def from_unit(self, u: float) -> Scalar:
        """The number at `u` of the way from `low` to `high`, on the scale; both ends are exact.

        Raises:
            SpaceError: If `u` lies outside.
        """
        check_unit(u)
        if self.mean is None and self.step is None:
            if self.log and 0.0 < u < 1.0:
                return self._clip(math.exp(interpolate(*self._ends, u)))
            return interpolate(self.low, self.high, u)
        if not 0.0 < u < 1.0:
            return self.high if u else self.low
        if self._bell is None:
            return self.level(min(int(u * self._count), self._count - 1))
        number = self._bell.interpolate(u)
        if self.step is not None:
            k = round((number - self.low) / self.step)
            return self.level(min(max(k, 0), self._count - 1))
        return self._clip(math.exp(number) if self.log else number)

    def to_unit(self, value: object) -> float:
        """The way from `low` to `value` as a share of the way to `high`, on the scale."""
        number = as_number(value)
        if self.low == self.high:
            return 0.5
        if self.step is None:
            return self._locate(number)
        level = self.snap(number)
        k = self.index(level) or 0
        u = self._locate(level) if self._bell else (k + 0.5) / self._count
        return nudge(u, lambda candidate: self.from_unit(candidate) == level)

    def edge(self, k: int) -> float:
        """Where the share of level `k` starts; 1 for the number of levels."""
        if k <= 0 or k >= self.size():
            return float(k > 0)
        if self._bell:
            return self._locate(self.low + (k - 0.5) * (self.step or 0.0))
        return k / self._count

    def _locate(self, number: float) -> float:
        place = math.log(number) if self.log else number
        return self._bell.locate(place) if self._bell else locate(*self._ends, place)

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """Both ends on the scale, half a step further where values are rounded to levels."""
        if self.log:
            return math.log(self.low), math.log(self.high)
        half = (self.step or 0.0) / 2
        return self.low - half, self.high + half

    @cached_property
    def _bell(self) -> Bell | None:
        return check_bell(self.mean, self.std, *self._ends)

    def _clip(self, value: float) -> float:
        return min(max(value, self.low), self.high)
