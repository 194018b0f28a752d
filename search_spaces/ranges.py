"""Domains of numbers between two ends, both included."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal

from search_spaces.errors import SpaceError
from search_spaces.scalars import MAX_INTEGER, Scalar, as_scalar, check_flag

MAX_LEVELS = 1_000_000
"""Most values that are listed without being asked for by number."""

STEP_TOLERANCE = 1e-8
"""Share of a step by which a stepped real may miss its level, for `low + k * step` rounds (as in Optuna)."""


def _check_levels(domain: Integer | Real, n: int | None) -> int:
    """Number of levels to list; all where `n` is None."""
    if n is None and domain.size() > MAX_LEVELS:
        raise SpaceError(
            f"{domain!r} has too many values to list: say how many levels to take, or give it a larger step."
        )
    return int(domain.size()) if n is None else n


def _as_float(value: object) -> float:
    value = as_scalar(value)
    if type(value) not in (int, float):
        raise SpaceError(f"a place on a scale needs a number, not {value!r}: give one of the domain.")
    return float(value)  # type: ignore[arg-type]


def _check_order(low: float, high: float) -> None:
    if low > high:
        raise SpaceError(f"low={low!r} is above high={high!r}, so no value is left: swap them.")


def _spread(low: float, high: float, n: int) -> list[float]:
    """`n` evenly spaced numbers from `low` to `high`, both included; the middle alone for one."""
    if n == 1:
        return [low / 2 + high / 2]
    return [_interpolate(low, high, i / (n - 1)) for i in range(n)]


def _interpolate(low: float, high: float, u: float) -> float:
    """Between two numbers, exact at both ends, without overflow where `high - low` is infinite."""
    return min(max(low * (1.0 - u) + high * u, low), high)


@dataclass(frozen=True)
class Integer:
    """Whole numbers from `low` to `high`, both included.

    Args:
        low: Smallest value.
        high: Largest value; `low` plus a multiple of `step`.
        log: Whether equal ratios are equally likely; needs `low >= 1` and a step of 1.
        step: Distance between values.
    """

    low: int
    high: int
    log: bool = field(default=False, kw_only=True)
    step: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            value = as_scalar(getattr(self, name))
            if type(value) is not int or abs(value) > MAX_INTEGER:
                raise SpaceError(
                    f"Integer takes whole numbers up to 2**53, not {name}={value!r}: "
                    "round it, or use Real for fractions."
                )
            object.__setattr__(self, name, value)
        check_flag(self.log, "log")
        _check_order(self.low, self.high)
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
            reached = self.low + (self.size() - 1) * self.step
            raise SpaceError(
                f"high={self.high} is not reached from low={self.low} in steps of {self.step}: "
                f"write high={reached}."
            )

    def __repr__(self) -> str:
        return f"Integer({self.low}, {self.high}{', log=True' if self.log else ''}{self._step_text})"

    @property
    def _step_text(self) -> str:
        return f", step={self.step}" if self.step != 1 else ""

    def size(self) -> int:
        """Number of values."""
        return (self.high - self.low) // self.step + 1

    def contains(self, value: object) -> bool:
        """Whether `value` is an int in reach; 16.0 and True are not."""
        value = as_scalar(value)
        return type(value) is int and self.low <= value <= self.high and (value - self.low) % self.step == 0

    def describe(self) -> str:
        """The values in words, for messages and tables."""
        how = f" in steps of {self.step}" if self.step != 1 else ""
        return f"an integer from {self.low} to {self.high}{how}{', log scale' if self.log else ''}"

    def levels(self, n: int | None = None) -> list[Scalar]:
        """All values in order, or at most `n` spread over the scale, both ends included.

        Raises:
            SpaceError: If `n` is None and there are over `MAX_LEVELS`.
        """
        n = _check_levels(self, n)
        if n >= self.size():
            return list(range(self.low, self.high + 1, self.step))
        if self.log:
            exponents = _spread(math.log(self.low), math.log(self.high), n)
            levels = [self._clip(round(math.exp(exponent))) for exponent in exponents]
            if n > 1:
                levels[0], levels[-1] = self.low, self.high  # exact, however large
            return list(dict.fromkeys(levels))
        return [self.low + round(k) * self.step for k in _spread(0, self.size() - 1, n)]

    def from_unit(self, u: float) -> Scalar:
        """The value whose share of [0, 1] holds `u`; on a log scale k has the share of k - 1/2 to k + 1/2."""
        if self.log and 0.0 < u < 1.0:
            return self._clip(round(math.exp(_interpolate(*self._log_ends, u))))
        return self.low + min(int(u * self.size()), self.size() - 1) * self.step

    def to_unit(self, value: object) -> float:
        """A point in the share of `value`."""
        number = _as_float(value)
        if self.log:
            start, end = self._log_ends
            return (math.log(number) - start) / (end - start)
        return ((number - self.low) / self.step + 0.5) / self.size()

    @property
    def _log_ends(self) -> tuple[float, float]:
        return math.log(self.low - 0.5), math.log(self.high + 0.5)

    def _clip(self, value: int) -> int:
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Real:
    """Real numbers from `low` to `high`, both included.

    Args:
        low: Smallest value.
        high: Largest value; with a step, `low` plus a multiple of it, as written in decimal.
        log: Whether equal ratios are equally likely; needs `low > 0` and no step.
        step: Distance between values; None for all numbers.
    """

    low: float
    high: float
    log: bool = field(default=False, kw_only=True)
    step: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("low", "high") if self.step is None else ("low", "high", "step"):
            value = as_scalar(getattr(self, name))
            if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
                raise SpaceError(f"Real takes finite numbers, not {name}={value!r}: give a number.")
            object.__setattr__(self, name, float(value) + 0.0)  # type: ignore[arg-type]  # + 0.0: no -0.0
        check_flag(self.log, "log")
        _check_order(self.low, self.high)
        if self.log and self.low <= 0:
            raise SpaceError(f"a log scale starts above 0, not at low={self.low}: raise low or drop log.")
        if self.step is not None:
            self._check_step(self.step)

    def _check_step(self, step: float) -> None:
        if step <= 0:
            raise SpaceError(f"step={step} goes nowhere: give a number above 0.")
        if self.log:
            raise SpaceError(
                f"log and step={step} exclude each other: drop one, or list the values in a Choice."
            )
        span, width = self._decimal(self.high) - self._decimal(self.low), self._decimal(step)
        if span / width > MAX_INTEGER:
            raise SpaceError(f"step={step} makes more than 2**53 values: give a larger step, or none.")
        if span % width:
            reached = float(self._decimal(self.low) + span // width * width)
            raise SpaceError(
                f"high={self.high} is not reached from low={self.low} in steps of {step}: "
                f"write high={reached}."
            )

    @staticmethod
    def _decimal(value: float) -> Decimal:
        return Decimal(repr(value))

    def __repr__(self) -> str:
        step = f", step={self.step}" if self.step is not None else ""
        return f"Real({self.low}, {self.high}{', log=True' if self.log else ''}{step})"

    def size(self) -> int | float:
        """Number of values; infinite without a step."""
        if self.step is None:
            return 1 if self.low == self.high else math.inf
        return int((self._decimal(self.high) - self._decimal(self.low)) // self._decimal(self.step)) + 1

    def contains(self, value: object) -> bool:
        """Whether `value` is a number in reach, an int too; NaN and True are not."""
        value = as_scalar(value)
        if type(value) not in (int, float) or not self.low <= value <= self.high:  # type: ignore[operator]
            return False
        if self.step is None:
            return True
        k = (value - self.low) / self.step  # type: ignore[operator]
        return bool(abs(k - round(k)) < STEP_TOLERANCE)

    def describe(self) -> str:
        """The values in words, for messages and tables."""
        how = f" in steps of {self.step}" if self.step is not None else ""
        return f"a number from {self.low} to {self.high}{how}{', log scale' if self.log else ''}"

    def levels(self, n: int | None = None) -> list[Scalar]:
        """All values in order, or at most `n` spread over the scale, both ends included.

        Raises:
            SpaceError: If `n` is None and there are over `MAX_LEVELS`.
        """
        n = _check_levels(self, n)
        if self.step is not None:
            count = int(self.size())
            places = range(count) if n >= count else map(round, _spread(0, count - 1, n))
            return [self._level(k) for k in places]
        if self.low == self.high:
            return [self.low]
        return [self.from_unit(u) for u in _spread(0.0, 1.0, n)]

    def from_unit(self, u: float) -> Scalar:
        """The number at `u` of the way from `low` to `high`, on the scale; both ends are exact."""
        if self.step is not None:
            return self._level(min(int(u * self.size()), int(self.size()) - 1))
        if self.log and 0.0 < u < 1.0:
            exponent = _interpolate(math.log(self.low), math.log(self.high), u)
            return min(max(math.exp(exponent), self.low), self.high)
        return _interpolate(self.low, self.high, u)

    def to_unit(self, value: object) -> float:
        """The way from `low` to `value` as a share of the way to `high`, on the scale."""
        number = _as_float(value)
        if self.low == self.high:
            return 0.5
        if self.step is not None:
            return (round((number - self.low) / self.step) + 0.5) / self.size()
        if self.log:
            start = math.log(self.low)
            return (math.log(number) - start) / (math.log(self.high) - start)
        return (number / 2 - self.low / 2) / (self.high / 2 - self.low / 2)  # halves: the span may overflow

    def _level(self, k: int) -> float:
        """`low + k * step`, rounded as the decimal notation says: 0.3, not 0.30000000000000004."""
        return float(self._decimal(self.low) + k * self._decimal(self.step or 0.0))
