"""Two sums over runs, whose ratio is what counts."""

from __future__ import annotations


class Sums:
    """Two sums, and over how many runs they go.

    They cost the same after ten thousand runs as after ten.

    Attributes:
        n: How many runs.
    """

    def __init__(self, above: float = 0.0, below: float = 0.0, n: float = 0.0) -> None:
        self._above, self._below, self.n = above, below, n

    def add(self, above: float, below: float) -> None:
        """Count one run more."""
        self._above, self._below, self.n = self._above + above, self._below + below, self.n + 1.0

    def joined(self, above: float, below: float) -> Sums:
        """Return them with so many average runs more."""
        unit = self._below / self.n if self.n else 1.0
        return Sums(self._above + above * unit, self._below + below * unit, self.n + below)

    @property
    def ratio(self) -> float | None:
        """The first over the second, None while the second is nothing."""
        return self._above / self._below if self._below else None
