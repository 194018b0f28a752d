"""Settings: distinct parameter sets, and the replicates that belong to each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError
from analysis.records.schema import FURTHER_METRICS, TRIAL_COLUMNS, Objective, Phase, run_keys
from analysis.statistics.intervals import LEVEL, Floats, t_half_width
from analysis.values import is_number
from analysis.words.labels import label_number

MAX_LEVELS = 8
"""A numeric parameter with more distinct values than this is cut into ranges before levels are compared."""

CUT_SHORT = ("pruned", "timeout")
"""States of runs that were stopped while they learned: their scores are not final."""

FAILED = ("failed", "diverged")
"""States of runs that came to nothing."""

Column: TypeAlias = "pd.Series[Any] | NDArray[Any]"

_N_RANGES = 4
_COSTS = ("n_weights", "wall_s", "epoch_s", "to_best_s")
_BOOKKEEPING = {*TRIAL_COLUMNS, "setting", "score"}


def parameter_columns(trials: pd.DataFrame) -> tuple[str, ...]:
    """The parameters' columns of a `trials` table, in its order."""
    return tuple(str(name) for name in trials.columns if name not in _BOOKKEEPING)


def check_columns(table: pd.DataFrame, needed: Iterable[str], name: str) -> None:
    """Raise unless a table has the columns that a statistic needs.

    Raises:
        AnalysisError: If one is missing.
    """
    for column in needed:
        if column not in table.columns:
            known = ", ".join(map(str, table.columns))
            raise AnalysisError(f"{name} lacks the column {column!r} and has {known}: add it or name another")


def without_audit(trials: pd.DataFrame) -> pd.DataFrame:
    """Leave out runs of the pruning audit: their settings were stopped, and were not chosen by them."""
    check_columns(trials, ("phase",), "trials")
    return trials[trials["phase"] != "audit"]


def search_alone(trials: pd.DataFrame) -> pd.DataFrame:
    """The runs of the search: those of the confirmation belong to settings that were chosen by these."""
    check_columns(trials, ("phase",), "trials")
    return trials[trials["phase"] == "search"]


def with_settings(trials: pd.DataFrame) -> pd.DataFrame:
    """Add a column `setting`: the lowest trial number with the same parameters.

    A value that is not set equals another that is not set. So a trial proposed twice is one setting with more
    replicates, and a setting keeps its number when the study grows.
    """
    check_columns(trials, ("trial",), "trials")
    group = number_groups(trials, parameter_columns(trials))
    return trials.assign(setting=trials.groupby(group)["trial"].transform("min").astype(np.int64))


def number_groups(table: pd.DataFrame, names: Iterable[str]) -> NDArray[np.int64]:
    """A number for each row, the same for rows that agree in some columns; missing agrees with missing.

    Like `groupby(names, dropna=False).ngroup()`, at a tenth of its cost for the many small tables that
    pairing looks at.
    """
    return number_rows((table[name] for name in names), len(table))


def number_rows(columns: Iterable[Column], n_rows: int) -> NDArray[np.int64]:
    """As `number_groups`, of columns that may belong to no table."""
    number = np.zeros(n_rows, dtype=np.int64)
    for values in columns:
        known = values if isinstance(values, np.ndarray) else _hashable(values)
        codes, distinct = pd.factorize(known, use_na_sentinel=False)
        _, number = np.unique(number * (len(distinct) + 1) + codes, return_inverse=True)
    return number


def _hashable(values: pd.Series[Any]) -> pd.Series[Any]:
    """Lists and mappings cannot be grouped by; their text can."""
    if values.dtype != object:
        return values
    return values.map(lambda value: repr(value) if isinstance(value, list | dict) else value)


def scored_runs(
    trials: pd.DataFrame,
    score: str = "val_accuracy",
    *,
    states: Iterable[str] = ("completed",),
    phase: Phase | Literal["any"] = "search",
) -> pd.DataFrame:
    """The replicates that may be compared: `trials` with `setting` and `score`, the score finite.

    Runs of the search by default: those of the confirmation belong to settings that were chosen for what the
    search said of them, and judge these alone.

    Args:
        trials: The contract's table.
        score: The column that says how good a run is.
        states: Ends that count; only `completed` runs had the same chance to become good.
        phase: Only runs of this phase; `any` for those of the search and of the confirmation.
    """
    check_columns(trials, ("trial", "replicate", "seed", "state", "phase", score), "trials")
    runs = with_settings(trials)
    runs = runs.assign(score=pd.to_numeric(runs[score]).astype(float))
    kept: pd.Series[bool] = runs["state"].isin(list(states)) & np.isfinite(runs["score"])
    kept &= runs["phase"] != "audit" if phase == "any" else runs["phase"] == phase
    return runs[kept]


