"""How much better A is than B: paired, unpaired or adjusted, each with its uncertainty.

Scores are shares where more is better. Every contrast gives the effect (mean of A minus mean of B) with
Student's interval, P(A>B) with the bootstrap's, and the p-value of "no effect", two-sided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.statistics.additive import AdditiveFit
from analysis.statistics.comparisons.crossed import POOLED_ABOVE, Uncertainty, mean_uncertainty
from analysis.statistics.comparisons.rules import Rule
from analysis.statistics.intervals import MAX_BOOTSTRAPPED, Floats, percentile_interval, resample_mean

Method = Literal["paired", "unpaired", "regression", "none"]
Unit = Literal["seed", "setting", "run"]

_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A against B. NaN where it cannot be known.

    Attributes:
        method: How it was found.
        unit: What there is more of among settings and seeds, or what stands alone.
        n_pairs: Pairs of runs behind it; 0 if there are none.
        n_units: How many there are of it; of the lesser side where there are no pairs.
        n_settings: Settings of all else that it rests on.
        n_seeds: Seeds that it rests on; 0 where each run has a seed of its own.
        mean_a: Mean score of A over what was compared; adjusted where the method is `regression`.
        mean_b: That of B.
        effect: Mean difference, A minus B.
        error: Its standard error, from all sources of chance that can be estimated.
        freedom: Degrees of freedom behind it.
        by_setting: Part of the error's square that more settings would lessen.
        by_seed: That more seeds would.
        by_both: That either would.
        by_texts: That more texts would; NaN where it was not estimated.
        half_width: Of the effect's interval.
        p_better: P(A>B), ties counted half.
        p_better_error: Its standard error.
        p_better_low: Lower end of its interval.
        p_better_high: Upper end.
        p_value: Of no effect, two-sided; NaN below `Rule.min_units`.
    """

    method: Method = "none"
    unit: Unit = "run"
    n_pairs: int = 0
    n_units: int = 0
    n_settings: int = 0
    n_seeds: int = 0
    mean_a: float = np.nan
    mean_b: float = np.nan
    effect: float = np.nan
    error: float = np.nan
    freedom: float = np.nan
    by_setting: float = np.nan
    by_seed: float = np.nan
    by_both: float = np.nan
    by_texts: float = np.nan
    half_width: float = np.nan
    p_better: float = np.nan
    p_better_error: float = np.nan
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


def paired_contrast(pairs: pd.DataFrame, rule: Rule, text_variance: float = np.nan) -> Contrast:
    """A against B over pairs that share a setting of everything else and, where known, a seed.

    Pairs that share a setting or a seed are not independent, and neither are those judged on the same texts:
    the variance of the mean difference is that between settings, between seeds and between texts together
    (`crossed.sum_uncertainty`), each as far as it can be estimated.

    Args:
        pairs: One row per pair: `block` (the setting of everything else), `seed`, `a, b` (scores).
        rule: Its level and least number of units.
        text_variance: What the choice of texts adds, NaN where it is not known.

    Source: t test of the crossed random-effects design; P(A>B) over pairs as in Bouthillier et al. (2021),
        its interval that of the same design's mean.
    """
    if pairs.empty:
        return Contrast()
    difference = (pairs["a"] - pairs["b"]).to_numpy(dtype=float)
    block, seed = (pd.factorize(pairs[name])[0].astype(np.int64) for name in ("block", "seed"))
    wins = np.where(difference > 0, 1.0, np.where(difference == 0, 0.5, 0.0))
    n_settings, n_seeds = int(block.max()) + 1, int(seed.max()) + 1
    n_units, effect = max(n_settings, n_seeds), float(difference.mean())
    runs = mean_uncertainty(difference, block, seed)
    whole = (runs or _NOTHING_KNOWN).with_texts(text_variance)
    share, error, low, high = _win_share(wins, block, seed, _blur(difference, whole.by_texts), rule)
    return Contrast(
        method="paired",
        unit="seed" if n_seeds > n_settings else "setting",
        n_pairs=len(pairs),
        n_units=n_units,
        n_settings=n_settings,
        n_seeds=n_seeds,
        mean_a=float(pairs["a"].mean()),
        mean_b=float(pairs["b"].mean()),
        effect=effect,
        error=whole.error if runs else np.nan,
        freedom=whole.freedom if runs else np.nan,
        by_setting=whole.by_setting,
        by_seed=whole.by_seed,
        by_both=whole.by_both,
        by_texts=whole.by_texts,
        half_width=whole.half_width(1 - rule.alpha) if runs else np.nan,
        p_better=share,
        p_better_error=error,
        p_better_low=low,
        p_better_high=high,
        p_value=_p_value(effect, runs, whole, n_units) if runs and n_units >= rule.min_units else np.nan,
    )


