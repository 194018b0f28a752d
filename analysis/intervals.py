"""Intervals for means, shares and resampled statistics; each array in, array out."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats: TypeAlias = NDArray[np.float64]
Seed: TypeAlias = int | np.random.Generator
"""What starts a draw: the same seed gives the same draws, a generator goes on where it stands."""

LEVEL = 0.95
"""Coverage of every interval, unless asked otherwise."""

RESAMPLES = 2000
"""Bootstrap draws, unless asked otherwise: the ends of an interval are then settled to a few per cent."""

MIN_BOOTSTRAPPED = 10
"""Cases below which percentile intervals come out too short, and Student's are given instead."""

_CHUNK = 2**21
"""Draws held in memory at a time."""


def t_half_width(sd: ArrayLike, n: ArrayLike, level: float = LEVEL) -> Floats:
    """Half-width of Student's interval for a mean.

    Args:
        sd: Sample standard deviations (n - 1 in the denominator), any shape.
        n: Sample sizes, same shape; below 2 there is no interval: NaN.
        level: Coverage.

    Source: Student (1908), The probable error of a mean.
    """
    sd, n = np.broadcast_arrays(np.asarray(sd, dtype=float), np.asarray(n, dtype=float))
    known = n >= 2
    safe = np.where(known, n, 2.0)
    width = stats.t.ppf(0.5 + level / 2, safe - 1) * sd / np.sqrt(safe)
    return np.where(known, width, np.nan)


def wilson_interval(successes: ArrayLike, n: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Interval for a share, sensible also at 0, at 1 and for few cases.

    Args:
        successes: Counts, fractions allowed, any shape.
        n: Cases, same shape; NaN where 0.
        level: Coverage.

    Source: Wilson (1927); recommended for small n by Brown, Cai & DasGupta (2001).
    """
    successes, n = np.broadcast_arrays(np.asarray(successes, dtype=float), np.asarray(n, dtype=float))
    safe = np.where(n > 0, n, 1.0)
    share = successes / safe
    z = stats.norm.ppf(0.5 + level / 2)
    scale = 1 + z**2 / safe
    center = (share + z**2 / (2 * safe)) / scale
    half = z / scale * np.sqrt(np.clip(share * (1 - share), 0, None) / safe + z**2 / (4 * safe**2))
    # Rounding must not push the bounds off the ends that they reach exactly.
    low = np.where(successes <= 0, 0.0, np.clip(center - half, 0, 1))
    high = np.where(successes >= n, 1.0, np.clip(center + half, 0, 1))
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def bootstrap_means(sums: ArrayLike, counts: ArrayLike, resamples: int, seed: Seed) -> Floats:
    """Means of resampled clusters.

    Clusters are drawn with replacement, whole: runs that share a cluster are not independent.

    Args:
        sums: Sum of the values in each cluster, shape (n_clusters, n_statistics).
        counts: Number of values behind each sum, same shape.
        resamples: Number of draws.
        seed: Starts the draws.

    Returns:
        Means, shape (resamples, n_statistics), NaN where a draw holds no value.

    Source: Davison & Hinkley (1997), section 3.8, resampling of clusters.
    """
    rng = np.random.default_rng(seed)
    sums, counts = np.asarray(sums, dtype=float), np.asarray(counts, dtype=float)
    n = len(sums)
    means = np.full((resamples, sums.shape[1]), np.nan)
    step = max(1, _CHUNK // max(n, 1))
    for start in range(0, resamples if n else 0, step):
        rows = min(step, resamples - start)
        weights = _draw_counts(n, rows, rng)
        total = weights @ counts
        np.divide(weights @ sums, total, out=means[start : start + rows], where=total > 0)
    return means


def _draw_counts(n: int, rows: int, rng: np.random.Generator) -> Floats:
    """How often each of `n` clusters is drawn in each of `rows` resamples, shape (rows, n)."""
    kind = np.uint16 if n <= 2**16 else np.int64  # small integers are drawn and counted several times faster
    drawn = rng.integers(0, n, size=(rows, n), dtype=kind).astype(np.int64)
    drawn += np.arange(rows)[:, None] * n
    return np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(float)


def percentile_interval(draws: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Percentile interval of resampled statistics along the first axis, NaN draws left out.

    Source: Efron & Tibshirani (1993), ch. 13.
    """
    draws = np.atleast_2d(np.asarray(draws, dtype=float).T).T
    ends = np.full((2, draws.shape[1]), np.nan)
    known = ~np.isnan(draws).all(axis=0)
    if known.any():
        tails = [(1 - level) / 2, (1 + level) / 2]
        ends[:, known] = np.nanquantile(draws[:, known], tails, axis=0)
    return ends[0], ends[1]
