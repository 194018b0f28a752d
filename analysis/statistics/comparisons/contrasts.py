"""How much better A is than B: paired or unpaired, with its uncertainty; all else held equal in `adjusted`.

Scores are shares where more is better. Every contrast gives the effect (mean of A minus mean of B) with
Student's interval, P(A>B) with the bootstrap's, and the p-value of "no effect", two-sided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.statistics.comparisons.crossed import NO_PART, Part, Uncertainty, mean_uncertainty
from analysis.statistics.comparisons.rules import Rule
from analysis.statistics.comparisons.wins import paired_win_rate, win_rate
from analysis.statistics.intervals import Floats

Method = Literal["paired", "unpaired", "regression", "none"]
Unit = Literal["seed", "setting", "run"]

_ROUNDING = 1e-9
_NOTHING_KNOWN = Uncertainty(variance=0.0, freedom=np.inf)


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


def paired_contrast(
    pairs: pd.DataFrame, rule: Rule, text_variance: float = np.nan, own_seeds: Part = NO_PART
) -> Contrast:
    """A against B over pairs that share a setting of everything else and, where known, a seed.

    Pairs that share a setting or a seed are not independent, and neither are those judged on the same texts:
    the variance of the mean difference is that between settings, between seeds and between texts together
    (`crossed.sum_uncertainty`), each as far as it can be estimated.

    Args:
        pairs: One row per pair: `block` (the setting of everything else), `seed`, `a, b` (scores).
        rule: Its level and least number of units.
        text_variance: What the choice of texts adds, NaN where it is not known.
        own_seeds: What seeds add that only one side ran under.

    Source: t test of the crossed random-effects design; P(A>B) over pairs as in Bouthillier et al. (2021),
        its interval that of the same design's mean.
    """
    if pairs.empty:
        return Contrast()
    difference = (pairs["a"] - pairs["b"]).to_numpy(dtype=float)
    block, seed = (pd.factorize(pairs[name])[0].astype(np.int64) for name in ("block", "seed"))
    n_settings, n_seeds = int(block.max()) + 1, int(seed.max()) + 1
    n_units, effect = max(n_settings, n_seeds), float(difference.mean())
    runs = mean_uncertainty(difference, block, seed)
    whole = (runs or _NOTHING_KNOWN).with_seeds(own_seeds).with_texts(text_variance)
    beside = float(np.nansum([whole.by_texts, own_seeds[0]]))
    share, error, low, high = paired_win_rate(difference, block, seed, beside, rule)
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


def _p_value(effect: float, runs: Uncertainty, whole: Uncertainty, n_units: int) -> float:
    """Two-sided p-value of a zero mean; of the sign test where all differences are the same."""
    if runs.error > _ROUNDING * abs(effect):
        return whole.p_value(effect)
    # Scores on few texts are coarse, and three equal differences are no proof of an endless t.
    of_signs = float(2.0 ** (1 - n_units)) if effect else 1.0
    return max(of_signs, whole.p_value(effect)) if whole.variance > runs.variance else of_signs


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
    contrast = contrast_of_sum(float(a.mean() - b.mean()), whole, win_rate(a, b, rule, rng), rule)
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


def contrast_of_sum(
    effect: float, whole: Uncertainty, wins: tuple[float, float, float, float], rule: Rule
) -> Contrast:
    """A contrast of no method from its effect, how uncertain that is, and P(A>B) as `win_rate` gives it."""
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


def _sd(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")
