"""P(A>B): how often one run of A beats one of B, ties counted half, and how well that is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics.comparisons.crossed import mean_uncertainty
from analysis.statistics.comparisons.rules import Rule
from analysis.statistics.intervals import MAX_BOOTSTRAPPED, Floats, percentile_interval, resample_mean


def paired_win_rate(
    difference: Floats, block: NDArray[np.int64], seed: NDArray[np.int64], text_variance: float, rule: Rule
) -> tuple[float, float, float, float]:
    """P(A>B) over pairs, its standard error, and the ends of its interval.

    Args:
        difference: Score of A less that of B, shape (n_pairs,).
        block: Number of each pair's setting, same shape.
        seed: Number of its seed, same shape.
        text_variance: What the choice of texts adds to the variance of the mean difference; NaN adds nothing.
        rule: Its level.
    """
    wins = np.where(difference > 0, 1.0, np.where(difference == 0, 0.5, 0.0))
    share = float(wins.mean())
    known = mean_uncertainty(wins, block, seed)
    if known is None:
        return share, np.nan, np.nan, np.nan
    known = known.with_texts(_blur(difference, text_variance))
    half = known.half_width(1 - rule.alpha) if known.variance > 0 else 0.0
    return share, known.error, max(share - half, 0.0), min(share + half, 1.0)


def win_rate(a: Floats, b: Floats, rule: Rule, rng: np.random.Generator) -> tuple[float, float, float, float]:
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


def _blur(difference: Floats, text_variance: float) -> float:
    """How uncertain other texts would make P(A>B): by how far they move the differences, of their spread."""
    spread = float(difference.std())
    if not text_variance > 0 or not spread > 0:
        return 0.0
    return float(min(stats.norm.pdf(0) ** 2 * text_variance / spread**2, 0.25))


def _placements(values: Floats, others: Floats) -> Floats:
    """Share of the others that each value beats, ties counted half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    not_above = np.searchsorted(ordered, values, side="right")
    return np.asarray((below + not_above) / (2 * len(others)))
