from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.comparisons.texts import Hits
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


def seen_by_texts(make_epochs: MakeTable, true: np.ndarray, n_texts: int) -> pd.DataFrame:
    """What `n_texts` texts show of true accuracies, (runs, epochs), three runs a trial."""
    keys = {(run // 3, run % 3 + 1): [0.5] * true.shape[1] for run in range(len(true))}
    seen = np.random.default_rng(1).binomial(n_texts, true) / n_texts
    return make_epochs(keys).assign(val_accuracy=seen.ravel())


@pytest.mark.parametrize(
    ("jitter", "n_texts", "n_epochs", "tolerance"),
    [
        (0.0, 500, 10, 0.4),
        (0.0, 5000, 10, 0.15),
        (0.005, 5000, 6, 0.1),
        (0.01, 5000, 6, 0.1),
        (0.02, 5000, 6, 0.1),
    ],
)
def test_only_what_texts_added_is_luck_not_weights_that_are_better(
    make_epochs: MakeTable, jitter: float, n_texts: int, n_epochs: int, tolerance: float
) -> None:
    epoch, rng = np.arange(n_epochs), np.random.default_rng(0)
    true = 0.88 - 0.03 * np.exp(-epoch / 1.5) - 0.002 * epoch + jitter * rng.normal(size=(600, n_epochs))
    epochs = seen_by_texts(make_epochs, true, n_texts)
    seen = epochs["val_accuracy"].to_numpy().reshape(true.shape)
    owed = (seen.max(axis=1) - true[np.arange(len(true)), seen.argmax(axis=1)]).mean()

    luck = luck_of_best_epoch(epochs, n_texts)["luck"].mean()

    assert 100 * luck == pytest.approx(100 * owed, abs=tolerance)


@pytest.mark.parametrize(("agreeing", "share"), [(400, 0.0), (0, 0.37)])
def test_texts_that_all_seeds_get_alike_turn_from_no_epoch_to_the_next(
    make_epochs: MakeTable, agreeing: int, share: float
) -> None:
    epochs = curves(make_epochs, 0.01, 300, 6).assign(phase="search")
    epochs = epochs.assign(trial=epochs["trial"] // 3, replicate=epochs["trial"] % 3 + 1)
    keys = epochs[["trial", "phase", "replicate"]].drop_duplicates()
    right = np.random.default_rng(0).random((len(keys), 400)) < 0.9
    right[:, :agreeing] = right[0, :agreeing]
    hits = Hits.of(dict(zip(keys.itertuples(index=False, name=None), right, strict=True)))

    of_all = luck_of_best_epoch(epochs)["luck"].mean()

    # Accuracies of 0.8 on 3,200 texts vary by 0.16 / 3,200 of themselves, half of the 0.01^2 that is
    # seen; of jitter told from so few epochs, and never more than all, less comes out.
    luck = luck_of_best_epoch(epochs, 3200, hits)["luck"].mean()
    assert luck == pytest.approx(share * of_all, rel=0.1)


def test_curves_that_jitter_by_more_than_texts_can_make_owe_little(make_epochs: MakeTable) -> None:
    epochs = curves(make_epochs, 0.02, 300, 6)
    assert luck_of_best_epoch(epochs)["luck"].mean() > 0.02
    assert luck_of_best_epoch(epochs, 5000)["luck"].mean() < 0.003


def test_a_curve_without_any_jitter_has_no_luck_for_however_many_texts(make_epochs: MakeTable) -> None:
    flat = make_epochs([0.5] * 6, val_accuracy=[0.9] * 6)
    assert luck_of_best_epoch(flat, 100)["luck"].tolist() == [0.0]
