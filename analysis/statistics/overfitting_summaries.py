"""Overfitting of settings and of the levels of factors: which overfit sooner and more."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.records.schema import run_keys
from analysis.statistics.intervals import (
    LEVEL,
    MIN_BOOTSTRAPPED,
    RESAMPLES,
    Floats,
    Seed,
    cluster_interval,
    t_half_width,
    wilson_interval,
)
from analysis.statistics.onset_times import follow, horizon_of, mean_time
from analysis.statistics.settings import (
    check_columns,
    factor_levels,
    parameter_columns,
    search_alone,
    with_settings,
)
from analysis.words.labels import varied_parameters

_FLAGS = ("loss_overfits", "accuracy_overfits")
_NEVER_NEGATIVE = ("cost_accuracy", "cost_loss")
"""What is lost from the best to the last epoch: Student's interval of few knows nothing of that."""

STATISTICS = (
    *_FLAGS,
    "onset_epoch",
    "epochs_before_onset",
    "gap_best",
    "gap_last",
    "cost_accuracy",
    "cost_loss",
)
"""Columns of `overfitting_by_replicate` that are summarized, one row each."""


def overfitting_by_setting(
    overfitting: pd.DataFrame, trials: pd.DataFrame, *, level: float = LEVEL
) -> pd.DataFrame:
    """Overfitting of each setting, over its completed replicates of the search.

    Args:
        overfitting: As `overfitting_by_replicate` gives it.
        trials: The contract's table.
        level: Coverage of the intervals over replicates: Student's for means, Wilson's for shares. Not
            bootstrapped, for three to five replicates are too few: percentile intervals come out too short.

    Returns:
        One row per setting and statistic of `STATISTICS`: `setting, statistic, n_replicates` (with a value),
        `mean, low, high`. The mean onset is over replicates that overfit.
    """
    runs = _completed_runs(overfitting, trials)
    long = runs.melt(id_vars="setting", value_vars=list(STATISTICS), var_name="statistic")
    long["statistic"] = pd.Categorical(long["statistic"], categories=STATISTICS)
    grouped = long.groupby(["setting", "statistic"], observed=True)["value"]
    table = grouped.agg(n_replicates="count", mean="mean", sd="std").reset_index()
    half = t_half_width(table["sd"], table["n_replicates"], level)
    low, high = wilson_interval(table["mean"] * table["n_replicates"], table["n_replicates"], level)
    is_share = table["statistic"].isin(_FLAGS)
    lowest = _at_least_zero(table["mean"] - half, table["statistic"])
    table["low"] = np.where(is_share, low, lowest)
    table["high"] = np.where(is_share, high, table["mean"] + half)
    return table.astype({"statistic": object}).drop(columns="sd")


