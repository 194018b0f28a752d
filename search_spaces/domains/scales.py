"""The way from a number to its place between two ends, in [0, 1], and back: even, or normally distributed.

Plain and logarithmic scales differ only in what is handed in: numbers, or their logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from search_spaces.domains.scalars import as_scalar
from search_spaces.errors import SpaceError

CUT_STD = 8.0
"""Where a normal range without ends is cut, in standard deviations: 1 draw in 10^15 would lie beyond."""

_MAX_NUDGES = 8


def spread(low: float, high: float, n: int) -> list[float]:
    """`n` evenly spaced numbers from `low` to `high`, both included; the middle alone for one."""
    if n == 1:
        return [low / 2 + high / 2]
    return [interpolate(low, high, i / (n - 1)) for i in range(n)]


def interpolate(low: float, high: float, u: float) -> float:
    """Between two numbers, exact at both ends, without overflow where `high - low` is infinite."""
    return min(max(low * (1.0 - u) + high * u, low), high)


def locate(low: float, high: float, number: float) -> float:
    """The way from `low` to `number` as a share of the way to `high`."""
    return (number / 2 - low / 2) / (high / 2 - low / 2)  # halves: the span may overflow


def check_unit(u: object) -> None:
    """Accept a place in the unit interval.

    Raises:
        SpaceError: If it is none.
    """
    try:
        if 0.0 <= u <= 1.0:  # type: ignore[operator]
            return
    except TypeError:
        pass
    raise SpaceError(f"a place in the unit interval is a number from 0 to 1, not {u!r}: give one.")


def nudge(u: float, lands: Callable[[float], bool]) -> float:
    """The double next to `u` that `lands`, for a share may be narrower than rounding errors; else `u`."""
    up = down = u = min(max(u, 0.0), 1.0)
    for _ in range(_MAX_NUDGES):
        if lands(up):
            return up
        if lands(down):
            return down
        up, down = min(math.nextafter(up, 2.0), 1.0), max(math.nextafter(down, -1.0), 0.0)
    return u


@dataclass(frozen=True)
class Bell:
    """A normal distribution cut to what lies between two ends.

    Args:
        mean: Of the distribution before it is cut.
        std: Its standard deviation.
        start: Lower end.
        end: Upper end.

    Source: both tails by `erfc` and Wichura (1988), Applied Statistics 37, 477-484, in `statistics`.
    """

    mean: float
    std: float
    start: float
    end: float

    def locate(self, number: float) -> float:
        """The share of the cut distribution below `number`, in [0, 1]."""
        low, high = self._tails
        share = (self._below(number) - low) / (high - low)
        return min(max(1.0 - share if self._is_mirrored else share, 0.0), 1.0)

    def interpolate(self, u: float) -> float:
        """The number below which the share `u` lies."""
        from statistics import NormalDist  # here, for it brings a dozen modules along

        low, high = self._tails
        p = interpolate(low, high, 1.0 - u if self._is_mirrored else u)
        if not 0.0 < p < 1.0:
            return self.start if u < 0.5 else self.end
        z = NormalDist().inv_cdf(p)
        number = self.mean + self.std * (-z if self._is_mirrored else z)
        return min(max(number, self.start), self.end)

    @property
    def has_mass(self) -> bool:
        """Whether doubles can tell the ends' shares apart."""
        low, high = self._tails
        return high > low > 0.0 or high - low > 1e-300

    @property
    def _is_mirrored(self) -> bool:
        # above the mean shares crowd near 1, where doubles are coarse: look from the other side
        return self.start / 2 + self.end / 2 > self.mean

    @property
    def _tails(self) -> tuple[float, float]:
        low, high = self._below(self.start), self._below(self.end)
        return (high, low) if self._is_mirrored else (low, high)

    def _below(self, number: float) -> float:
        z = (number - self.mean) / self.std
        return 0.5 * math.erfc((z if self._is_mirrored else -z) / math.sqrt(2.0))


def check_bell(mean: object, std: object, start: float, end: float) -> Bell | None:
    """The distribution that `mean` and `std` name; None where both are None.

    Raises:
        SpaceError: If one is missing or no finite number, or the distribution has nothing between the ends.
    """
    if mean is None and std is None:
        return None
    numbers = {}
    for name, value in (("mean", as_scalar(mean)), ("std", as_scalar(std))):
        if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
            raise SpaceError(
                f"a normal range has a mean and a std, two finite numbers, not {name}={value!r}: give both, "
                "or neither."
            )
        numbers[name] = float(value)  # type: ignore[arg-type]
    if numbers["std"] <= 0:
        raise SpaceError(f"std={std!r} is no width: give a number above 0.")
    bell = Bell(numbers["mean"], numbers["std"], start, end)
    if start < end and not bell.has_mass:
        raise SpaceError(
            f"a normal distribution with mean={mean!r} and std={std!r} has nothing within the ends: "
            "move them, or the mean (on a log scale, mean and std are those of the natural logarithm)."
        )
    return bell
