"""How much better A is than B: paired, unpaired or adjusted, each with its uncertainty.

Scores are shares where more is better. Every contrast gives the effect (mean of A minus mean of B) with
Student's interval, P(A>B) with the bootstrap's, and the p-value of "no effect", two-sided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics.additive import AdditiveFit
from analysis.statistics.intervals import (
    MAX_BOOTSTRAPPED,
    Floats,
    cluster_interval,
    percentile_interval,
    resample_mean,
    t_half_width,
)
from analysis.statistics.rules import Rule

Method = Literal["paired", "unpaired", "regression", "none"]
Unit = Literal["seed", "setting", "run"]

_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A against B. NaN where it cannot be known.

    Attributes:
        method: How it was found.
        unit: What was counted as one independent observation.
        n_pairs: Pairs of runs behind it; 0 if there are none.
        n_units: Independent observations; of the lesser side where there are no pairs.
        mean_a: Mean score of A over what was compared; adjusted where the method is `regression`.
        mean_b: That of B.
        effect: Mean difference, A minus B.
        half_width: Of the effect's interval.
        p_better: P(A>B), ties counted half.
        p_better_low: Lower end of its interval.
        p_better_high: Upper end.
        p_value: Of no effect, two-sided; NaN below `Rule.min_units`.
    """

    method: Method = "none"
    unit: Unit = "run"
    n_pairs: int = 0
    n_units: int = 0
    mean_a: float = np.nan
    mean_b: float = np.nan
    effect: float = np.nan
    half_width: float = np.nan
    p_better: float = np.nan
    p_better_low: float = np.nan
    p_better_high: float = np.nan
    p_value: float = np.nan

    def reverse(self) -> Contrast:
        """The same, B against A."""
        return replace(
            self,
            mean_a=self.mean_b,
            mean_b=self.mean_a,
            effect=-self.effect,
            p_better=1 - self.p_better,
            p_better_low=1 - self.p_better_high,
            p_better_high=1 - self.p_better_low,
        )


def paired_contrast(pairs: pd.DataFrame, rule: Rule, rng: np.random.Generator) -> Contrast:
    """A against B over pairs that share a setting of everything else and, where known, a seed.

    Pairs that share a setting or a seed are not independent. So they are averaged over whichever of the two
    there are fewer of, and the other is the unit: with two settings under five seeds, five seeds; with eight
    settings under three seeds, eight settings.

    Args:
        pairs: One row per pair: `block` (the setting of everything else), `seed`, `a, b` (scores).
        rule: Its level, draws and least number of units.
        rng: Draws.

    Source: paired t test on the units' means; P(A>B) over pairs as in Bouthillier et al. (2021), whole units
        resampled.
    """
    if pairs.empty:
        return Contrast()
    by_seed = pairs["seed"].nunique() > pairs["block"].nunique()
    difference = (pairs["a"] - pairs["b"]).to_numpy(dtype=float)
    unit = pd.factorize(pairs["seed" if by_seed else "block"])[0]
    size = np.bincount(unit)
    wins = np.bincount(unit, np.where(difference > 0, 1.0, np.where(difference == 0, 0.5, 0.0)))
    means = np.bincount(unit, difference) / size
    low, high = cluster_interval(
        wins[:, None], size[:, None], level=1 - rule.alpha, resamples=rule.resamples, seed=rng
    )
    return Contrast(
        method="paired",
        unit="seed" if by_seed else "setting",
        n_pairs=len(pairs),
        n_units=len(size),
        mean_a=float((np.bincount(unit, pairs["a"]) / size).mean()),
        mean_b=float((np.bincount(unit, pairs["b"]) / size).mean()),
        effect=float(means.mean()),
        half_width=float(t_half_width(_sd(means), len(size), 1 - rule.alpha)),
        p_better=float(wins.sum() / size.sum()),
        p_better_low=float(low[0]),
        p_better_high=float(high[0]),
        p_value=_t_test(means) if len(size) >= rule.min_units else np.nan,
    )


