"""How many epochs runs live, from those that a scheduler has judged so far and from its rule."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from study.forecast.leanings import Floats
from study.forecast.rehearsal import share_passing
from study.forecast.sums import Sums

JUDGED = 3.0
"""So many average runs that did alike are taken to have been judged at a rung before all others."""


class Survival:
    """Tells how long runs live from the share that ended after each epoch.

    Those that still run count among the survivors: the mean of the ended alone would forget that short runs
    end first. At a rung the share is compared with the one by which runs pass that all do alike, which falls
    as more are judged.

    Args:
        max_epochs: No run is longer.
        rungs: Epochs after which a scheduler judges.
        kept: The share of runs that pass a rung in the long run.
        n_strata: A run is judged among those of its own.
        n_earlier: How many earlier legs have judged.
    """

    def __init__(
        self, max_epochs: int, rungs: Collection[int], kept: float, n_strata: int = 1, n_earlier: int = 0
    ) -> None:
        self._max_epochs, self._rungs, self._kept = max_epochs, rungs, kept
        self._n_strata, self._n_earlier = n_strata, n_earlier
        # After each epoch, by their size: who passed, and who would where all do alike.
        self._judged = [Sums() for _ in range(max_epochs + 2)]

    def judge(self, epoch: int, size: float, *, lives: bool) -> None:
        """Take note of whether a run goes on after an epoch, or ended in it."""
        judged = self._judged[epoch]
        judged.add(size if lives else 0.0, size * self._share_alike(epoch, judged.n))

    def passing(self, n_epochs: int, n_rest: int) -> Floats:
        """Return the shares of runs that live one epoch more, two more ..., of those that had so many.

        Args:
            n_epochs: How many they had.
            n_rest: How many runs have not ended yet.
        """
        shares = [1.0]
        for epoch in range(n_epochs + 1, self._max_epochs):
            judged = self._judged[epoch]
            alike = self._share_alike(epoch, judged.n + n_rest / 2.0)
            if epoch in self._rungs:
                judged = judged.joined(JUDGED, JUDGED)
            shares.append(1.0 if judged.ratio is None else min(judged.ratio * alike, 1.0))
        return np.cumprod(np.array(shares))

    def draw(
        self, n_epochs: int, n_rest: int, shape: int | tuple[int, int], rng: np.random.Generator
    ) -> Floats:
        """Draw how many more epochs runs live that have had so many.

        Args:
            n_epochs: How many they had.
            n_rest: How many runs have not ended yet.
            shape: Of what is returned.
            rng: Draws.
        """
        lived: Floats = np.zeros(shape)
        if n_epochs < self._max_epochs:
            lots = rng.random(shape)
            for share in self.passing(n_epochs, n_rest):
                lived += lots < share
        return lived

    def _share_alike(self, epoch: int, n_before: float) -> float:
        """Return the share of runs that pass an epoch where all do alike, after so many of this leg."""
        if epoch not in self._rungs:
            return 1.0
        return share_passing((self._n_earlier + n_before) / self._n_strata, self._kept)