def summarize_settings(
    trials: pd.DataFrame, score: str = "val_accuracy", *, phase: Phase | None = None, level: float = LEVEL
) -> pd.DataFrame:
    """Mean score of each setting over its completed replicates.

    Returns:
        One row per setting that was tried, by setting: `setting, n_replicates` (all), `n_completed`,
        `n_cut_short` (pruned or out of time), `n_failed` (failed or diverged), `mean, sd, low, high`
        (Student's interval over replicates, that of a share in [0, 1]; NaN below two), `n_weights, wall_s,
        epoch_s, to_best_s` (means), the parameters.
    """
    check_columns(trials, ("state", "phase", *_COSTS), "trials")
    runs = with_settings(without_audit(trials) if phase is None else trials[trials["phase"] == phase])
    flags = runs.assign(
        n_cut_short=runs["state"].isin(CUT_SHORT),
        n_failed=runs["state"].isin(FAILED),
    )
    by_setting = flags.groupby("setting")
    table = by_setting.agg(
        n_replicates=("trial", "size"), n_cut_short=("n_cut_short", "sum"), n_failed=("n_failed", "sum")
    )
    scores = scored_runs(runs, score, phase=phase or "any").groupby("setting")
    counted = scores["score"].agg(["size", "mean", "std"])
    table = table.join(counted.rename(columns={"size": "n_completed", "std": "sd"}))
    table = table.join(scores[list(_COSTS)].mean())
    table["n_completed"] = table["n_completed"].fillna(0).astype(np.int64)
    half = t_half_width(table["sd"], table["n_completed"], level)
    low, high = within_bounds([table["mean"] - half, table["mean"] + half], score)
    table = table.assign(low=low, high=high)
    table = table.join(by_setting[list(parameter_columns(trials))].first())
    order = ["n_replicates", "n_completed", "n_cut_short", "n_failed", "mean", "sd", "low", "high"]
    return table.reset_index()[["setting", *order, *_COSTS, *parameter_columns(trials)]]


def within_bounds(values: ArrayLike, score: str) -> Floats:
    """Means and ends of intervals of a score: those of a share in [0, 1], which Student's know nothing of."""
    found = np.asarray(values, dtype=float)
    is_share = score.endswith("accuracy") or score in FURTHER_METRICS
    return np.clip(found, 0.0, 1.0) if is_share else found


def scores_at_epoch(
    epochs: pd.DataFrame, trials: pd.DataFrame, n_epochs: int, objective: Objective = "val_accuracy"
) -> pd.DataFrame:
    """`trials` with a column `score`: the best objective within the first `n_epochs` epochs.

    The fair comparison where a scheduler cut trials short: everyone that ran so long, whatever came after, is
    judged by the same number of epochs. Runs that ended earlier get NaN, never a value of less training.

    Raises:
        AnalysisError: If `n_epochs` is below 1.
    """
    if n_epochs < 1:
        raise AnalysisError(f"epochs count from 1, not n_epochs={n_epochs}: ask for 1 or more")
    check_columns(epochs, ("trial", "replicate", "epoch", objective), "epochs")
    keys = run_keys(epochs, trials)
    ran = epochs.groupby(keys)["epoch"].max()
    within = epochs[epochs["epoch"] <= n_epochs].groupby(keys)[objective]
    best = within.min() if objective == "val_loss" else within.max()
    score = best[ran.reindex(best.index) >= n_epochs].rename("score")
    return trials.drop(columns="score", errors="ignore").join(score, on=keys)


def factor_levels(values: pd.Series[Any], max_levels: int = MAX_LEVELS) -> pd.Series[Any]:
    """The levels of a factor: its values, or ranges of a numeric one that takes many.

    Returns:
        An ordered categorical: numbers ascending, other values in order of text. Ranges hold about equally
        many runs and are named by their ends, `0.001 to 0.003`; numbers that were drawn, not listed, make
        ranges however few they are. Missing stays missing.
    """
    known = values.dropna()
    distinct = list(pd.unique(known))
    is_numeric = bool(distinct) and all(is_number(value) for value in distinct)
    if is_numeric and len(distinct) > (_N_RANGES if _are_drawn(distinct) else max_levels):
        return _ranges(values.astype(float))
    if is_numeric:
        return values.astype(pd.CategoricalDtype(sorted(distinct), ordered=True))
    return _hashable(values).astype(
        pd.CategoricalDtype(sorted(pd.unique(_hashable(known)), key=str), ordered=True)
    )


def _are_drawn(values: Iterable[float]) -> bool:
    """Whether numbers come from a range: people list values of one or two digits, 0.001 or 0.25."""
    return any(
        value != int(value) and value != float(f"{value:.2g}") for value in values if np.isfinite(value)
    )


def _ranges(values: pd.Series[float]) -> pd.Series[Any]:
    """Cut numbers into ranges of about equal counts, each named by the smallest and largest value in it."""
    cuts = np.unique(np.nanquantile(values, np.linspace(0, 1, _N_RANGES + 1)[1:-1]))
    group = pd.Series(np.searchsorted(cuts, values, side="left"), index=values.index).where(values.notna())
    ends = values.groupby(group).agg(["min", "max"])
    names = [f"{label_number(low)} to {label_number(high)}" for low, high in ends.itertuples(index=False)]
    codes = pd.Series(names, index=ends.index)
    return group.map(codes).astype(pd.CategoricalDtype(list(dict.fromkeys(names)), ordered=True))
