"""Which of many settings may be the best: comparisons that pay for having looked at all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from analysis.statistics.comparisons.crossed import two_sided_p
from analysis.statistics.comparisons.texts import Hits, independent_text_variance
from analysis.statistics.intervals import Floats

MIN_SETTINGS = 3
"""Of two settings there is one difference, which is judged as a pair of levels is."""

_SCALES, _POINTS = 32, 80
_REACH = 8.0
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """Settings with what is known of their means, best first.

    Attributes:
        setting: Labels, shape (n,).
        mean: Mean scores, shape (n,).
        variance: Of each mean, by seeds and by the texts on which the setting departs from the others.
        by_texts: The latter part alone; NaN where it is not known.
        n_runs: Runs of each.
        freedom: Degrees of freedom of the variances.
    """

    setting: NDArray[np.int64]
    mean: Floats
    variance: Floats
    by_texts: Floats
    n_runs: NDArray[np.int64]
    freedom: float

    def p_could_be_best(self) -> Floats:
        """P-value of each setting being the best, shape (n,): small where it can be ruled out.

        Against the largest of its standardized distances to all others, which its own noise correlates. The
        settings above 5% hold the best one with 95% probability, whichever it is.

        Source: multiple comparisons with the best, Hsu (1984), by the distribution of Dunnett (1955),
            one-sided; with variances of their own.
        """
        n = len(self.mean)
        p_values = np.ones(n)
        for own in range(n):
            others = np.arange(n) != own
            error = np.sqrt(self.variance[others] + self.variance[own])
            distance = self.mean[others] - self.mean[own]
            if not len(distance) or distance.max() <= 0:
                continue
            statistic = float((distance / error).max()) if (error > 0).all() else np.inf
            p_values[own] = self._p_of_largest(own, others, error, statistic)
        return p_values

    def _p_of_largest(self, own: int, others: NDArray[np.bool_], error: Floats, statistic: float) -> float:
        alone = two_sided_p(statistic, self.freedom) / 2
        if alone > 0.1 or alone * others.sum() < 1e-4:
            # Its distance to one other alone, and the bound by all, leave no doubt either way.
            return min(alone * others.sum(), 1.0) if alone <= 0.1 else alone
        z, weight = _normal_grid()
        sd = np.sqrt(self.variance)
        inside = 0.0
        for scale in _scales(self.freedom):
            bounds = (statistic * scale * error[:, None] + sd[own] * z) / sd[others][:, None]
            inside += float(weight @ np.exp(special.log_ndtr(bounds).sum(axis=0)))
        return float(np.clip(1 - inside / _SCALES, 0.0, 1.0))

    def p_differ(self, a: int, b: int) -> float:
        """P-value of two settings being equal, corrected for all pairs that could have been looked at.

        Source: Tukey (1953), with Kramer's (1956) variance of a pair; the studentized range.
        """
        error = float(np.sqrt((self.variance[a] + self.variance[b]) / 2))
        distance = abs(float(self.mean[a] - self.mean[b]))
        if error == 0:
            return 1.0 if distance == 0 else np.nan
        return range_p_value(distance / error, len(self.mean), self.freedom)


def range_p_value(statistic: float, n: int, freedom: float) -> float:
    """Upper tail of the studentized range: `scipy.stats.studentized_range.sf` at a hundredth of its time.

    Source: n times the integral of phi(z) (Phi(z) - Phi(z - q s))^(n-1) over z, averaged over s.
    """
    z, weight = _normal_grid()
    inside = 0.0
    for scale in _scales(freedom):
        reached = special.ndtr(z) - special.ndtr(z - statistic * scale)
        inside += float(n * (weight @ reached ** (n - 1)))
    return float(np.clip(1 - inside / _SCALES, 0.0, 1.0))


def _normal_grid() -> tuple[Floats, Floats]:
    z = np.linspace(-_REACH, _REACH, _POINTS * 2 + 1)
    return z, stats.norm.pdf(z) * (z[1] - z[0])


def _scales(freedom: float) -> Floats:
    """Values of s, the estimated over the true standard deviation, each as likely as the others."""
    if not np.isfinite(freedom):
        return np.ones(_SCALES)
    levels = (np.arange(_SCALES) + 0.5) / _SCALES
    return np.asarray(np.sqrt(stats.chi2.ppf(levels, freedom) / freedom))


def measure_field(runs: pd.DataFrame, hits: Hits | None = None, n_texts: int = 0) -> Field | None:
    """Put settings in order, with variances that lean on each other.

    What seeds add to all settings alike is taken off where they are shared. A setting's variance is its own,
    moved towards the common one by as much as the settings' variances agree: with few seeds each alone is
    hardly known, yet a setting that now and then fails must not borrow the calm of the others.

    Args:
        runs: `setting, seed, score`; with `hits` also their `RUN_KEY`.
        hits: Which texts the runs got right.
        n_texts: Texts behind the scores; where `hits` does not say which, errors count as independent.

    Returns:
        None for fewer than three settings, or where no setting has two runs.

    Source: Smyth (2004), moderated variances.
    """
    group, labels = pd.factorize(runs["setting"])
    n = len(labels)
    sizes = np.bincount(group, minlength=n)
    if n < MIN_SETTINGS or sizes.max(initial=0) < 2:
        return None
    score = runs["score"].to_numpy(dtype=float)
    mean = np.bincount(group, score) / sizes
    seed = pd.factorize(runs["seed"])[0]
    residual, freedom = _remove_seeds(score, group, seed)
    pooled = float((residual**2).sum() / freedom)
    own_freedom = (sizes - 1) * freedom / max((sizes - 1).sum(), 1)
    sums = np.bincount(group, residual**2, minlength=n)
    own = np.divide(sums, own_freedom, out=np.full(n, np.nan), where=own_freedom > 0)
    prior, level = _prior(own, own_freedom, pooled)
    if np.isfinite(prior):
        known = np.where(own_freedom > 0, own, level)
        variance = (prior * level + own_freedom * known) / (prior + own_freedom)
        # Settings that ran alone have the prior's freedom only; the median speaks for the field.
        whole = min(prior + float(np.median(own_freedom)), freedom)
    else:
        variance, whole = np.full(n, pooled), freedom
    by_texts = _text_variances(runs, group, n, hits)
    if n_texts and np.isnan(by_texts).any():
        by_texts = independent_text_variance(mean, n_texts)
    order = np.argsort(-mean, kind="stable")
    total = variance / sizes + _missed_seeds(score, residual, freedom, group, seed) + np.nan_to_num(by_texts)
    return Field(
        setting=np.asarray(labels, dtype=np.int64)[order],
        mean=mean[order],
        variance=total[order],
        by_texts=by_texts[order],
        n_runs=sizes[order],
        freedom=float(whole),
    )


def _remove_seeds(score: Floats, group: NDArray[np.int64], seed: NDArray[np.int64]) -> tuple[Floats, float]:
    """What is left of scores beside settings, and beside seeds where settings share them; its freedom."""
    n_groups, n_seeds = int(group.max()) + 1, int(seed.max()) + 1
    left = score - (np.bincount(group, score) / np.bincount(group))[group]
    n = len(score)
    if n_seeds < 2 or n - n_groups - n_seeds + 1 < 2 or n_seeds > n / 2:
        return left, float(max(n - n_groups, 1))
    for _ in range(20):
        left = left - (np.bincount(seed, left) / np.bincount(seed))[seed]
        left = left - (np.bincount(group, left) / np.bincount(group))[group]
    return left, float(n - n_groups - n_seeds + 1)


def _missed_seeds(
    score: Floats, residual: Floats, freedom: float, group: NDArray[np.int64], seed: NDArray[np.int64]
) -> Floats:
    """Variance of each setting's mean by the seeds that others ran under and it did not.

    What seeds add to all settings alike cancels between settings that ran under the same ones; of two random
    parts of S seeds, of n and m, it leaves the variance of a seed times 1/n - 1/S + 1/m - 1/S.
    """
    sizes = np.bincount(group)
    n_seeds = int(seed.max()) + 1
    rank = len(score) - int(freedom)
    if rank == len(sizes) or sizes.min() == n_seeds:  # seeds were not taken off, or nobody missed one
        return np.zeros(len(sizes))
    apart = score - (np.bincount(group, score) / sizes)[group]
    by_seed = float((apart**2).sum() - (residual**2).sum()) / (n_seeds - 1)
    noise = float((residual**2).sum()) / freedom
    per_seed = len(score) / n_seeds * (1 - 1 / len(sizes))
    return np.asarray(max(by_seed - noise, 0.0) / per_seed * np.maximum(1 / sizes - 1 / n_seeds, 0.0))


def _prior(own: Floats, freedom: Floats, pooled: float) -> tuple[float, float]:
    """Freedom and level of what the settings' variances have in common; infinite where they agree."""
    known = freedom > 0
    if known.sum() < MIN_SETTINGS or pooled <= 0:
        return np.inf, pooled
    half = freedom[known] / 2
    logs = np.log(np.maximum(own[known], _LEAST_SPREAD * pooled)) - special.digamma(half) + np.log(half)
    excess = float(logs.var(ddof=1) - special.polygamma(1, half).mean())
    if excess <= 0:
        return np.inf, pooled
    prior = 2 * _inverse_trigamma(excess)
    return prior, float(np.exp(logs.mean() + special.digamma(prior / 2) - np.log(prior / 2)))


