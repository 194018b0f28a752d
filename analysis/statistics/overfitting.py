"""Overfitting of each replicate: when it begins, how wide the gap is, what training on costs.

All accuracies, gaps and costs are shares in [-1, 1], not percentages. Epochs count from 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.records.schema import EPOCH_METRICS, Objective, run_keys
from analysis.statistics.intervals import Floats
from analysis.statistics.optimism import expected_maximum_of_normals
from analysis.statistics.settings import check_columns

LOSS_TOLERANCE = 0.03
"""Share of its minimum by which validation loss may exceed it and still count as recovered."""

ACCURACY_TOLERANCE = 0.01
"""Accuracy by which a run may stay below its best and still count as recovered: one point."""

_SHARED_EPOCHS = 4
_NORMAL = float(1 / stats.norm.ppf(0.75))
_BOTH_LATE = float(stats.norm.isf(np.sqrt(0.05)))

_EPOCHS = ("best_epoch", "best_loss_epoch", "best_accuracy_epoch", "onset_epoch", "accuracy_onset_epoch")


def overfitting_by_replicate(
    epochs: pd.DataFrame,
    trials: pd.DataFrame | None = None,
    *,
    tolerance: float = LOSS_TOLERANCE,
    accuracy_tolerance: float = ACCURACY_TOLERANCE,
    objective: Objective = "val_accuracy",
) -> pd.DataFrame:
    """How each replicate overfitted.

    Onset is the first epoch after which validation loss never again comes within `tolerance` of its
    minimum. One epoch alone proves nothing: the rise must stand whichever single epoch is left out, and a
    lone return after two or more epochs outside, followed by leaving again, is no recovery. Where curves
    jitter more than the tolerance allows for, it is as wide as makes two late epochs outside of it an
    accident of one flat curve in twenty (`allowance_for_jitter`).

    Every state is judged, but a run that did not complete can only be found to overfit, never not to:
    where it ended before the rise was seen, its flags are missing. Epochs without a finite value are passed
    over. Costs and last gaps of runs that did not complete say what happened until they ended.

    Args:
        epochs: The contract's table.
        trials: The contract's table, for states; without it every run is taken as completed.
        tolerance: Relative, for loss.
        accuracy_tolerance: Absolute, for accuracy; the same rule, applied to `1 - val_accuracy`.
        objective: What `best_epoch` is best in: the earliest epoch with the best value, as in the records.

    Returns:
        One row per replicate that has epochs, sorted: `trial, replicate, n_epochs`; `best_epoch,
        best_loss_epoch, best_accuracy_epoch, onset_epoch, accuracy_onset_epoch` (Int64, missing where there
        is none or it cannot be said); `gap_best, gap_last` (train minus validation accuracy at `best_epoch`
        and at the last epoch, > 0: fits the training texts better); `cost_accuracy` (best minus last
        validation accuracy) and `cost_loss` (last minus lowest validation loss), both >= 0;
        `loss_overfits, accuracy_overfits` (boolean, missing where it cannot be said); `epochs_before_onset`
        (`onset_epoch`, or all epochs of a run that does not overfit, so that means keep the sturdy runs).
    """
    check_columns(epochs, ("trial", "replicate", "epoch", *EPOCH_METRICS), "epochs")
    index, numbers, curves = spread_curves(epochs, objective)
    table = index.to_frame(index=False)
    table["n_epochs"] = _count_epochs(numbers)
    complete = _completed(index, trials)
    error = 1 - curves["val_accuracy"]
    goal = curves["val_loss"] if objective == "val_loss" else 1 - curves[objective]
    best, loss_best, error_best = (_lowest(values) for values in (goal, curves["val_loss"], error))
    lowest_loss = _at(curves["val_loss"], loss_best)
    allowed = np.fmax(tolerance * lowest_loss, allowance_for_jitter(curves["val_loss"], is_relative=True))
    loss_onset = onset_indices(curves["val_loss"], allowed)
    error_onset = onset_indices(error, np.fmax(accuracy_tolerance, allowance_for_jitter(error)))
    for name, indices in zip(_EPOCHS, (best, loss_best, error_best, loss_onset, error_onset), strict=True):
        table[name] = _nullable_epochs(_at(numbers, indices))
    gap = curves["train_accuracy"] - curves["val_accuracy"]
    table["gap_best"] = _at(gap, best)
    table["gap_last"] = _at(gap, _last(gap))
    table["cost_accuracy"] = _at(error, _last(error)) - _at(error, error_best)
    table["cost_loss"] = _at(curves["val_loss"], _last(curves["val_loss"])) - lowest_loss
    table["loss_overfits"] = _flags(curves["val_loss"], loss_onset, complete)
    table["accuracy_overfits"] = _flags(error, error_onset, complete)
    sturdy = table["loss_overfits"].eq(False).fillna(False)
    table["epochs_before_onset"] = table["onset_epoch"].where(~sturdy, table["n_epochs"])
    return table


def curve_noise(epochs: pd.DataFrame) -> pd.DataFrame:
    """How much each replicate's validation curves jitter from epoch to epoch.

    The standard deviation of an epoch around the line through its neighbours, scaled to that of one epoch's
    noise. The bend of a fast-moving curve counts as noise too, so it is an upper figure where few epochs
    were run.

    Returns:
        `trial, replicate, n_epochs, val_loss_noise, val_accuracy_noise`, NaN below three epochs.

    Source: Gasser, Sroka & Jennen-Steinmetz (1986), pseudo-residuals: their variance is 3/2 that of an epoch.
    """
    check_columns(epochs, ("trial", "replicate", "epoch", *EPOCH_METRICS), "epochs")
    index, numbers, curves = spread_curves(epochs)
    table = index.to_frame(index=False)
    table["n_epochs"] = _count_epochs(numbers)
    for name in ("val_loss", "val_accuracy"):
        values = curves[name]
        residuals = (values[:, :-2] + values[:, 2:]) / 2 - values[:, 1:-1]
        known = ~np.isnan(residuals)
        squares = np.where(known, residuals, 0.0) ** 2
        n = known.sum(axis=1)
        variance = np.divide(squares.sum(axis=1), n, out=np.full(len(n), np.nan), where=n > 0)
        table[f"{name}_noise"] = np.sqrt(variance / 1.5)
    return table


def allowance_for_jitter(values: Floats, *, is_relative: bool = False) -> Floats:
    """How far above its minimum a flat curve's last two epochs both lie in one of twenty.

    That is the expected distance of the lowest of n epochs from their mean, and on from there the quantile
    that an epoch passes with the root of 1/20, times the jitter of one epoch. The jitter of few epochs is
    hardly known, so each curve's leans on that of all: as much as on its own at six epochs.

    Args:
        values: Curves, shape (n_curves, n_epochs), NaN where there is none.
        is_relative: Whether a curve jitters by a share of its height, as losses do.

    Returns:
        Shape (n_curves,), 0 where no curve has four epochs.
    """
    level = np.full(len(values), 1.0)
    if is_relative and values.size:
        level = np.where(np.isnan(values).all(axis=1), np.nan, np.nanmin(np.where(
            np.isnan(values), np.inf, values), axis=1))  # fmt: skip
    own = jitter(values) / level
    known = np.isfinite(own)
    if not known.any():
        return np.zeros(len(values))
    shared = float(np.median(own[known]))
    n = (~np.isnan(values)).sum(axis=1)
    weight = np.where(known, np.maximum(n - 2, 0), 0)
    squares = weight * np.where(known, own, 0.0) ** 2 + _SHARED_EPOCHS * shared**2
    pooled = np.sqrt(squares / (weight + _SHARED_EPOCHS))
    reach = np.array([expected_maximum_of_normals(max(size, 1)) for size in range(int(n.max()) + 1)])
    return np.asarray((reach[n] + _BOTH_LATE) * pooled * np.nan_to_num(level))


def jitter(values: Floats) -> Floats:
    """Standard deviation of one epoch's noise in each curve, shape (n_curves,); NaN below four epochs.

    From second and from third differences, whichever says less: the one takes a steady bend for noise, the
    other a sharp one. The median of their sizes, so that the one turn of a curve does not count.

    Source: difference-based estimates, Gasser, Sroka & Jennen-Steinmetz (1986), Hall, Kay & Titterington
        (1990); 1.4826 times the median of absolute values, which is the standard deviation of normal noise.
    """
    estimates = []
    for weights in ((0.5, -1.0, 0.5), (1.0, -3.0, 3.0, -1.0)):
        width = len(weights)
        if values.shape[1] < 4:
            return np.full(len(values), np.nan)
        parts = [
            weight * values[:, start : values.shape[1] - width + 1 + start]
            for start, weight in enumerate(weights)
        ]
        sizes = np.abs(np.sum(parts, axis=0))
        known = ~np.isnan(sizes).all(axis=1)
        middle = np.full(len(values), np.nan)
        middle[known] = np.nanmedian(sizes[known], axis=1)
        estimates.append(_NORMAL * middle / np.sqrt(np.sum(np.square(weights))))
    return np.asarray(np.minimum(*estimates))


def _count_epochs(numbers: Floats) -> pd.Series[int]:
    return pd.Series((~np.isnan(numbers)).sum(axis=1), dtype=np.int64)


def spread_curves(epochs: pd.DataFrame, *further: str) -> tuple[pd.MultiIndex, Floats, dict[str, Floats]]:
    """One row per replicate, one column per epoch that it reported, NaN behind its last.

    Returns:
        Keys of the rows, numbers of the epochs, and each metric and what is asked for further, arrays of
        shape (n_replicates, most epochs).
    """
    keys = run_keys(epochs)
    ordered = epochs.sort_values([*keys, "epoch"], kind="stable")
    groups = ordered.groupby(keys, sort=True)
    rows, columns = groups.ngroup().to_numpy(), groups.cumcount().to_numpy()
    index = pd.MultiIndex.from_frame(ordered[keys].drop_duplicates())
    shape = (len(index), int(columns.max(initial=-1)) + 1)

    def spread(name: str) -> Floats:
        values = np.full(shape, np.nan)
        values[rows, columns] = ordered[name].to_numpy(dtype=float)
        values[~np.isfinite(values)] = np.nan
        return values

    return index, spread("epoch"), {name: spread(name) for name in (*EPOCH_METRICS, *further)}


def onset_indices(values: Floats, allowance: Floats) -> NDArray[np.int64]:
    """Where each curve is last within `allowance` of its minimum, by the rule of `overfitting_by_replicate`.

    Args:
        values: What should be low, shape (n_curves, n_epochs), NaN where there is none.
        allowance: How far above its minimum a curve may lie, shape (n_curves,).

    Returns:
        Column indices, -1 where a curve does not rise for good or this rests on a single epoch.
    """
    if not values.size:
        return np.full(len(values), -1)
    filled = np.where(np.isnan(values), np.inf, values)
    lowest = filled.min(axis=1, keepdims=True)
    inside = (filled <= lowest + allowance[:, None]) & np.isfinite(filled)
    onset = _last_true(inside)
    lone = _lone_return(filled, inside, onset, allowance)
    return np.where(_rises(filled, allowance), np.where(lone >= 0, lone, onset), -1)


def _rises(filled: Floats, allowance: Floats) -> NDArray[np.bool_]:
    """Whether the rise stands whichever single epoch is left out.

    Without the last one, the second last must be outside; without the minimum, the last one must be outside
    of the second lowest value; leaving out any other changes nothing.
    """
    known = np.isfinite(filled)
    n = known.sum(axis=1)
    last = _last_true(known)
    second_last = _last_true(known & (np.arange(filled.shape[1]) < last[:, None]))
    two_lowest = np.partition(filled, min(1, filled.shape[1] - 1), axis=1)[:, :2]
    lowest, second_lowest = two_lowest[:, 0], two_lowest[:, -1]
    outside = _at(filled, last) > second_lowest + allowance
    return np.asarray((n >= 3) & outside & (_at(filled, second_last) > lowest + allowance))


def _lone_return(
    filled: Floats, inside: NDArray[np.bool_], onset: NDArray[np.int64], allowance: Floats
) -> NDArray[np.int64]:
    """The onset without the epoch `onset`, where that epoch is a lone return; -1 elsewhere."""
    columns = np.arange(filled.shape[1])
    without = np.where(columns == onset[:, None], np.inf, filled)
    lowest = without.min(axis=1, keepdims=True)
    earlier = _last_true((without <= lowest + allowance[:, None]) & np.isfinite(without))
    between = np.isfinite(filled) & (columns > earlier[:, None]) & (columns < onset[:, None])
    return np.where((earlier >= 0) & (between.sum(axis=1) >= 2), earlier, -1)


def _last_true(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Column of the last true value of each row, -1 if there is none."""
    if not mask.size:
        return np.full(len(mask), -1)
    column = mask.shape[1] - 1 - np.argmax(mask[:, ::-1], axis=1)
    return np.where(mask.any(axis=1), column, -1)


