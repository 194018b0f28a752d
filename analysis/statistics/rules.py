"""The rule that verdicts follow: how sure, how large, how many runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.errors import AnalysisError
from analysis.statistics.intervals import MIN_BOOTSTRAPPED, RESAMPLES, Floats

ANSWERS = ("better", "inside the noise", "not enough runs")

_SIGN_TEST, _MANN_WHITNEY = 4, 6
"""Noether's factors: of pairs, and of runs on each of two equal sides."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a verdict must satisfy.

    Attributes:
        alpha: Chance of calling anything better where nothing is, over all comparisons made at once.
        power: Chance of finding a meaningful difference that the number of pairs asked for gives.
        meaningful: P(A>B) from which a difference is worth knowing (Bouthillier et al., 2021).
        min_units: Fewer pairs than this support no verdict but "not enough runs".
        resamples: Bootstrap draws for each interval.
    """

    alpha: float = 0.05
    power: float = 0.9
    meaningful: float = 0.75
    min_units: int = 3
    resamples: int = RESAMPLES

    def __post_init__(self) -> None:
        """Check each value.

        Raises:
            AnalysisError: If one is out of range.
        """
        for name, low, high in (("alpha", 0, 1), ("power", 0, 1), ("meaningful", 0.5, 1)):
            value = getattr(self, name)
            if not low < value < high:
                raise AnalysisError(
                    f"{name} lies between {low} and {high}, not {value!r}: give one in between"
                )
        for name, least in (("min_units", 2), ("resamples", 1)):
            value = getattr(self, name)
            if value < least:
                raise AnalysisError(f"{name} is at least {least}, not {value!r}: raise it")


RULE = Rule()
"""The rule that reports judge by."""


def pairs_needed(rule: Rule = RULE, n_comparisons: int = 1) -> int:
    """Pairs at which the sign test finds P(A>B) = `rule.meaningful` with the rule's power.

    Args:
        rule: The rule.
        n_comparisons: Made at once: each then has an n-th of `rule.alpha`.

    Source: Noether (1987), sign test: (z_{1 - alpha/2} + z_power)^2 / (4 (p - 1/2)^2).
    """
    return int(_noether(rule, n_comparisons, _SIGN_TEST))


def runs_needed(rule: Rule = RULE, n_comparisons: int = 1) -> int:
    """Runs on each side, without pairs, at which the Mann-Whitney test does the same.

    Source: Noether (1987), two samples of equal size: (z_{1 - alpha/2} + z_power)^2 / (6 (p - 1/2)^2). With
        alpha one-sided it is the formula, and the 29 runs, of Bouthillier et al. (2021).
    """
    return int(_noether(rule, n_comparisons, _MANN_WHITNEY))


def _noether(rule: Rule, n_comparisons: ArrayLike, factor: ArrayLike) -> Floats:
    z_alpha = stats.norm.isf(rule.alpha / (2 * np.maximum(n_comparisons, 1)))
    spread = (z_alpha + stats.norm.ppf(rule.power)) / (rule.meaningful - 0.5)
    return np.asarray(np.ceil(spread**2 / factor))


def correct_p_values(p_values: ArrayLike, family_size: int = 0) -> Floats:
    """P-values corrected for all comparisons of a family, NaN where there is none.

    Args:
        p_values: Shape (n,); NaN is no comparison.
        family_size: Number of comparisons that these were picked from, if more than these; the others count
            as comparisons with p = 1.

    Source: Holm (1979): the i-th smallest times m - i + 1, never below the one before, at most 1. By hand,
        for statsmodels' `multipletests` collects garbage at each call, which costs more than all the rest.
    """
    p_values = np.asarray(p_values, dtype=float)
    order = np.argsort(p_values)[: int((~np.isnan(p_values)).sum())]
    factors = max(len(order), family_size) - np.arange(len(order))
    corrected = np.full(len(p_values), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return corrected


def decide(comparisons: pd.DataFrame, rule: Rule = RULE) -> pd.DataFrame:
    """Answer each comparison.

    Better: the corrected p-value is at most `rule.alpha`, and the interval of P(A>B) lies above 1/2. Inside
    the noise: not better, with at least ten units, and either `pairs_needed` (`runs_needed`) or an interval
    of P(A>B) inside (1 - meaningful, meaningful): a difference worth knowing would have shown. Not enough
    runs: anything else, with what is still missing in `more_pairs`.

    Args:
        comparisons: With `method, n_pairs, n_units, p_better_low, p_better_high, p_corrected,
            n_comparisons`.
        rule: The rule.

    Returns:
        The same with `answer` and `more_pairs` (Int64: pairs of runs; runs on the lesser side where there
        are no pairs).
    """
    low, high, corrected, n_units = (
        comparisons[name].to_numpy(dtype=float)
        for name in ("p_better_low", "p_better_high", "p_corrected", "n_units")
    )
    better = (corrected <= rule.alpha) & (low > 0.5)
    missing = _count_missing(comparisons, n_units, rule)
    excluded = (n_units >= MIN_BOOTSTRAPPED) & (low > 1 - rule.meaningful) & (high < rule.meaningful)
    answer = np.select([better, excluded | (missing <= 0)], ANSWERS[:2], default=ANSWERS[2])
    more = pd.arrays.IntegerArray(missing, answer != ANSWERS[2])
    texts = pd.Series(answer, index=comparisons.index, dtype="object")
    return comparisons.assign(answer=texts, more_pairs=more)


def _count_missing(table: pd.DataFrame, n_units: Floats, rule: Rule) -> NDArray[np.int64]:
    """Pairs, or runs on the lesser side, until a meaningful difference would show; 0 where it would."""
    is_paired = (table["method"] == "paired").to_numpy(dtype=bool)
    factor = np.where(is_paired, _SIGN_TEST, _MANN_WHITNEY)
    needed = _noether(rule, table["n_comparisons"].to_numpy(dtype=float), factor)
    size = np.where(is_paired, table["n_pairs"].to_numpy(dtype=float), n_units)
    # Ten units, of as many pairs as the units have now, or the interval of P(A>B) is not to be trusted.
    of_units = (MIN_BOOTSTRAPPED - n_units) * size / np.maximum(n_units, 1)
    return np.ceil(np.maximum(np.maximum(needed - size, of_units), 0)).astype(np.int64)
