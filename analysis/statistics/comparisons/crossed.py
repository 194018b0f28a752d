"""How uncertain a mean is whose values share settings and seeds: two crossed sources of chance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from analysis.statistics.intervals import Floats

Part = tuple[float, float]
"""A variance, NaN where it is not known, and the degrees of freedom behind it."""

NO_PART: Part = (0.0, np.inf)

POOLED_ABOVE = 0.6
"""A source whose F test gives more than this p-value is taken for noise, and lends it its freedom."""


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """Of a mean, or of another sum that is linear in the scores.

    Attributes:
        variance: Of the mean, from all sources that can be estimated.
        freedom: Degrees of freedom behind it, by Satterthwaite's rule; infinite for a variance that is known.
        by_setting: Part of the variance that more settings would lessen.
        by_seed: That more seeds would lessen.
        by_both: That either would.
        by_texts: That more texts would; NaN where it was not estimated.
        n_settings: Distinct settings.
        n_seeds: Distinct seeds.
    """

    variance: float
    freedom: float
    by_setting: float = 0.0
    by_seed: float = 0.0
    by_both: float = 0.0
    by_texts: float = np.nan
    n_settings: int = 1
    n_seeds: int = 1

    @property
    def error(self) -> float:
        """The standard error."""
        return float(np.sqrt(self.variance))

    def half_width(self, level: float) -> float:
        """Of the interval of a coverage."""
        return float(quantile_t(0.5 + level / 2, self.freedom)) * self.error if self.variance > 0 else np.nan

    def p_value(self, mean: float) -> float:
        """Two-sided, of a mean of zero."""
        return two_sided_p(mean / self.error, self.freedom) if self.variance > 0 else np.nan

    def with_texts(self, variance: float) -> Uncertainty:
        """The same with the luck of the texts beside it, whose variance many texts make known."""
        if np.isnan(variance):
            return self
        total = self.variance + max(variance, 0.0)
        share = self.variance / total if total > 0 else 1.0
        return Uncertainty(
            variance=total,
            freedom=self.freedom / share**2 if share > 0 else np.inf,
            by_setting=self.by_setting,
            by_seed=self.by_seed,
            by_both=self.by_both,
            by_texts=max(variance, 0.0),
            n_settings=self.n_settings,
            n_seeds=self.n_seeds,
        )

    def with_seeds(self, part: Part) -> Uncertainty:
        """The same with what the seeds of either side add, where the sides share none."""
        variance, freedom = part
        if not variance > 0:
            return self
        total = self.variance + variance
        squares = self.variance**2 / self.freedom + variance**2 / freedom
        return replace(self, variance=total, freedom=total**2 / squares, by_seed=self.by_seed + variance)


def two_sided_p(statistic: float, freedom: float) -> float:
    """P-value of Student's t; of the normal distribution where the freedom is infinite."""
    if not np.isfinite(freedom):
        return float(2 * special.ndtr(-abs(statistic)))
    return float(special.betainc(freedom / 2, 0.5, freedom / (freedom + statistic**2)))


def quantile_t(level: float, freedom: float) -> float:
    """Quantile of Student's t; of the normal distribution where the freedom is infinite."""
    return float(special.stdtrit(freedom, level) if np.isfinite(freedom) else special.ndtri(level))


def mean_uncertainty(
    values: Floats, setting: NDArray[np.int64], seed: NDArray[np.int64]
) -> Uncertainty | None:
    """Uncertainty of the plain mean of values that share settings and seeds.

    Args:
        values: Shape (n,).
        setting: The setting of each, numbered from 0 without gaps.
        seed: Its seed, likewise; where every value has a seed of its own, seeds are no source beside the
            settings.

    Returns:
        None where neither settings nor seeds repeat enough to tell.
    """
    return sum_uncertainty((values - values.mean()) / max(len(values), 1), setting, seed)


