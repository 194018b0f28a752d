"""How much of a run's accuracy it owes to its best epoch having been the luckiest of many."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.records.schema import run_keys
from analysis.statistics.intervals import Floats
from analysis.statistics.overfitting import jitter, spread_curves

MIN_EPOCHS = 5
"""Epochs below which a curve cannot be told from its jitter, and nothing is taken off."""

_DRAWS = 256


def luck_of_best_epoch(epochs: pd.DataFrame) -> pd.DataFrame:
    """What the accuracy at the best epoch owes to jitter, on average over the jitter that might have been.

    The best of many epochs on the same texts is too good, and more so the more a curve jitters: of two equal
    settings the less steady one looks better. A smooth curve is fitted to each run, jitter of the run's own
    size is added again and again, and what the best epoch then has of it is the luck.

    Args:
        epochs: The contract's table.

    Returns:
        One row per replicate: its `run_keys`, `luck` (a share, at least 0; 0 below five epochs).

    Source: a parametric bootstrap (Davison & Hinkley, 1997, section 2.2) of the maximum, around least squares
        on 1, log(epoch) and epoch, which can rise, level off and fall.
    """
    index, _, curves = spread_curves(epochs)
    accuracy = curves["val_accuracy"]
    table = index.to_frame(index=False)
    table["luck"] = _luck(accuracy, jitter(accuracy)) if accuracy.size else 0.0
    return table


def _luck(values: Floats, spread: Floats) -> Floats:
    noise = np.random.default_rng(0).normal(size=(_DRAWS, values.shape[1]))
    luck = np.zeros(len(values))
    for row in np.flatnonzero((~np.isnan(values)).sum(axis=1) >= MIN_EPOCHS):
        known = np.flatnonzero(~np.isnan(values[row]))
        place = known + 1.0
        design = np.column_stack([np.ones(len(place)), np.log(place), place])
        smooth = design @ np.linalg.lstsq(design, values[row, known], rcond=None)[0]
        drawn = spread[row] * noise[:, known]
        best = (smooth + drawn).argmax(axis=1)
        luck[row] = max(float(drawn[np.arange(_DRAWS), best].mean()), 0.0)
    return luck


def without_luck(trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """`trials` with a column `score`: the accuracy at the best epoch less the luck of that epoch."""
    keys = run_keys(trials, epochs)
    luck = luck_of_best_epoch(epochs).set_index(keys)["luck"]
    own = luck.reindex(pd.MultiIndex.from_frame(trials[keys])).fillna(0.0)
    return trials.drop(columns="score", errors="ignore").assign(score=trials["val_accuracy"] - own.to_numpy())
