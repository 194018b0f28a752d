from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.intervals import wilson_interval
from analysis.statistics.onset_times import follow, mean_time, onset_times
from analysis.statistics.overfitting_summaries import STATISTICS, overfitting_by_factor

MakeTable = Callable[..., pd.DataFrame]


def runs_of(
    make_trials: MakeTable, onsets: Sequence[int | None], epochs: Sequence[int], cells: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs, a setting each, with their onset, if any, and their number of epochs."""
    names = cells or ["lstm"] * len(onsets)
    trials = make_trials([{"cell": cell, "units": trial} for trial, cell in enumerate(names)])
    overfitting = trials[["trial", "phase", "replicate"]].assign(
        onset_epoch=pd.array(onsets, dtype="Int64"), n_epochs=epochs
    )
    return overfitting, trials


def test_runs_that_ended_early_are_unknown_not_sturdy(make_trials: MakeTable) -> None:
    # By hand: 1/4 have their onset at epoch 2; of the 2 still followed then, half at epoch 4.
    overfitting, trials = runs_of(make_trials, [2, None, 4, None], [8, 4, 8, 8])
    found = onset_times(overfitting, trials, []).iloc[0]
    assert (found["n_runs"], found["n_onsets"], found["n_censored"], found["horizon"]) == (4, 2, 2, 6)
    assert found["share"] == pytest.approx(1 - 3 / 4 * 1 / 2)
    assert found["median"] == 4
    assert found["share_low"] < found["share"] < found["share_high"]
    assert found["median_low"] <= 4 <= found["median_high"]


def test_without_censoring_it_is_the_share_and_the_median(make_trials: MakeTable) -> None:
    overfitting, trials = runs_of(make_trials, [1, 2, 3, 4, 5], [9] * 5)
    found = onset_times(overfitting, trials, []).iloc[0]
    assert (found["share"], found["median"]) == (1.0, 3)


def test_without_any_onset_there_is_no_median(make_trials: MakeTable) -> None:
    overfitting, trials = runs_of(make_trials, [None, None], [6, 5])
    found = onset_times(overfitting, trials, []).iloc[0]
    assert (found["share"], found["median"]) == (0.0, np.inf)


def test_levels_are_followed_apart(make_trials: MakeTable) -> None:
    overfitting, trials = runs_of(
        make_trials, [1, 1, None, None], [5, 5, 5, 5], ["rnn", "rnn", "lstm", "lstm"]
    )
    table = onset_times(overfitting, trials, ["cell"]).set_index("level")
    assert table["share"].to_dict() == {"": 0.5, "lstm": 0.0, "rnn": 1.0}


def test_the_mean_does_not_depend_on_when_censored_runs_ended(make_trials: MakeTable) -> None:
    long = follow(*runs_of(make_trials, [2, 2, None, None], [9, 9, 9, 9]))
    short = follow(*runs_of(make_trials, [2, 2, None, None], [9, 9, 5, 9]))
    # Half have their onset after 2 epochs; the others count as one more than the horizon of 3.
    assert mean_time(long, 3)[0] == pytest.approx(1 + 1 + 0.5 + 0.5)
    assert mean_time(short, 3)[0] == pytest.approx(mean_time(long, 3)[0])


def test_its_interval_is_students_where_nothing_is_censored(make_trials: MakeTable) -> None:
    onsets = [1, 2, 3, 4, 5, 5]
    mean, low, high = mean_time(follow(*runs_of(make_trials, onsets, [9] * 6)), 7)
    assert mean == pytest.approx(np.mean(onsets))
    assert high - mean == pytest.approx(2.5706 * np.std(onsets, ddof=1) / np.sqrt(6), rel=1e-3)
    assert mean - low == pytest.approx(high - mean)


def test_patience_that_ends_runs_at_once_does_not_make_a_level_look_early(
    make_trials: MakeTable, make_epochs: MakeTable
) -> None:
    from analysis.statistics.overfitting import overfitting_by_replicate

    rows = [{"cell": "gru" if trial < 2 else "lstm", "units": trial % 2} for trial in range(4)]
    falling = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
    curves = {(trial, 1): falling[:4] if trial == 0 else falling for trial in range(4)}
    trials = make_trials(rows)
    epochs = make_epochs(curves, val_accuracy=[0.8] * 8, train_accuracy=[0.9] * 8)
    table = overfitting_by_factor(overfitting_by_replicate(epochs, trials), trials, ["cell"])
    means = table[table["statistic"] == "epochs_before_onset"].set_index("level")["mean"]
    assert means["gru"] == means["lstm"] == 7


def with_statistics(overfitting: pd.DataFrame) -> pd.DataFrame:
    """The table with what else it holds, of which nothing is asked here."""
    others = [name for name in STATISTICS if name not in overfitting.columns]
    return overfitting.assign(**dict.fromkeys(others, 0.0))


def test_of_runs_that_all_had_their_onset_the_mean_is_the_plain_one(make_trials: MakeTable) -> None:
    cells = ["rnn"] * 3 + ["lstm"] * 2 + ["gru"] * 3
    overfitting, trials = runs_of(make_trials, [2, 3, 3, 4, 5, 4, 6, 4], [8] * 8, cells)

    table = overfitting_by_factor(with_statistics(overfitting), trials, ["cell"])

    means = table[table["statistic"] == "epochs_before_onset"].set_index("level")["mean"].to_dict()
    assert means == pytest.approx({"rnn": 8 / 3, "lstm": 4.5, "gru": 14 / 3})


def test_a_level_that_was_followed_for_less_ends_the_mean_of_all(make_trials: MakeTable) -> None:
    overfitting, trials = runs_of(make_trials, [6, 6, None, 2], [8, 8, 5, 8], ["rnn", "rnn", "lstm", "lstm"])

    table = overfitting_by_factor(with_statistics(overfitting), trials, ["cell"])

    means = table[table["statistic"] == "epochs_before_onset"].set_index("level")["mean"].to_dict()
    assert means == pytest.approx({"rnn": 4.0, "lstm": 3.0})


def test_runs_that_all_had_their_onset_are_too_few_to_be_certain(make_trials: MakeTable) -> None:
    three = onset_times(*runs_of(make_trials, [4, 6, 4], [8] * 3), []).iloc[0]
    ten = onset_times(*runs_of(make_trials, [4, 6] * 5, [8] * 10), []).iloc[0]

    low, _ = wilson_interval(3, 3)
    assert (three["share"], three["share_low"], three["share_high"]) == (1.0, pytest.approx(low), 1.0)
    assert three["median_high"] == np.inf
    assert (ten["median_low"], ten["median_high"]) == (4, 6)


def test_the_interval_of_a_mean_stays_where_means_can_lie(make_trials: MakeTable) -> None:
    mean, low, high = mean_time(follow(*runs_of(make_trials, [1, 9, 1], [12] * 3)), 9)

    assert (low, high) == (0.0, 10.0)
    assert mean == pytest.approx(11 / 3)
