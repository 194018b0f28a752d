"""Seconds of training without the start: what a setting costs, and not what its worker did first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.records.schema import run_keys


def add_times(trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """`trials` with its steady seconds an epoch, and those to its best epoch.

    The first run of a worker imports and compiles, and the first epoch of each new graph is prepared when it
    is first trained, so that `wall_s` tells the order of runs as much as what they cost.

    Args:
        trials: With `best_epoch`.
        epochs: With `epoch_s`, training and evaluation of each epoch.

    Returns:
        `epoch_s`, the median over a run's epochs from the second on (of a single epoch, its own), and
        `to_best_s`, as often that as it took epochs to the best; NaN where unknown.
    """
    keys = run_keys(trials, epochs)
    is_first = epochs["epoch"] == epochs.groupby(keys)["epoch"].transform("min")
    is_only = epochs.groupby(keys)["epoch"].transform("size") == 1
    steady = epochs[~is_first | is_only].groupby(keys)["epoch_s"].median().rename("epoch_s")
    known = trials.drop(columns=["epoch_s", "to_best_s"], errors="ignore").join(steady, on=keys)
    best = pd.to_numeric(known["best_epoch"]).astype(float)
    return known.assign(
        epoch_s=known["epoch_s"].astype(float), to_best_s=np.asarray(known["epoch_s"] * best, dtype=float)
    )
