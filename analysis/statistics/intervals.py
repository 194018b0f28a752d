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

MAX_BOOTSTRAPPED = 500
"""Cases above which the percentiles differ from the normal interval by less than their own random error."""

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


def area_half_width(area: float, n_positive: int, n_negative: int, level: float = LEVEL) -> float:
    """Half-width of the interval of an area under the ROC curve over other texts; NaN where a side has none.

    Source: Hanley & McNeil (1982), with the areas of exponential scores for those of two texts of a side.
    """
    if not n_positive or not n_negative:
        return float("nan")
    both_positive, both_negative = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area)
    variance += (n_positive - 1) * (both_positive - area**2) + (n_negative - 1) * (both_negative - area**2)
    z = stats.norm.ppf(0.5 + level / 2)
    return float(z * np.sqrt(max(variance, 0.0) / (n_positive * n_negative)))


def cluster_interval(
    sums: ArrayLike, counts: ArrayLike, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: Seed = 0
) -> tuple[Floats, Floats]:
    """Interval for means of values that come in clusters: the bootstrap's percentiles.

    Above `MAX_BOOTSTRAPPED` clusters the normal interval of the same estimate, which costs no draws.

    Args:
        sums: Sum of the values in each cluster, shape (n_clusters, n_statistics).
        counts: Number of values behind each sum, same shape.
        level: Coverage.
        resamples: Bootstrap draws.
        seed: Starts the draws.

    Returns:
        Lower and upper ends, shape (n_statistics,), NaN where no cluster holds a value.
    """
    sums, counts = np.asarray(sums, dtype=float), np.asarray(counts, dtype=float)
    if len(sums) <= MAX_BOOTSTRAPPED:
        return percentile_interval(bootstrap_means(sums, counts, resamples, seed), level)
    total = counts.sum(axis=0)
    mean = np.divide(sums.sum(axis=0), total, out=np.full(len(total), np.nan), where=total > 0)
    # What one cluster adds to the error of a ratio of sums (Davison & Hinkley, 1997, section 2.7.2).
    influence = np.divide(sums - mean * counts, total, out=np.full(sums.shape, np.nan), where=total > 0)
    half = stats.norm.ppf(0.5 + level / 2) * np.sqrt((influence**2).sum(axis=0))
    return mean - half, mean + half


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


def resample_mean(values: ArrayLike, resamples: int, seed: Seed) -> Floats:
    """Means of values drawn with replacement, shape (resamples,): as many as there are, at least one."""
    rng = np.random.default_rng(seed)
    values = np.asarray(values, dtype=float)
    step = max(1, _CHUNK // max(len(values), 1))
    starts = range(0, resamples, step)
    parts = [values[_draw(len(values), min(step, resamples - start), rng)].mean(axis=1) for start in starts]
    return np.concatenate(parts)


def _draw(n: int, rows: int, rng: np.random.Generator) -> NDArray[np.integer]:
    # Small integers are drawn several times faster.
    return rng.integers(0, n, size=(rows, n), dtype=np.uint16 if n <= 2**16 else np.int64)


def _draw_counts(n: int, rows: int, rng: np.random.Generator) -> Floats:
    """How often each of `n` clusters is drawn in each of `rows` resamples, shape (rows, n)."""
    drawn = _draw(n, rows, rng).astype(np.int64)
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
