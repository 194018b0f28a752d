"""Onsets as times that not every run lived to show: a run that ends too soon is censored, not sturdy."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import stats

from analysis.records.schema import run_keys
from analysis.statistics.intervals import LEVEL, Floats, t_half_width, wilson_interval
from analysis.statistics.settings import (
    check_columns,
    factor_levels,
    parameter_columns,
    search_alone,
    with_settings,
)
from analysis.words.labels import varied_parameters

LATE_EPOCHS = 2
"""Epochs behind an onset without which it is not seen: one late epoch alone proves nothing."""

_NUMBERS = (
    "n_runs", "n_onsets", "n_censored", "horizon", "share", "share_low", "share_high", "median", "median_low",
    "median_high",
)  # fmt: skip


def onset_times(
    overfitting: pd.DataFrame,
    trials: pd.DataFrame,
    factors: Iterable[str] | None = None,
    *,
    level: float = LEVEL,
) -> pd.DataFrame:
    """When completed runs of the search begin to overfit, of all and at each level of each factor.

    An onset shows in two late epochs, so a run without any had none up to two epochs before its end. What
    would have come of it later, nobody knows, whether patience ended it or the last epoch.

    Args:
        overfitting: As `overfitting_by_replicate` gives it.
        trials: The contract's table.
        factors: By default those that vary.
        level: Coverage; runs are the cases.

    Returns:
        One row for all runs (`factor` and `level` empty) and one per factor and level: `factor, level,
        n_runs, n_onsets, n_censored, horizon` (the last epoch up to which any run was followed), `share,
        share_low, share_high` (of runs that overfit by then), `median, median_low, median_high` (epoch after
        which half of them do, infinite where fewer than half do by the horizon).

    Source: Kaplan & Meier (1958); bands log-log with Greenwood's variance (Kalbfleisch & Prentice, 1980), of
        runs that all had theirs Wilson's (1927); the median's interval where they cross one half (Brookmeyer
        & Crowley, 1982).
    """
    trials = search_alone(trials).reset_index(drop=True)
    runs = follow(overfitting, trials)
    names = varied_parameters(trials, parameter_columns(trials)) if factors is None else tuple(factors)
    check_columns(trials, names, "trials")
    groups = [("", "", runs)]
    for name in names:
        levels = factor_levels(trials[name]).reindex(runs.index)
        groups += [(name, value, own) for value, own in runs.groupby(levels, observed=True)]
    rows = [(factor, value, *_describe(own, level)) for factor, value, own in groups if len(own)]
    table = pd.DataFrame(rows, columns=["factor", "level", *_NUMBERS])
    return table.astype({"factor": object, "level": object})


def follow(overfitting: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """How long each completed run of the search was followed: `setting, time` (epochs), `seen` (its onset).

    Returns:
        Indexed as `trials`; without runs of fewer than three epochs, in which no onset can be seen.
    """
    keys = run_keys(overfitting, trials)
    runs = search_alone(with_settings(trials))
    runs = runs.loc[runs["state"] == "completed", [*keys, "setting"]]
    known = overfitting[[*keys, "onset_epoch", "n_epochs"]].set_index(keys)
    runs = runs.join(known, on=keys, how="inner")
    onset = runs["onset_epoch"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    seen = np.isfinite(onset)
    time = np.where(seen, onset, runs["n_epochs"].to_numpy(dtype=float) - LATE_EPOCHS)
    runs = runs.assign(time=time, seen=seen)
    return runs.loc[runs["time"] >= 1, ["setting", "time", "seen"]]


def _describe(runs: pd.DataFrame, level: float) -> tuple[float, ...]:
    seen = runs["seen"].to_numpy(dtype=bool)
    time = runs["time"].to_numpy(dtype=float)
    horizon = float(time.max())
    counts = (len(runs), int(seen.sum()), int((~seen).sum()), horizon)
    if not seen.any():
        # Of those that were followed to the end: what the others would have done there, nobody saw.
        _, high_share = wilson_interval(0, int((time == horizon).sum()), level)
        return (*counts, 0.0, 0.0, float(high_share), np.inf, np.nan, np.inf)
    curve = stats.ecdf(stats.CensoredData.right_censored(time, ~seen)).sf
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where the curve is 0 or 1, as said below
        band = curve.confidence_interval(level, method="log-log")
    low, high = (np.asarray(side.probabilities, dtype=float) for side in (band.low, band.high))
    at = np.asarray(curve.probabilities, dtype=float)
    # Greenwood's variance is not defined before the first onset, nor where none is left without.
    low, high = (np.where(np.isnan(side), at, side) for side in (low, high))
    low_share, _ = wilson_interval(len(runs), len(runs), level)
    # Of runs that all had theirs Wilson's interval; where some were censored, few are left at the last onset,
    # and no more is known than before it.
    at_end = 1 - low_share if seen.all() else 1.0
    high = np.minimum.accumulate(np.where(at == 0.0, at_end, high))
    times = np.asarray(curve.quantiles, dtype=float)
    medians = (_first_below(times, side) for side in (at, low, high))
    return (*counts, 1 - at[-1], 1 - high[-1], 1 - low[-1], *medians)


def _first_below(times: Floats, probabilities: Floats) -> float:
    below = np.flatnonzero(probabilities <= 0.5 + 1e-12)
    return float(times[below[0]]) if len(below) else np.inf


def horizon_of(runs: pd.DataFrame) -> float:
    """The epoch up to which runs tell of onsets; infinite where the one that was followed longest had one.

    Args:
        runs: As `follow` gives them.
    """
    last = runs[runs["time"] == runs["time"].max()]
    return float(runs["time"].max()) if not last["seen"].all() else math.inf


def mean_time(runs: pd.DataFrame, horizon: int, level: float = LEVEL) -> tuple[float, float, float]:
    """Mean epochs before the onset, those that have none by the horizon counted as one more.

    Args:
        runs: As `follow` gives them.
        horizon: Epochs, at least 1 and not beyond what they tell of, `horizon_of`.
        level: Coverage.

    Returns:
        Mean and interval over settings, which is NaN below two of them and where no onset was seen.

    Source: the area under the curve of Kaplan & Meier up to the horizon (restricted mean survival time,
        Royston & Parmar, 2013); Student's interval of the jackknife over whole settings (Tukey, 1958).
    """
    setting = pd.factorize(runs["setting"])[0]
    n = int(setting.max(initial=-1)) + 1
    ends, onsets = (np.zeros((n, horizon + 1)) for _ in range(2))
    np.add.at(ends, (setting, np.minimum(runs["time"].to_numpy(dtype=np.int64), horizon)), 1.0)
    had = runs["seen"].to_numpy(dtype=bool) & (runs["time"].to_numpy() <= horizon)
    np.add.at(onsets, (setting[had], runs["time"].to_numpy(dtype=np.int64)[had]), 1.0)
    at_risk = ends[:, ::-1].cumsum(axis=1)[:, ::-1]
    mean = float(_area(np.ones((1, n)), onsets, at_risk)[0])
    if n < 2 or not had.any():
        return mean, np.nan, np.nan
    without = _area(1 - np.eye(n), onsets, at_risk)
    half = float(t_half_width((n - 1) * without.std(ddof=1), n, level))
    return mean, max(mean - half, 0.0), min(mean + half, horizon + 1.0)


def _area(weights: Floats, onsets: Floats, at_risk: Floats) -> Floats:
    """Area under the survival curve of weighted settings: one mean for each row of weights."""
    events, exposed = weights @ onsets, weights @ at_risk
    hazard = np.divide(events, exposed, out=np.zeros_like(events), where=exposed > 0)
    survival = np.cumprod(1 - hazard, axis=1)
    return np.asarray(survival.sum(axis=1))
