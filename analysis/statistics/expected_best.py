"""Expected best validation score: what a search of n trials, or of so much compute, would have found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gammaln

from analysis.records.schema import Objective
from analysis.statistics.intervals import Floats
from analysis.statistics.settings import check_columns, factor_levels, scored_runs

STATES = ("completed", "pruned", "diverged", "timeout")
"""States whose best score so far counts: a search that cuts trials short still holds what they reached."""

_MAX_POINTS = 200


def expected_maximum(scores: ArrayLike, sizes: Sequence[int] | None = None) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the best of n scores drawn without replacement.

    E = sum_i C(i - 1, n - 1) / C(B, n) v_(i), v_(1) <= ... <= v_(B): unbiased for the best of n independent
    trials. The deviation is that among subsets of these B; near n = B they are nearly all the same, so it
    goes to 0 there although a new search of B trials would not find the same.

    Args:
        scores: Finite, more is better, shape (B,).
        sizes: Values of n, each from 1 to B; by default all.

    Returns:
        Two arrays of shape (len(sizes),).

    Source: Tang et al. (2020), eq. 5, against the with-replacement estimator of Dodge et al. (2019), which
        is biased low.
    """
    ordered = np.sort(np.asarray(scores, dtype=float))
    total = len(ordered)
    n = np.arange(1, total + 1) if sizes is None else np.asarray(sizes, dtype=np.int64)
    if not total or not len(n):
        return np.zeros(0), np.zeros(0)
    weights = _weights_of_ranks(total, n)
    mean = weights @ ordered
    variance = (weights * (ordered - mean[:, None]) ** 2).sum(axis=1)
    return mean, np.sqrt(variance)


def _weights_of_ranks(total: int, n: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
    """Probability that the i-th smallest of `total` is the largest of n, shape (len(n), total)."""
    i = np.arange(1, total + 1, dtype=float)
    reach = i >= n[:, None]
    size = n[:, None].astype(float)
    rank = np.where(reach, i, size)
    log_ways = gammaln(rank) - gammaln(size) - gammaln(rank - size + 1)
    log_all = gammaln(total + 1.0) - gammaln(size + 1) - gammaln(total - size + 1)
    weights = np.where(reach, np.exp(log_ways - log_all), 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def expected_best(
    trials: pd.DataFrame,
    by: str | None = None,
    score: Objective = "val_accuracy",
    *,
    max_points: int = _MAX_POINTS,
) -> pd.DataFrame:
    """Expected best score against the number of trials and against compute, overall or per level of a factor.

    A trial's score is the mean over its replicates of the search. Trials cut short count with their best so
    far: what is judged is the search as it was run, with its scheduler, and without the bad trials that it
    cut it would look better than it was. Trials without any score yield nothing, but their time is charged:
    the budget of n trials is n times all time spent, divided by the trials that have a score. Runs of the
    confirmation are left out.

    The estimate holds for trials drawn independently. Of a sampler that learns, it describes a random part of
    what was tried, not what a shorter search would have found.

    Args:
        trials: The contract's table.
        by: A parameter, one curve per level; None for one curve.
        score: Lower is better for `val_loss`.
        max_points: At most this many values of n per curve, evenly spread on a log scale.

    Returns:
        `level` (None without `by`), `n`, `budget_s`, `expected_best`, `sd`, `n_trials` (with a score),
        `n_without_score`; never beyond `n_trials`.
    """
    check_columns(trials, ("wall_s", "phase", *([by] if by else [])), "trials")
    search = trials[trials["phase"] == "search"]
    runs = scored_runs(search, score, states=STATES)
    spent = search[search["state"] != "running"]
    if by is None:
        tables = [_curve(runs, spent, score, max_points)]
    else:
        levels = factor_levels(search[by])
        tables = [
            _curve(group, spent[levels.reindex(spent.index) == level], score, max_points).assign(level=level)
            for level, group in runs.groupby(levels.reindex(runs.index), observed=True)
        ]
    columns = ["level", "n", "budget_s", "expected_best", "sd", "n_trials", "n_without_score"]
    empty = pd.DataFrame(columns=columns).astype(dict.fromkeys(columns[1:], float))
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True).astype({"level": object})[columns] if filled else empty


def _curve(runs: pd.DataFrame, spent: pd.DataFrame, score: Objective, max_points: int) -> pd.DataFrame:
    sign = -1.0 if score == "val_loss" else 1.0
    values = sign * runs.groupby("trial")["score"].mean().to_numpy()
    total = len(values)
    if not total:
        return pd.DataFrame()
    sizes = np.unique(np.geomspace(1, total, min(max_points, total)).round().astype(np.int64))
    if total <= max_points:
        sizes = np.arange(1, total + 1)
    mean, sd = expected_maximum(values, list(sizes))
    return pd.DataFrame(
        {
            "level": None,
            "n": sizes,
            "budget_s": sizes * float(spent["wall_s"].sum()) / total,
            "expected_best": sign * mean,
            "sd": sd,
            "n_trials": total,
            "n_without_score": spent["trial"].nunique() - total,
        }
    )