def _last(values: Floats) -> NDArray[np.int64]:
    return _last_true(~np.isnan(values))


def _lowest(values: Floats) -> NDArray[np.int64]:
    """Column of the earliest minimum of each row, -1 if there is none."""
    if not values.size:
        return np.full(len(values), -1)
    known = ~np.isnan(values)
    return np.where(known.any(axis=1), np.argmin(np.where(known, values, np.inf), axis=1), -1)


def _at(values: Floats, indices: NDArray[np.int64]) -> Floats:
    """One value of each row, NaN where the index is -1."""
    if not values.size:
        return np.full(len(values), np.nan)
    return np.where(indices >= 0, values[np.arange(len(values)), indices], np.nan)


def _nullable_epochs(epochs: Floats) -> pd.Series[Any]:
    return pd.Series(epochs).astype("Int64")


def _flags(values: Floats, onset: NDArray[np.int64], complete: NDArray[np.bool_]) -> pd.Series[Any]:
    """Whether each curve overfits, missing below three values and for runs cut short before a rise."""
    known = (onset >= 0) | (complete & ((~np.isnan(values)).sum(axis=1) >= 3))
    return pd.Series(onset >= 0, dtype="boolean").where(pd.Series(known, dtype=bool), pd.NA)


def _completed(index: pd.MultiIndex, trials: pd.DataFrame | None) -> NDArray[np.bool_]:
    if trials is None:
        return np.ones(len(index), dtype=bool)
    keys = [str(name) for name in index.names]
    check_columns(trials, (*keys, "state"), "trials")
    states = trials.drop_duplicates(keys, keep="last").set_index(keys)["state"].reindex(index)
    return states.eq("completed").to_numpy(dtype=bool)