def _inverse_trigamma(value: float) -> float:
    """Solve trigamma(x) = value by Newton's method on its reciprocal, which is nearly straight."""
    x = 0.5 + 1 / value
    for _ in range(50):
        slope = special.polygamma(1, x)
        step = slope * (1 - slope / value) / special.polygamma(2, x)
        x += step
        if abs(step) < 1e-9 * x:
            break
    return float(x)


def _text_variances(runs: pd.DataFrame, group: NDArray[np.int64], n: int, hits: Hits | None) -> Floats:
    """What the texts add to each setting's mean beside what they add to all."""
    if hits is None:
        return np.full(n, np.nan)
    rows = hits.find(runs)
    if (rows < 0).any():
        return np.full(n, np.nan)
    shares = hits.mean_by_group(rows, group, n)
    apart = shares - shares.mean(axis=0)
    variance = apart.var(axis=1, ddof=1) * n / (n - 1)
    # What single runs get right by luck is in the variance between seeds already.
    sizes = np.bincount(group, minlength=n)
    within = np.zeros(n)
    for setting in np.flatnonzero(sizes > 1):
        own = hits.table[rows[group == setting]]
        within[setting] = own.var(axis=0, ddof=1).mean() / sizes[setting]
    within[sizes == 1] = within[sizes > 1].mean() * sizes[sizes > 1].mean() if (sizes > 1).any() else 0.0
    return np.asarray(np.maximum(variance - within, 0.0) / hits.n_texts)
