from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.statistics.settings import (
    factor_levels,
    parameter_columns,
    scored_runs,
    scores_at_epoch,
    summarize_settings,
    with_settings,
)

MakeTable = Callable[..., pd.DataFrame]


def test_equal_parameters_are_one_setting_named_by_its_first_trial(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"trial": 5, "cell": "rnn", "dropout": None},
            {"trial": 2, "cell": "gru", "dropout": 0.1},
            {"trial": 3, "cell": "rnn", "dropout": None},
            {"trial": 3, "cell": "rnn", "dropout": None, "replicate": 2},
            {"trial": 4, "cell": "rnn", "dropout": 0.1},
        ]
    )
    assert parameter_columns(trials) == ("cell", "dropout")
    assert list(with_settings(trials)["setting"]) == [3, 2, 3, 3, 4]
    assert parameter_columns(with_settings(trials)) == ("cell", "dropout")


def test_parameters_that_are_lists_can_be_grouped(make_trials: MakeTable) -> None:
    trials = make_trials([{"sizes": [1, 2]}, {"sizes": [1, 2]}, {"sizes": [2, 1]}])
    assert list(with_settings(trials)["setting"]) == [0, 0, 2]


def test_without_parameters_all_trials_are_one_setting(make_trials: MakeTable) -> None:
    assert list(with_settings(make_trials([{}, {}]))["setting"]) == [0, 0]
    assert with_settings(make_trials([])).empty


def test_only_completed_runs_with_a_finite_score_are_compared(make_trials: MakeTable) -> None:
    states = ("completed", "pruned", "timeout", "diverged", "failed", "running", "completed", "completed")
    scores = (0.5, 0.6, 0.6, 0.6, None, 0.6, None, np.inf)
    trials = make_trials({"state": s, "val_accuracy": v} for s, v in zip(states, scores, strict=True))
    assert list(scored_runs(trials)["trial"]) == [0]
    assert list(scored_runs(trials, states=("completed", "pruned"))["trial"]) == [0, 1]


def test_confirming_runs_can_be_told_from_the_search(make_trials: MakeTable) -> None:
    trials = make_trials([{"val_accuracy": 0.5}, {"val_accuracy": 0.6, "phase": "confirm"}])
    assert list(scored_runs(trials, phase="confirm")["score"]) == [0.6]


def test_settings_are_summarized_with_what_was_left_out(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"trial": 0, "val_accuracy": 0.80, "cell": "rnn", "wall_s": 10},
            {"trial": 0, "val_accuracy": 0.82, "cell": "rnn", "wall_s": 30, "replicate": 2},
            {"trial": 0, "val_accuracy": 0.10, "cell": "rnn", "replicate": 3, "state": "pruned"},
            {"trial": 1, "val_accuracy": None, "cell": "gru", "state": "failed"},
        ]
    )
    table = summarize_settings(trials).set_index("setting")
    rnn, gru = table.loc[0], table.loc[1]
    assert (rnn["n_replicates"], rnn["n_completed"], rnn["n_cut_short"], rnn["n_failed"]) == (3, 2, 1, 0)
    assert rnn["mean"] == pytest.approx(0.81)
    assert rnn["wall_s"] == 20
    half = 12.7062 * np.std([0.8, 0.82], ddof=1) / 2**0.5
    assert rnn["high"] - rnn["mean"] == pytest.approx(half, rel=1e-5)
    assert (gru["n_completed"], gru["n_failed"], gru["cell"]) == (0, 1, "gru")
    assert np.isnan(gru["mean"])


def test_no_trials_give_an_empty_summary(make_trials: MakeTable) -> None:
    assert summarize_settings(make_trials([])).empty


def test_scores_at_an_epoch_compare_equal_training(make_trials: MakeTable, make_epochs: MakeTable) -> None:
    trials = make_trials([{}, {"state": "pruned"}, {"state": "failed"}])
    epochs = make_epochs(
        {(0, 1): [0.5, 0.4, 0.3], (1, 1): [0.6, 0.7], (2, 1): [0.1]}, val_accuracy=[0.7, 0.8, 0.9]
    )
    assert list(scores_at_epoch(epochs, trials, 2)["score"].round(6))[:2] == [0.8, 0.8]
    by_loss = scores_at_epoch(epochs, trials, 2, "val_loss")["score"]
    assert list(by_loss)[:2] == [0.4, 0.6]
    assert np.isnan(by_loss[2])  # its one epoch is no answer for two
    assert list(scores_at_epoch(epochs, trials, 3)["score"].isna()) == [False, True, True]


def test_a_score_after_no_epochs_is_refused(make_trials: MakeTable, make_epochs: MakeTable) -> None:
    with pytest.raises(AnalysisError, match="n_epochs=0"):
        scores_at_epoch(make_epochs([0.1]), make_trials([{}]), 0)


def test_levels_are_values_in_their_order_or_ranges_of_many() -> None:
    units = factor_levels(pd.Series([64, 8, None, 16, 8]))
    assert list(units.cat.categories) == [8, 16, 64]
    assert units.isna().sum() == 1
    mixed = factor_levels(pd.Series(["gru", "rnn", None], dtype=object))
    assert list(mixed.cat.categories) == ["gru", "rnn"]
    assert list(factor_levels(pd.Series([True, False], dtype=object)).cat.categories) == [False, True]
    rates = factor_levels(pd.Series(np.linspace(0.001, 0.1, 100)))
    assert list(rates.value_counts()) == [25] * 4
    assert str(rates.cat.categories[0]) == "0.001 to 0.025"


def test_heavily_repeated_numbers_give_fewer_ranges_and_missing_stays_missing() -> None:
    values = pd.Series([0.0] * 90 + [np.nan] + list(np.linspace(0.1, 0.9, 9)))
    levels = factor_levels(values)
    assert levels.isna().sum() == 1
    assert levels.value_counts().sum() == 99
    assert 1 <= len(levels.cat.categories) <= 4
    assert factor_levels(pd.Series([None, None], dtype=object)).isna().all()


def test_numbers_that_were_drawn_make_ranges_however_few_they_are() -> None:
    drawn = pd.Series([0.000123, 0.00456, 0.00789, 0.000987, 0.00321])
    listed = pd.Series([0.0001, 0.0003, 0.001, 0.003, 0.01])

    assert len(factor_levels(drawn).cat.categories) == 4
    assert factor_levels(listed).cat.categories.tolist() == listed.tolist()
