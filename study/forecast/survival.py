"""How many epochs runs live that may be stopped, and what the runs of a study take together."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from study.designs import SearchDesign
from study.forecast.costs import Estimate
from study.spec.schema import StudySpec

Floats = npt.NDArray[np.float64]

LEARNED_SPREAD = 0.5
"""Standard deviation of the logarithm of how much dearer than by chance the settings of a sampler are.

Where size pays, it asks for large settings, and they live long; nobody knows before. Searches of reviews took
between half and twice as long as if their settings had been drawn by chance (docs/performance.md).
"""


class Survival:
    """What share of a study's runs lives to train each epoch, by the rules that stop runs.

    Args:
        spec: The study.
        n_seeds: Runs of each setting; a confirmation has other seeds than its search.
        may_stop: Whether its scheduler stops runs; in a confirmation it does not.
    """

    def __init__(self, spec: StudySpec, n_seeds: int, *, may_stop: bool = True) -> None:
        self._training, self._n_seeds = spec.training, n_seeds
        self._n_strata = len(spec.design.strata(spec.space))
        self._design = spec.design if may_stop and isinstance(spec.design, SearchDesign) else None

    def epochs(self, trial: int, n_had: int = 0) -> tuple[float, float]:
        """Return the mean and the standard deviation of how many more epochs a run of a setting trains.

        Where patience ends runs, any epoch is as likely as another to be the best.

        Args:
            trial: The setting's number.
            n_had: How many epochs the run has had.
        """
        shares, patience = self._passing(trial), self._training.patience
        if patience is not None:
            shares *= 1.0 - np.maximum(np.arange(len(shares)) - patience, 0) / len(shares)
        left = shares[n_had:] / (shares[n_had - 1] if n_had else 1.0)  # of those that had as many
        mean, square = float(left.sum()), float((2 * np.arange(len(left)) + 1) @ left)
        return mean, math.sqrt(max(square - mean**2, 0.0))

    def n_seeds(self, trial: int, n_slots: int) -> float:
        """Return under how many seeds a setting is trained: once it is stopped, those that wait are left."""
        n_at_once = min(self._n_seeds, n_slots)
        return float(n_at_once + (self._n_seeds - n_at_once) * self._passing(trial)[-1])

    def _passing(self, trial: int) -> Floats:
        """Return the shares of a setting's runs that the scheduler lets train each epoch.

        A run is judged against the `n` that came to its rung before, and any is as likely as another to be
        better: where a share `kept` of many passes, it passes with probability (1 + (n - 1) kept) / (n + 1).
        """
        max_epochs, design = self._training.max_epochs, self._design
        shares = np.ones(max_epochs)
        if design is None:
            return shares
        kept = 0.5 if design.scheduler == "median" else 1.0 / design.reduction_factor
        n_rivals = trial * self._n_seeds / self._n_strata / len(design.first_rungs(max_epochs))
        for rung in design.rungs(max_epochs, trial):
            n = n_rivals * shares[rung - 1]
            shares[rung:] *= 1.0 - n / 2.0 if n < 1.0 else (1.0 + (n - 1.0) * kept) / (n + 1.0)
        return shares


def finish(
    busy_s: Sequence[float], runs_s: Sequence[float], *, variance: float, unknown_s: float, error: float
) -> Estimate:
    """Estimate the seconds until the last run ends, where each takes the slot that is free first.

    Args:
        busy_s: Until each slot is free.
        runs_s: What each run takes, in their order.
        variance: Of the seconds of all runs together.
        unknown_s: How many of them are those of settings that a sampler is yet to choose.
        error: Standard deviation of the logarithm of what all are wrong by alike.
    """
    slots, all_s = list(busy_s), max(math.fsum(busy_s) + math.fsum(runs_s), 1e-9)
    heapq.heapify(slots)
    for run_s in runs_s:
        heapq.heapreplace(slots, slots[0] + run_s)
    spread = math.hypot(error, LEARNED_SPREAD * unknown_s / all_s, math.sqrt(variance) / all_s)
    return Estimate.around(max(slots), spread)
