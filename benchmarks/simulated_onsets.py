"""Simulated loss curves whose truth is known: how often is overfitting found where there is none, or is?

    python benchmarks/simulated_onsets.py    # the second table of docs/statistics.md, some seconds

Jitter is the standard deviation of one epoch's validation loss, as a share of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.overfitting import LOSS_TOLERANCE, allowance_for_jitter, onset_indices

RUNS = 4000
JITTERS = (0.005, 0.01, 0.02, 0.05)
TRUE_ONSET = 3


def main() -> None:
    print(f"| curve | epochs | {' | '.join(f'jitter {jitter:.1%}' for jitter in JITTERS)} |")
    print(f"|---|---|{'---|' * len(JITTERS)}")
    for epochs in (5, 10, 20):
        cells = [f"{np.mean(find_onsets(np.ones(epochs), jitter) > 0):.1%}" for jitter in JITTERS]
        print(f"| flat | {epochs} | {' | '.join(cells)} |")
    for rise in (0.02, 0.05, 0.1):
        for epochs in (5, 10):
            cells = [describe(find_onsets(rising(epochs, rise), jitter)) for jitter in JITTERS]
            print(f"| rises {rise:.0%} an epoch after epoch 3 | {epochs} | {' | '.join(cells)} |")


def rising(epochs: int, rise: float) -> NDArray[np.float64]:
    """A curve that falls by a tenth an epoch until the true onset, and rises after it."""
    after = np.arange(1, epochs + 1) - TRUE_ONSET
    return np.asarray(1 + 0.1 * np.maximum(-after, 0) + rise * np.maximum(after, 0))


def find_onsets(curve: NDArray[np.float64], jitter: float) -> NDArray[np.int64]:
    """Onset of each of many noisy copies of a curve, as epochs from 1; 0 where there is none."""
    noise = np.random.default_rng(0).normal(0, jitter, (RUNS, len(curve)))
    losses = 0.35 * curve * np.exp(noise)
    allowed = np.fmax(LOSS_TOLERANCE * losses.min(axis=1), allowance_for_jitter(losses, is_relative=True))
    return onset_indices(losses, allowed) + 1


def describe(onsets: NDArray[np.int64]) -> str:
    """Share found, and the mean onset of those."""
    found = onsets[onsets > 0]
    return f"{len(found) / len(onsets):.0%}, epoch {found.mean():.1f}" if len(found) else "0%"


if __name__ == "__main__":
    main()