def unpaired_contrast(a: ArrayLike, b: ArrayLike, rule: Rule, rng: np.random.Generator) -> Contrast:
    """A against B from runs that share no seed.

    Source: Welch (1947); P(A>B) over all pairs of runs, the Mann-Whitney statistic.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if not len(a) or not len(b):
        return Contrast()
    effect = float(a.mean() - b.mean())
    variance = np.array([_sd(a) ** 2 / len(a), _sd(b) ** 2 / len(b)])
    half, p_value = np.nan, np.nan
    if min(len(a), len(b)) >= 2 and variance.sum() > 0:
        freedom = variance.sum() ** 2 / (variance**2 / [len(a) - 1, len(b) - 1]).sum()
        half = float(stats.t.ppf(1 - rule.alpha / 2, freedom) * np.sqrt(variance.sum()))
        p_value = float(2 * stats.t.sf(abs(effect) / np.sqrt(variance.sum()), freedom))
    n_units = min(len(a), len(b))
    share, low, high = _win_rate(a, b, rule, rng)
    return Contrast(
        method="unpaired",
        n_units=n_units,
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        effect=effect,
        half_width=half,
        p_better=share,
        p_better_low=low,
        p_better_high=high,
        p_value=p_value if n_units >= rule.min_units else np.nan,
    )


def adjusted_contrast(
    fit: AdditiveFit, factor: str, levels: tuple[Any, Any], rule: Rule, rng: np.random.Generator
) -> Contrast:
    """A against B, levels of one factor, all else held equal by an additive model.

    Args:
        fit: Of the mean scores of all settings.
        factor: One of its factors.
        levels: A and B.
        rule: Its level and draws.
        rng: Draws.

    Returns:
        A contrast whose units are settings; of method `none` where the data cannot tell the levels from
        other factors. P(A>B) compares settings with what other factors explain taken off.

    Source: least squares, errors HC3 (MacKinnon & White, 1985), t with n - rank degrees of freedom.
    """
    is_a, is_b = fit.is_at(factor, levels[0]), fit.is_at(factor, levels[1])
    n_units = int(min(is_a.sum(), is_b.sum()))
    margin_a, margin_b = fit.margin(factor, levels[0]), fit.margin(factor, levels[1])
    if n_units < rule.min_units or not fit.can_estimate(margin_a - margin_b):
        return Contrast(n_units=n_units, unit="setting")
    effect, error = fit.estimate(margin_a - margin_b)
    share, low, high = _win_rate(fit.residuals[is_a] + effect, fit.residuals[is_b], rule, rng)
    return Contrast(
        method="regression",
        unit="setting",
        n_units=n_units,
        mean_a=fit.estimate(margin_a)[0],
        mean_b=fit.estimate(margin_b)[0],
        effect=effect,
        half_width=float(stats.t.ppf(1 - rule.alpha / 2, fit.freedom)) * error,
        p_better=share,
        p_better_low=low,
        p_better_high=high,
        p_value=float(2 * stats.t.sf(abs(effect) / error, fit.freedom)) if error > 0 else np.nan,
    )


def _win_rate(a: Floats, b: Floats, rule: Rule, rng: np.random.Generator) -> tuple[float, float, float]:
    """P(A>B) over all pairs, and the ends of the bootstrap's interval.

    Resampling both sides moves the statistic, to first order, by the means of the placements: each run's
    share of wins against the other side (Hajek's projection). Resampling those costs no n^2.
    """
    placed = (_placements(a, b), 1 - _placements(b, a))
    share = float(placed[0].mean())
    if len(a) + len(b) > MAX_BOOTSTRAPPED:
        error = np.sqrt(sum(side.var(ddof=1) / len(side) if len(side) > 1 else 0.0 for side in placed))
        half = float(stats.norm.ppf(1 - rule.alpha / 2) * error)
        return share, max(share - half, 0.0), min(share + half, 1.0)
    moved = [resample_mean(side, rule.resamples, rng) - share for side in placed]
    low, high = percentile_interval(np.clip(share + moved[0] + moved[1], 0, 1), 1 - rule.alpha)
    return share, float(low[0]), float(high[0])


def _placements(values: Floats, others: Floats) -> Floats:
    """Share of the others that each value beats, ties counted half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    not_above = np.searchsorted(ordered, values, side="right")
    return np.asarray((below + not_above) / (2 * len(others)))


def _sd(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def _t_test(differences: Floats) -> float:
    """Two-sided p-value of a zero mean; of the sign test where all differences are the same."""
    n, mean, sd = len(differences), float(differences.mean()), _sd(differences)
    if sd > _ROUNDING * abs(mean):
        return float(2 * stats.t.sf(abs(mean) / (sd / np.sqrt(n)), n - 1))
    # Scores on few texts are coarse, and three equal differences are no proof of an endless t.
    return float(2.0 ** (1 - n)) if mean else 1.0
