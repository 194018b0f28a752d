"""A figure that is not known yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A figure, and the interval that holds it nine times out of ten."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate:
        """Return median and the middle nine tenths of simulated values."""
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
        return cls(middle, low, high)

    def plus(self, seconds: float) -> Estimate:
        """Return it with as much more in each of its figures."""
        return Estimate(self.middle + seconds, self.low + seconds, self.high + seconds)
