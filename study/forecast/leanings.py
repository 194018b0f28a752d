"""How settings that a sampler asks for, once it has learned, differ from those that are drawn by chance.

Nobody knows beforehand; but where size pays, a scheduler lets the expensive runs live, and a sampler asks for
more of them. How far it does is drawn by lot.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MIN_LEAN, MAX_LEAN = -0.5, 0.9
"""Correlation between how well a setting does and the logarithm of its cost.

Chosen, with the number tried, by thirteen searches of real reviews by TPE and ASHA, of both kinds and several
seeds of `benchmarks.foretold`: what is foretold is too high as often as too low, and the limits hold.
"""

MAX_TRIED = 24
"""As many candidates as Optuna's TPE compares."""


def n_tried(number: int) -> int:
    """Return of how many drawn by chance the best does as well as what a sampler asks for.

    Args:
        number: How many settings it asked for before.
    """
    return min(max(number // 3, 2), MAX_TRIED)


def standardize(sizes: npt.ArrayLike) -> Floats:
    """Return the logarithms of sizes in their standard deviations from their mean, at most 3."""
    logs = np.log(np.asarray(sizes, dtype=np.float64))
    scores: Floats = np.clip((logs - logs.mean()) / max(float(logs.std()), 1e-9), -3.0, 3.0)
    return scores


def draw_merits(scores: Floats, lean: float, rng: np.random.Generator) -> Floats:
    """Draw how well settings do, with a spread of 1, whose sizes have these scores."""
    merits: Floats = lean * scores + np.sqrt(1.0 - lean**2) * rng.normal(size=scores.shape)
    return merits


def draw_learned(
    drawn: Sequence[npt.ArrayLike], n_times: int, numbers: npt.ArrayLike, rng: np.random.Generator
) -> Floats:
    """Draw sizes of settings that samplers will ask for, each time with a lean of its own.

    Args:
        drawn: Of each stratum as many sizes of settings drawn by chance; strata take turns.
        n_times: How often.
        numbers: How many settings were asked for before each.
        rng: Draws.

    Returns:
        Of shape (n_times, how many numbers).
    """
    from scipy.special import ndtr, ndtri

    ordered = np.sort(np.asarray(drawn, dtype=np.float64), axis=1)
    n_strata, n_drawn = ordered.shape
    asked = np.asarray(numbers, dtype=int)
    lean = np.linspace(MIN_LEAN, MAX_LEAN, n_times)[:, np.newaxis]
    tried = np.array([n_tried(number // n_strata) for number in asked])
    merits = ndtri(rng.random((n_times, len(asked))) ** (1.0 / tried))  # of the best of so many
    scores = lean * merits + np.sqrt(1.0 - lean**2) * rng.normal(size=merits.shape)
    ranks = np.minimum((ndtr(scores) * n_drawn).astype(int), n_drawn - 1)
    sizes: Floats = ordered[asked % n_strata, ranks]
    return sizes
