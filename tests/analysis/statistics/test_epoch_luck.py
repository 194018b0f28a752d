from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.epoch_luck import luck_of_best_epoch, without_luck

MakeTable = Callable[..., pd.DataFrame]


def curves(make_epochs: MakeTable, jitter: float, n_runs: int, n_epochs: int) -> pd.DataFrame:
    """Flat accuracy curves."""
    keys = {(trial, 1): [0.5] * n_epochs for trial in range(n_runs)}
    epochs = make_epochs(keys)
    rng = np.random.default_rng(0)
    return epochs.assign(val_accuracy=0.8 + rng.normal(0, jitter, len(epochs)))


def test_the_luckiest_of_ten_epochs_is_the_expected_maximum_too_good(make_epochs: MakeTable) -> None:
    epochs = curves(make_epochs, 0.01, 300, 10)
    best = epochs.groupby("trial")["val_accuracy"].max().mean() - 0.8
    luck = luck_of_best_epoch(epochs)["luck"]
    assert best == pytest.approx(1.539 * 0.01, rel=0.05)
    # The smooth curve follows some of the jitter, which hides a part of the luck.
    assert luck.mean() == pytest.approx(best, rel=0.2)


def test_a_steady_curve_owes_nothing(make_epochs: MakeTable) -> None:
    rising = make_epochs([0.5] * 8, val_accuracy=list(0.9 - 0.3 * np.exp(-np.arange(8.0))))
    assert luck_of_best_epoch(rising)["luck"].iloc[0] < 0.002


def test_few_epochs_are_left_as_they_are(make_epochs: MakeTable, make_trials: MakeTable) -> None:
    epochs = curves(make_epochs, 0.01, 1, 4)
    trials = make_trials([{"val_accuracy": 0.9}])
    assert without_luck(trials, epochs)["score"].tolist() == [0.9]
    assert without_luck(trials, epochs.iloc[:0])["score"].tolist() == [0.9]


def test_the_same_records_give_the_same_luck(make_epochs: MakeTable) -> None:
    epochs = curves(make_epochs, 0.01, 5, 10)
    pd.testing.assert_frame_equal(luck_of_best_epoch(epochs), luck_of_best_epoch(epochs))
