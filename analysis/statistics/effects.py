"""Effects of factors: means by level, the best of each level, and pairs of factors that work together.

The unit is a setting, by its mean score over completed replicates: replicates of one setting are no further
evidence on another. Numeric factors with many values are cut into ranges (`settings.factor_levels`).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.records.schema import run_keys
from analysis.statistics.additive import fit_additive
from analysis.statistics.comparisons.rules import correct_p_values
from analysis.statistics.expected_best import expected_maximum
from analysis.statistics.intervals import LEVEL, Floats, t_half_width
from analysis.statistics.settings import (
    check_columns,
    factor_levels,
    parameter_columns,
    scored_runs,
    with_settings,
    within_bounds,
    without_audit,
)
from analysis.words.labels import varied_parameters

_ROUNDING = 1e-10

_MIN_LEFT = 4
"""Settings that must be left beyond a pair's model: an F test is right with few, and finds little."""


def marginal_effects(
    trials: pd.DataFrame,
    factors: Iterable[str] | None = None,
    score: str = "val_accuracy",
    *,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Mean score at each level of each factor, as tried and with all else held equal.

    `mean` is over the settings as they were tried: in a search a level may look better for its company.
    `adjusted` is the mean prediction of an additive model for all settings, moved to this level: it takes
    off what the other factors add, not what they change in this one.

    Returns:
        One row per factor and level: `factor, level, n_settings, n_runs, mean, low, high` (Student's interval
        over settings), `adjusted, adjusted_low, adjusted_high` (HC3, NaN where the data cannot tell the level
        from other factors or hold too few settings). Of a score that is a share none leaves [0, 1].
    """
    settings, scores, levels = _by_setting(trials, score)
    names = _names(trials, levels, factors)
    fit = fit_additive(scores, levels)
    rows = []
    for name in names:
        runs = settings["n_runs"].groupby(levels[name], observed=False).sum()
        for value, own in scores.groupby(levels[name], observed=True):
            half = float(t_half_width(own.std(), len(own), level))
            weights = fit.margin(name, value)
            adjusted, error = fit.estimate(weights) if fit.can_estimate(weights) else (np.nan, np.nan)
            reach = float(stats.t.ppf(0.5 + level / 2, max(fit.freedom, 1))) * error
            mean = float(own.mean())
            raw = within_bounds([mean, mean - half, mean + half], score)
            held = within_bounds([adjusted, adjusted - reach, adjusted + reach], score)
            rows.append((name, value, len(own), runs[value], *raw, *held))
    columns = ["factor", "level", "n_settings", "n_runs", "mean", "low", "high"]
    return _table(rows, [*columns, "adjusted", "adjusted_low", "adjusted_high"], 2)


def can_hold_equal(effects: pd.DataFrame) -> bool:
    """Whether `marginal_effects` knows the mean of every level with all else held equal."""
    return bool(effects["adjusted"].notna().all())


def best_by_level(
    trials: pd.DataFrame, factors: Iterable[str] | None = None, score: str = "val_accuracy"
) -> pd.DataFrame:
    """The best setting at each level of each factor, everything else free: the isolation plot.

    The best of many is better than the best of few, whatever the level. So `best_of_equal` is the expected
    best of as many settings as the least tried level has, drawn from those at this level.

    Returns:
        One row per factor and level: `factor, level, n_settings, setting` (the best), `best` (its mean
        score), `best_sd` (over its replicates, NaN for one), `n_equal, best_of_equal, best_of_equal_sd`.

    Source: isolation plots of the tuning playbook (Godbole et al., 2023); the estimate of Tang et al. (2020).
    """
    settings, scores, levels = _by_setting(trials, score)
    rows = []
    for name in _names(trials, levels, factors):
        groups = list(scores.groupby(levels[name], observed=True))
        n_equal = min((len(own) for _, own in groups), default=0)
        for value, own in groups:
            position = int(own.to_numpy().argmax())
            best = own.index[position]
            mean, sd = expected_maximum(own, [n_equal])
            alone = (best, own.iloc[position], settings["sd"].loc[best])
            rows.append((name, value, len(own), *alone, n_equal, mean[0], sd[0]))
    columns = ["factor", "level", "n_settings", "setting", "best", "best_sd"]
    return _table(rows, [*columns, "n_equal", "best_of_equal", "best_of_equal_sd"], 2)


def cell_means(
    table: pd.DataFrame, trials: pd.DataFrame, factors: tuple[str, str], value: str
) -> pd.DataFrame:
    """Mean of any value over two factors, for a map: of the gap, of the onset, of a score.

    Args:
        table: With `trial, replicate` and the value, one row per replicate; `trials` itself will do.
        trials: The contract's table, for parameters. Completed runs only.
        factors: Rows and columns of the map.
        value: Column of `table`.

    Returns:
        One row per combination that was tried: `row, column` (levels), `n_settings, mean`: the mean of the
        settings' means.
    """
    check_columns(table, ("trial", "replicate", value), "table")
    check_columns(trials, ("trial", "replicate", "state", *factors), "trials")
    keys = run_keys(table, trials)
    runs = without_audit(with_settings(trials)).assign(
        **{side: factor_levels(trials[name]) for side, name in zip(("row", "column"), factors, strict=True)}
    )
    is_judged = (runs["state"] == "completed") & (runs["phase"] == "search")
    runs = runs.loc[is_judged, [*keys, "setting", "row", "column"]]
    values = table[keys].assign(value=pd.to_numeric(table[value]).astype("Float64").astype(float))
    means = runs.merge(values, on=keys).dropna().groupby(["row", "column", "setting"], observed=True)["value"]
    cells = means.mean().groupby(["row", "column"], observed=True)
    return cells.agg(n_settings="size", mean="mean").reset_index()


def interactions(
    trials: pd.DataFrame, factors: Iterable[str] | None = None, score: str = "val_accuracy"
) -> pd.DataFrame:
    """Pairs of factors: how much of the scores' variance they explain together beyond adding up.

    Each pair is added to the additive model of all factors. `share` is what it explains of the whole
    variance; a share also comes of noise, so `share_expected` says how much as many random columns would.

    Returns:
        One row per pair, strongest first: `factor_a, factor_b, n_settings, freedom` (numbers that the pair
        adds), `share, share_expected, p_value` (F test), `p_corrected` (Holm over the pairs). NaN where
        fewer than four settings would be left, or nothing is left to explain. At equal scores: no rows.

    Source: the extra-sum-of-squares F test, e.g. Draper & Smith (1998), ch. 6.
    """
    _, scores, levels = _by_setting(trials, score)
    names = _names(trials, levels, factors)
    total = float(((scores - scores.mean()) ** 2).sum()) if len(scores) else 0.0
    if total == 0 or len(names) < 2:
        return _table([], _INTERACTION_COLUMNS, 2)
    fit = fit_additive(scores, levels)
    basis = _orthonormal(fit.design)
    rows = [
        (a, b, len(scores), *_added_by_pair(fit.residuals, basis, levels[a], levels[b], total))
        for a, b in combinations(names, 2)
    ]
    table = _table(rows, _INTERACTION_COLUMNS[:-1], 2)
    table = table.assign(p_corrected=correct_p_values(table["p_value"]))
    return table.sort_values("share", ascending=False, kind="stable", na_position="last", ignore_index=True)


_INTERACTION_COLUMNS = [
    "factor_a",
    "factor_b",
    "n_settings",
    "freedom",
    "share",
    "share_expected",
    "p_value",
    "p_corrected",
]


def _added_by_pair(
    residuals: Floats, basis: Floats, a: pd.Series[Any], b: pd.Series[Any], total: float
) -> tuple[float, float, float, float]:
    """Freedom, share, expected share and p-value of a pair's own columns, beside the additive model."""
    columns_a, columns_b = (pd.get_dummies(values).to_numpy(dtype=float) for values in (a, b))
    products = (columns_a[:, :, None] * columns_b[:, None, :]).reshape(len(residuals), -1)
    own = _orthonormal(products - basis @ (basis.T @ products))
    freedom = own.shape[1]
    left = len(residuals) - basis.shape[1] - freedom
    residual = float((residuals**2).sum())
    if not freedom or left < _MIN_LEFT or residual <= _ROUNDING * total:
        return float(freedom), np.nan, np.nan, np.nan
    explained = float(((own.T @ residuals) ** 2).sum())
    unexplained = max(residual - explained, 0.0)
    noise = unexplained / left
    ratio = explained / freedom / noise if unexplained > _ROUNDING * total else np.inf
    p_value = float(stats.f.sf(ratio, freedom, left))
    return float(freedom), explained / total, freedom * noise / total, p_value


def _orthonormal(columns: Floats) -> Floats:
    """An orthonormal basis of what the columns span, shape (n, rank)."""
    sizes, vectors = np.linalg.eigh(columns.T @ columns)
    held = sizes > _ROUNDING * max(len(columns), 1)
    return np.asarray(columns @ vectors[:, held] / np.sqrt(sizes[held]))


def _by_setting(
    trials: pd.DataFrame, score: str
) -> tuple[pd.DataFrame, pd.Series[float], dict[str, pd.Series[Any]]]:
    """Replicates and their spread, mean score, and the level of each varied factor, all by setting."""
    trials = trials.reset_index(drop=True)
    runs = scored_runs(trials, score)
    settings = runs.groupby("setting")["score"].agg(["mean", "std", "size"])
    settings = settings.set_axis(["mean", "sd", "n_runs"], axis=1)
    keys = runs.drop_duplicates("setting").set_index("setting", drop=False).index
    first = pd.Series(runs.drop_duplicates("setting").index, index=keys).reindex(settings.index)
    levels = {
        name: factor_levels(trials[name]).reindex(first.to_numpy()).set_axis(settings.index)
        for name in varied_parameters(trials, parameter_columns(trials))
    }
    return settings, settings["mean"], levels


def _names(
    trials: pd.DataFrame, levels: dict[str, pd.Series[Any]], factors: Iterable[str] | None
) -> tuple[str, ...]:
    """The factors asked for that vary."""
    if factors is None:
        return tuple(levels)
    asked = tuple(factors)
    check_columns(trials, asked, "trials")
    return tuple(name for name in asked if name in levels)


def _table(rows: list[tuple[Any, ...]], columns: list[str], n_texts: int) -> pd.DataFrame:
    """Rows as a table whose first columns hold names, the others numbers, with types that never change."""
    whole = {"n_settings", "n_runs", "n_equal", "setting"}
    return pd.DataFrame(
        {
            name: pd.Series(
                [row[index] for row in rows],
                dtype="object" if index < n_texts else "int64" if name in whole else "float64",
            )
            for index, name in enumerate(columns)
        }
    )