_NOTHING_KNOWN = Uncertainty(variance=0.0, freedom=np.inf)


def _p_value(effect: float, runs: Uncertainty, whole: Uncertainty, n_units: int) -> float:
    """Two-sided p-value of a zero mean; of the sign test where all differences are the same."""
    if runs.error > _ROUNDING * abs(effect):
        return whole.p_value(effect)
    # Scores on few texts are coarse, and three equal differences are no proof of an endless t.
    of_signs = float(2.0 ** (1 - n_units)) if effect else 1.0
    return max(of_signs, whole.p_value(effect)) if whole.by_texts > 0 else of_signs


def _blur(difference: Floats, text_variance: float) -> float:
    """How uncertain other texts would make P(A>B): by how far they move the differences, of their spread."""
    spread = float(difference.std())
    if not text_variance > 0 or not spread > 0:
        return 0.0
    return float(min(stats.norm.pdf(0) ** 2 * text_variance / spread**2, 0.25))


def _win_share(
    wins: Floats, block: NDArray[np.int64], seed: NDArray[np.int64], blur: float, rule: Rule
) -> tuple[float, float, float, float]:
    """P(A>B), its standard error, and the ends of its interval."""
    share = float(wins.mean())
    known = mean_uncertainty(wins, block, seed)
    if known is None:
        return share, np.nan, np.nan, np.nan
    known = known.with_texts(blur)
    half = known.half_width(1 - rule.alpha) if known.variance > 0 else 0.0
    return share, known.error, max(share - half, 0.0), min(share + half, 1.0)


