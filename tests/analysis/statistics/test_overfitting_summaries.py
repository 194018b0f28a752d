from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.overfitting import overfitting_by_replicate
from analysis.statistics.overfitting_summaries import (
    STATISTICS,
    overfitting_by_factor,
    overfitting_by_setting,
)

MakeTable = Callable[..., pd.DataFrame]


def two_cells(make_trials: MakeTable, make_epochs: MakeTable) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two settings of each cell, two replicates each: rnn overfits after epoch 1, lstm does not."""
    rows = [
        {"trial": trial, "replicate": replicate, "cell": "rnn" if trial < 2 else "lstm", "units": trial % 2}
        for trial in range(4)
        for replicate in (1, 2)
    ]
    curves = {
        (row["trial"], row["replicate"]): [0.3, 0.4, 0.5] if row["cell"] == "rnn" else [0.5, 0.4, 0.3]
        for row in rows
    }
    trials = make_trials(rows)
    epochs = make_epochs(curves, val_accuracy=[0.8, 0.7, 0.7], train_accuracy=[0.9, 0.9, 0.9])
    return trials, overfitting_by_replicate(epochs, trials)


def test_levels_of_a_factor_are_summarized_over_settings(
    make_trials: MakeTable, make_epochs: MakeTable
) -> None:
    trials, overfitting = two_cells(make_trials, make_epochs)
    table = overfitting_by_factor(overfitting, trials).set_index(["factor", "level", "statistic"])
    share = table.loc[("cell", "rnn", "loss_overfits")]
    assert (share["mean"], share["n_replicates"], share["n_settings"]) == (1.0, 4, 2)
    assert (share["low"], share["high"]) == (pytest.approx(0.3424, abs=1e-4), 1.0)  # Wilson, 2 of 2
    assert table.loc[("cell", "rnn", "epochs_before_onset"), "mean"] == 1
    # Of three epochs an onset shows after the first alone; beyond it, one that has none counts as one more.
    assert table.loc[("cell", "lstm", "epochs_before_onset"), "mean"] == 2
    assert table.loc[("cell", "lstm", "onset_epoch"), "n_replicates"] == 0
    assert np.isnan(table.loc[("cell", "lstm", "onset_epoch"), "mean"])
    assert table.loc[("units", 0, "loss_overfits"), "mean"] == 0.5


def test_summaries_leave_out_runs_that_did_not_complete(
    make_trials: MakeTable, make_epochs: MakeTable
) -> None:
    trials, overfitting = two_cells(make_trials, make_epochs)
    trials.loc[trials["trial"] == 0, "state"] = "pruned"
    by_setting = overfitting_by_setting(overfitting, trials)
    by_factor = overfitting_by_factor(overfitting, trials, ["cell"])
    assert set(by_setting["setting"]) == {1, 2, 3}
    assert by_factor.query("level == 'rnn' and statistic == 'gap_best'")["n_replicates"].item() == 2
    assert by_factor.query("level == 'rnn'")["low"].isna().all()


def test_a_setting_gets_students_interval_over_its_replicates(
    make_trials: MakeTable, make_epochs: MakeTable
) -> None:
    trials = make_trials([{"trial": 0, "replicate": r, "cell": "gru"} for r in (1, 2, 3)])
    overfitting = overfitting_by_replicate(make_epochs({(0, r): [0.5, 0.4] for r in (1, 2, 3)}), trials)
    overfitting["gap_best"] = [0.01, 0.02, 0.06]
    row = overfitting_by_setting(overfitting, trials).query("statistic == 'gap_best'").iloc[0]
    half = 4.302653 * np.std([0.01, 0.02, 0.06], ddof=1) / np.sqrt(3)  # t table, 2 degrees of freedom
    assert row["mean"] == pytest.approx(0.03)
    assert row["high"] - row["mean"] == pytest.approx(half, rel=1e-6)


def test_the_same_seed_gives_the_same_intervals(make_trials: MakeTable, make_epochs: MakeTable) -> None:
    trials = make_trials([{"trial": number, "cell": "rnn", "units": number} for number in range(20)])
    overfitting = overfitting_by_replicate(make_epochs({(n, 1): [0.3, 0.4, 0.5] for n in range(20)}), trials)
    overfitting["gap_best"] = np.linspace(0, 1, len(overfitting)) ** 2
    first, again, other = (
        overfitting_by_factor(overfitting, trials, ["cell"], resamples=50, seed=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first["low"].equals(other["low"])


def test_many_settings_get_the_bootstraps_interval_close_to_the_normal_one(
    make_trials: MakeTable, make_epochs: MakeTable
) -> None:
    n = 400
    trials = make_trials([{"trial": number, "cell": "rnn", "units": number} for number in range(n)])
    overfitting = overfitting_by_replicate(make_epochs({(i, 1): [0.3, 0.4, 0.5] for i in range(n)}), trials)
    gaps = np.random.default_rng(0).normal(0.1, 0.02, n)
    overfitting["gap_best"] = gaps
    row = overfitting_by_factor(overfitting, trials, ["cell"]).query("statistic == 'gap_best'").iloc[0]
    half = 1.96 * gaps.std(ddof=1) / np.sqrt(n)
    assert row["low"] == pytest.approx(gaps.mean() - half, abs=half / 10)
    assert row["high"] == pytest.approx(gaps.mean() + half, abs=half / 10)


def test_ranges_of_a_number_are_those_of_all_trials_not_of_completed_ones(
    make_trials: MakeTable, make_epochs: MakeTable
) -> None:
    trials = make_trials({"rate": float(n), "state": "completed" if n < 20 else "failed"} for n in range(40))
    overfitting = overfitting_by_replicate(make_epochs({(n, 1): [0.3, 0.4] for n in range(20)}), trials)
    table = overfitting_by_factor(overfitting, trials)
    assert list(dict.fromkeys(table["level"])) == ["0 to 9", "10 to 19"]


def test_summaries_of_nothing_are_empty(make_trials: MakeTable, make_epochs: MakeTable) -> None:
    trials = make_trials([{"state": "failed", "cell": "rnn"}, {"state": "failed", "cell": "gru"}])
    overfitting = overfitting_by_replicate(make_epochs({(0, 1): []}), trials)
    assert overfitting_by_setting(overfitting, trials).empty
    empty = overfitting_by_factor(overfitting, trials)
    assert empty.empty
    assert {"factor", "level", "statistic", "mean"} <= set(empty.columns)


def test_statistics_are_columns_of_the_replicates_table(make_epochs: MakeTable) -> None:
    assert set(STATISTICS) <= set(overfitting_by_replicate(make_epochs([0.3, 0.4])).columns)


def test_no_interval_says_that_less_than_nothing_was_lost(
    make_trials: MakeTable, make_epochs: MakeTable
) -> None:
    trials, _ = two_cells(make_trials, make_epochs)
    curves = {(trial, replicate): [0.5, 0.4, 0.3] for trial in range(4) for replicate in (1, 2)}
    epochs = make_epochs(curves, val_accuracy=[0.8, 0.7, 0.8], train_accuracy=[0.9, 0.9, 0.9])
    # One run loses, the others do not: Student's interval of so few passes 0.
    epochs.loc[
        (epochs["trial"] == 0) & (epochs["replicate"] == 1) & (epochs["epoch"] == 3), "val_accuracy"
    ] = 0.7
    overfitting = overfitting_by_replicate(epochs, trials)
    for table in (overfitting_by_setting(overfitting, trials), overfitting_by_factor(overfitting, trials)):
        lost = table[table["statistic"] == "cost_accuracy"]
        assert (lost["mean"] > 0).any()
        assert lost["low"].min() == 0