def sum_uncertainty(
    influence: Floats, setting: NDArray[np.int64], seed: NDArray[np.int64]
) -> Uncertainty | None:
    """Uncertainty of an estimate from what each value adds to its error.

    Settings and seeds are crossed random effects: the variance of the estimate is that between the settings'
    sums plus that between the seeds' sums, less the noise, which both hold. A source that the F test cannot
    tell from noise at all (`POOLED_ABOVE`) is pooled with it, or two seeds would leave one degree of freedom
    even where seeds do not matter. Where the design is not complete this is an approximation.

    Args:
        influence: What each value adds to the estimate's error, shape (n,): weight times residual. Or of k
            orthogonal estimates, shape (n, k), which are taken to be equally uncertain: what is given is the
            mean of their variances, with k times the freedom.
        setting: The setting of each, numbered from 0 without gaps.
        seed: Its seed, likewise.

    Source: analysis of variance of the crossed random-effects design, e.g. Searle, Casella & McCulloch
        (1992), ch. 4; freedom by Satterthwaite (1946); pooling by a preliminary test, Bancroft (1944). For
        complete designs the variance is that of Cameron, Gelbach & Miller (2011), each part unbiased.
    """
    n_settings, n_seeds = int(setting.max(initial=-1)) + 1, int(seed.max(initial=-1)) + 1
    n = len(influence)
    estimates = influence.reshape(n, -1).T
    k = len(estimates)
    sizes = {"n_settings": n_settings, "n_seeds": n_seeds}
    between_settings = float(np.mean([_between(own, setting, n_settings) for own in estimates]))
    between_seeds = float(np.mean([_between(own, seed, n_seeds) for own in estimates]))
    if n_seeds == n or n_seeds == 1:
        # Each value under a seed of its own, or all under one: settings alone tell.
        if n_settings < 2:
            return None if n_seeds < 2 else _one_source(between_seeds, k * (n_seeds - 1), "by_seed", sizes)
        return _one_source(between_settings, k * (n_settings - 1), "by_setting", sizes)
    if n_settings == 1:
        return _one_source(between_seeds, k * (n_seeds - 1), "by_seed", sizes)
    left = [_residual(own, setting, seed, n_settings, n_seeds) for own in estimates]
    return _combine(
        (between_settings, float(k * (n_settings - 1))),
        (between_seeds, float(k * (n_seeds - 1))),
        (float(np.mean([variance for variance, _ in left])), k * left[0][1]),
        sizes,
    )


def _one_source(variance: float, freedom: int, name: str, sizes: dict[str, int]) -> Uncertainty:
    parts = {name: variance}
    return Uncertainty(variance=variance, freedom=float(freedom), **parts, **sizes)  # type: ignore[arg-type]


def _between(influence: Floats, group: NDArray[np.int64], n_groups: int) -> float:
    """Variance of the estimate by whole groups."""
    if n_groups < 2:
        return 0.0
    sums = np.bincount(group, influence, minlength=n_groups)
    sums = sums - sums.mean()
    return float(n_groups / (n_groups - 1) * (sums**2).sum())


def _residual(
    influence: Floats, setting: NDArray[np.int64], seed: NDArray[np.int64], n_settings: int, n_seeds: int
) -> tuple[float, float]:
    """Variance of the estimate by what is neither setting nor seed, and its freedom."""
    n = len(influence)
    rows = np.bincount(setting, minlength=n_settings)
    left = influence.astype(float)
    if n == n_settings * n_seeds and rows.min() == rows.max() == n_seeds:
        by_row = np.bincount(setting, left) / n_seeds
        by_column = np.bincount(seed, left) / n_settings
        left = left - by_row[setting] - by_column[seed] + left.mean()
        rank = n_settings + n_seeds - 1
    else:
        design = np.zeros((n, n_settings + n_seeds))
        design[np.arange(n), setting] = 1.0
        design[np.arange(n), n_settings + seed] = 1.0
        gram = design.T @ design
        left = left - design @ (np.linalg.pinv(gram, hermitian=True) @ (design.T @ left))
        rank = int(np.linalg.matrix_rank(gram, hermitian=True))
    freedom = n - rank
    return (float(n / freedom * (left**2).sum()), float(freedom)) if freedom > 0 else (0.0, 0.0)


def _combine(
    settings: tuple[float, float],
    seeds: tuple[float, float],
    noise: tuple[float, float],
    sizes: dict[str, int],
) -> Uncertainty:
    """Settings plus seeds less noise, each a variance with its freedom, and the freedom of the whole."""
    keeps_settings, keeps_seeds = _stands_out(settings, noise), _stands_out(seeds, noise)
    pooled, freedom = noise[0] * noise[1], noise[1]
    for (variance, own), is_kept in ((settings, keeps_settings), (seeds, keeps_seeds)):
        if not is_kept:
            pooled, freedom = pooled + variance * own, freedom + own
    level = pooled / freedom if freedom else 0.0
    kept = [part for part, is_kept in ((settings, keeps_settings), (seeds, keeps_seeds)) if is_kept]
    if len(kept) == 2:
        total = max(settings[0] + seeds[0] - level, settings[0], seeds[0])
        squares = sum(variance**2 / own for variance, own in kept)
        squares += level**2 / freedom if freedom else 0.0
    elif kept:
        total = kept[0][0]
        squares = total**2 / kept[0][1]
    else:
        total, squares = level, level**2 / freedom
    return Uncertainty(
        variance=total,
        freedom=max(total**2 / squares, 1.0) if squares > 0 else freedom,
        by_setting=max(settings[0] - level, 0.0) if keeps_settings else 0.0,
        by_seed=max(seeds[0] - level, 0.0) if keeps_seeds else 0.0,
        by_both=level,
        **sizes,
    )


def _stands_out(source: tuple[float, float], noise: tuple[float, float]) -> bool:
    """Whether a source is more than noise, by a test that seldom says no."""
    if noise[1] <= 0 or noise[0] <= 0:
        return source[0] > 0
    return bool(stats.f.sf(source[0] / noise[0], source[1], noise[1]) <= POOLED_ABOVE)