def unpaired_contrast(
    a: ArrayLike, b: ArrayLike, rule: Rule, rng: np.random.Generator, text_variance: float = np.nan
) -> Contrast:
    """A against B from runs that share no seed.

    Args:
        a: Scores, shape (n_a,).
        b: Scores, shape (n_b,).
        rule: Its level and draws.
        rng: Draws.
        text_variance: What the choice of texts adds, NaN where it is not known.

    Source: Welch (1947); P(A>B) over all pairs of runs, the Mann-Whitney statistic.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if not len(a) or not len(b):
        return Contrast()
    parts = np.array([_sd(a) ** 2 / len(a), _sd(b) ** 2 / len(b)])
    whole = _NOTHING_KNOWN
    if min(len(a), len(b)) >= 2 and parts.sum() > 0:
        freedom = parts.sum() ** 2 / (parts**2 / [len(a) - 1, len(b) - 1]).sum()
        whole = Uncertainty(variance=float(parts.sum()), freedom=float(freedom), by_seed=float(parts.sum()))
        whole = whole.with_texts(text_variance)
    contrast = _from_sum(float(a.mean() - b.mean()), whole, _win_rate(a, b, rule, rng), rule)
    n_units = min(len(a), len(b))
    return replace(
        contrast,
        method="unpaired",
        n_units=n_units,
        n_settings=1,
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        p_value=contrast.p_value if n_units >= rule.min_units else np.nan,
    )


def adjusted_contrast(
    fit: AdditiveFit,
    factor: str,
    levels: tuple[Any, Any],
    rule: Rule,
    rng: np.random.Generator,
    *,
    runs: pd.DataFrame | None = None,
    text_variance: Callable[[Floats], float] | None = None,
) -> Contrast:
    """A against B, levels of one factor, all else held equal by an additive model.

    Args:
        fit: Of the mean scores of all settings.
        factor: One of its factors.
        levels: A and B.
        rule: Its level and draws.
        rng: Draws.
        runs: `setting, seed, score` of the runs behind the means; where settings share seeds, what the seeds
            do to the difference is counted.
        text_variance: What the choice of texts adds, from the weight of each setting in the difference.

    Returns:
        A contrast whose units are settings; of method `none` where the data cannot tell the levels from
        other factors. P(A>B) compares settings with what other factors explain taken off.

    Source: least squares, errors HC3 (MacKinnon & White, 1985), t with n - rank degrees of freedom; seeds by
        their sums (Cameron, Gelbach & Miller, 2011), freedom by Satterthwaite (1946).
    """
    is_a, is_b = fit.is_at(factor, levels[0]), fit.is_at(factor, levels[1])
    n_units = int(min(is_a.sum(), is_b.sum()))
    margin_a, margin_b = fit.margin(factor, levels[0]), fit.margin(factor, levels[1])
    if n_units < rule.min_units or not fit.can_estimate(margin_a - margin_b):
        return Contrast(n_units=n_units, unit="setting")
    effect, whole = adjusted_sum(fit, margin_a - margin_b, runs, text_variance)
    wins = _win_rate(fit.residuals[is_a] + effect, fit.residuals[is_b], rule, rng)
    return replace(
        _from_sum(effect, whole, wins, rule),
        method="regression",
        unit="setting",
        n_units=n_units,
        n_settings=n_units,
        n_seeds=whole.n_seeds,
        mean_a=fit.estimate(margin_a)[0],
        mean_b=fit.estimate(margin_b)[0],
    )


def adjusted_sum(
    fit: AdditiveFit,
    coefficients: Floats,
    runs: pd.DataFrame | None = None,
    text_variance: Callable[[Floats], float] | None = None,
) -> tuple[float, Uncertainty]:
    """A sum of an additive model's coefficients, and how uncertain it is; arguments as `adjusted_contrast`.

    Args:
        fit: The model.
        coefficients: Their weights in the sum.
        runs: Those behind its means.
        text_variance: What the choice of texts adds.
    """
    effect, error = fit.estimate(coefficients)
    weights = np.asarray(coefficients @ fit.inverse, dtype=float)
    by_seed, seed_freedom, n_seeds = _seed_variance(fit, weights, runs)
    variance = error**2 + by_seed
    squares = error**4 / fit.freedom + (by_seed**2 / seed_freedom if by_seed else 0.0)
    whole = Uncertainty(
        variance=variance,
        freedom=variance**2 / squares if squares > 0 else float(fit.freedom),
        by_setting=error**2,
        by_seed=by_seed,
        n_seeds=n_seeds,
    )
    return effect, whole if text_variance is None else whole.with_texts(text_variance(weights))


def _from_sum(
    effect: float, whole: Uncertainty, wins: tuple[float, float, float, float], rule: Rule
) -> Contrast:
    is_known = whole.variance > 0
    return Contrast(
        effect=effect,
        error=whole.error if is_known else np.nan,
        freedom=whole.freedom if is_known else np.nan,
        by_setting=whole.by_setting,
        by_seed=whole.by_seed,
        by_both=whole.by_both,
        by_texts=whole.by_texts,
        half_width=whole.half_width(1 - rule.alpha),
        p_better=wins[0],
        p_better_error=wins[1],
        p_better_low=wins[2],
        p_better_high=wins[3],
        p_value=whole.p_value(effect),
    )


def _seed_variance(fit: AdditiveFit, weights: Floats, runs: pd.DataFrame | None) -> tuple[float, float, int]:
    """What seeds that settings share do to a weighted sum of the settings' means, its freedom, their number.

    Seeds that the F test cannot tell from noise at all add nothing: the settings' means hold that noise.
    """
    if runs is None:
        return 0.0, 1.0, 0
    n_seeds = int(runs["seed"].nunique())
    if n_seeds < 2 or n_seeds == len(runs):
        return 0.0, 1.0, n_seeds if n_seeds < len(runs) else 0
    place = pd.Index(fit.settings).get_indexer(runs["setting"])
    sizes = np.bincount(place, minlength=len(weights))
    seed = pd.factorize(runs["seed"])[0]
    score = runs["score"].to_numpy(dtype=float)
    means = np.bincount(place, score, minlength=len(weights)) / np.maximum(sizes, 1)
    spread = np.maximum(sizes[place] - 1, 1) / sizes[place]
    influence = weights[place] / sizes[place] * (score - means[place]) / np.sqrt(spread)
    noise = float((influence**2).sum())
    between = float((np.bincount(seed, influence) ** 2).sum())
    freedom, left = float(n_seeds - 1), float(max(len(runs) - len(weights) - n_seeds + 1, 1))
    if noise <= 0 or stats.f.sf(between / noise, freedom, left) > POOLED_ABOVE:
        return 0.0, freedom, n_seeds
    return max(between - noise, 0.0), freedom, n_seeds


def _win_rate(
    a: Floats, b: Floats, rule: Rule, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """P(A>B) over all pairs, its standard error, and the ends of the bootstrap's interval.

    Resampling both sides moves the statistic, to first order, by the means of the placements: each run's
    share of wins against the other side (Hajek's projection). Resampling those costs no n^2.
    """
    placed = (_placements(a, b), 1 - _placements(b, a))
    share = float(placed[0].mean())
    error = float(np.sqrt(sum(side.var(ddof=1) / len(side) if len(side) > 1 else 0.0 for side in placed)))
    if len(a) + len(b) > MAX_BOOTSTRAPPED:
        half = float(stats.norm.ppf(1 - rule.alpha / 2) * error)
        return share, error, max(share - half, 0.0), min(share + half, 1.0)
    moved = [resample_mean(side, rule.resamples, rng) - share for side in placed]
    low, high = percentile_interval(np.clip(share + moved[0] + moved[1], 0, 1), 1 - rule.alpha)
    return share, error, float(low[0]), float(high[0])


def _placements(values: Floats, others: Floats) -> Floats:
    """Share of the others that each value beats, ties counted half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    not_above = np.searchsorted(ordered, values, side="right")
    return np.asarray((below + not_above) / (2 * len(others)))


def _sd(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")
