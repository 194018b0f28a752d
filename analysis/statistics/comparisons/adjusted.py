"""How much better A is than B with all else held equal, by an additive model of the settings' means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.additive import AdditiveFit
from analysis.statistics.comparisons.contrasts import Contrast, contrast_of_sum
from analysis.statistics.comparisons.crossed import POOLED_ABOVE, Uncertainty
from analysis.statistics.comparisons.rules import Rule
from analysis.statistics.comparisons.wins import win_rate
from analysis.statistics.intervals import Floats


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
    wins = win_rate(fit.residuals[is_a] + effect, fit.residuals[is_b], rule, rng)
    return replace(
        contrast_of_sum(effect, whole, wins, rule),
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


def _seed_variance(fit: AdditiveFit, weights: Floats, runs: pd.DataFrame | None) -> tuple[float, float, int]:
    """What seeds that settings share do to a weighted sum of the settings' means, its freedom, their number.

    Seeds that the F test cannot tell from noise at all add nothing: the settings' means hold that noise.
    """
    if runs is None:
        return 0.0, 1.0, 0
    n_seeds = int(runs["seed"].nunique())
    if n_seeds < 2 or n_seeds == len(runs):
        return 0.0, 1.0, n_seeds if n_seeds < len(runs) else 0
    indices = pd.Index(fit.settings).get_indexer(runs["setting"])
    sizes = np.bincount(indices, minlength=len(weights))
    seed = pd.factorize(runs["seed"])[0]
    score = runs["score"].to_numpy(dtype=float)
    means = np.bincount(indices, score, minlength=len(weights)) / np.maximum(sizes, 1)
    spread = np.maximum(sizes[indices] - 1, 1) / sizes[indices]
    influence = weights[indices] / sizes[indices] * (score - means[indices]) / np.sqrt(spread)
    noise = float((influence**2).sum())
    between = float((np.bincount(seed, influence) ** 2).sum())
    freedom, left = float(n_seeds - 1), float(max(len(runs) - len(weights) - n_seeds + 1, 1))
    if noise <= 0 or stats.f.sf(between / noise, freedom, left) > POOLED_ABOVE:
        return 0.0, freedom, n_seeds
    return max(between - noise, 0.0), freedom, n_seeds