def overfitting_by_factor(
    overfitting: pd.DataFrame,
    trials: pd.DataFrame,
    factors: Iterable[str] | None = None,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Overfitting at each level of each factor, over completed replicates of the search.

    Marginal: other parameters are averaged over as they were tried, so in a search a level may look better
    for the company it was tried in.

    Args:
        overfitting: As `overfitting_by_replicate` gives it.
        trials: The contract's table.
        factors: Parameters to look at; by default those that vary.
        level: Coverage.
        resamples: Bootstrap draws of settings, whole with their replicates.
        seed: Starts the draws.

    Returns:
        One row per factor, level and statistic of `STATISTICS`: `factor, level, statistic, n_replicates,
        n_settings, mean, low, high`. The interval is the bootstrap's percentiles from ten settings on;
        below, where those come out too short, Student's over the settings' means; for shares Wilson's with
        `n_settings` cases; missing below two settings. `epochs_before_onset` is taken up to an epoch to which
        runs of each level tell of onsets (`onset_times.mean_time`): a run that ended early is not sturdy.
    """
    rng = np.random.default_rng(seed)
    trials = search_alone(trials).reset_index(drop=True)
    runs = _completed_runs(overfitting, trials)
    names = varied_parameters(trials, parameter_columns(trials)) if factors is None else tuple(factors)
    check_columns(trials, names, "trials")
    tables = [
        _summarize_level(group, level, resamples, rng).assign(factor=name, level=value)
        for name in names
        for value, group in runs.groupby(factor_levels(trials[name]).reindex(runs.index), observed=True)
    ]
    tables.extend(_time_onsets(overfitting, trials, names, level))
    columns = ["factor", "level", "statistic", "n_replicates", "n_settings", "mean", "low", "high"]
    if not tables:
        kinds = {name: object if name in columns[:3] else float for name in columns}
        return pd.DataFrame(columns=columns).astype(kinds)
    return pd.concat(tables, ignore_index=True).astype({"level": object})[columns]


def _time_onsets(
    overfitting: pd.DataFrame, trials: pd.DataFrame, names: Iterable[str], level: float
) -> list[pd.DataFrame]:
    """The rows on the epochs before the onset, by factor."""
    runs = follow(overfitting, trials)
    tables = []
    for name in names:
        groups = dict(list(runs.groupby(factor_levels(trials[name]).reindex(runs.index), observed=True)))
        # Up to the last onset of any level, where each tells of all of its own.
        last = max((own["time"].max() for own in groups.values()), default=0)
        horizon = int(min([last, *map(horizon_of, groups.values())]))
        rows = [
            (name, value, "epochs_before_onset", len(own), own["setting"].nunique(), *mean)
            for value, own in groups.items()
            for mean in [mean_time(own, horizon, level)]
        ]
        columns = ["factor", "level", "statistic", "n_replicates", "n_settings", "mean", "low", "high"]
        tables.append(pd.DataFrame(rows, columns=columns).astype({"level": object}))
    return [table for table in tables if len(table)]


def _completed_runs(overfitting: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Overfitting of the search's completed replicates as floats, with parameters, indexed as `trials`."""
    keys = run_keys(overfitting, trials)
    check_columns(trials, ("trial", "replicate", "state"), "trials")
    check_columns(overfitting, ("trial", "replicate", *STATISTICS), "overfitting")
    runs = search_alone(with_settings(trials))
    runs = runs.loc[runs["state"] == "completed", [*keys, "setting", *parameter_columns(trials)]]
    values = overfitting[[*keys, *STATISTICS]].astype(dict.fromkeys(STATISTICS, "Float64"))
    floats = values.astype(dict.fromkeys(STATISTICS, float)).set_index(keys)
    return runs.join(floats, on=keys, how="inner")


def _summarize_level(
    runs: pd.DataFrame, level: float, resamples: int, rng: np.random.Generator
) -> pd.DataFrame:
    names = [name for name in STATISTICS if name != "epochs_before_onset"]
    grouped = runs.groupby("setting")[names]
    sums, counts = grouped.sum(), grouped.count()
    n_settings = (counts > 0).sum().to_numpy()
    mean = runs[names].mean().to_numpy()
    if n_settings.max(initial=0) < MIN_BOOTSTRAPPED:
        half = t_half_width(grouped.mean().std(), n_settings, level)
        low, high = mean - half, mean + half
    else:
        low, high = cluster_interval(sums, counts, level=level, resamples=resamples, seed=rng)
    share_low, share_high = wilson_interval(mean * n_settings, n_settings, level)
    is_share = np.isin(names, _FLAGS)
    known = n_settings >= 2
    return pd.DataFrame(
        {
            "statistic": names,
            "n_replicates": counts.sum().to_numpy(),
            "n_settings": n_settings,
            "mean": mean,
            "low": np.where(known, np.where(is_share, share_low, _at_least_zero(low, names)), np.nan),
            "high": np.where(known, np.where(is_share, share_high, high), np.nan),
        }
    )


def _at_least_zero(low: ArrayLike, statistics: ArrayLike) -> Floats:
    """Lower ends of intervals, those of what is never negative at 0 or above."""
    ends = np.asarray(low, dtype=float)
    return np.where(
        np.isin(np.asarray(statistics, dtype=object), _NEVER_NEGATIVE), np.maximum(ends, 0.0), ends
    )
