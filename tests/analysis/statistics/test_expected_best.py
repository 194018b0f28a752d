from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.expected_best import expected_best, expected_maximum

MakeTable = Callable[..., pd.DataFrame]


def test_the_unbiased_estimator_is_told_from_the_biased_one() -> None:
    mean, _ = expected_maximum([0.0, 0.0, 1.0], [1, 2, 3])
    assert mean == pytest.approx([1 / 3, 2 / 3, 1.0])  # with replacement: 1/3, 5/9, 19/27


@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_mean_and_deviation_agree_with_all_subsets(scores: list[float]) -> None:
    mean, sd = expected_maximum(scores)
    for n in range(1, len(scores) + 1):
        best = [max(subset) for subset in combinations(scores, n)]
        assert mean[n - 1] == pytest.approx(np.mean(best), abs=1e-9)
        assert sd[n - 1] == pytest.approx(np.std(best), abs=1e-6)


@given(scores=st.lists(st.floats(0, 1), min_size=2, max_size=60))
def test_more_trials_never_find_less_and_all_find_the_best(scores: list[float]) -> None:
    mean, _ = expected_maximum(scores)
    assert (np.diff(mean) >= -1e-9).all()
    assert mean[0] == pytest.approx(np.mean(scores))
    assert mean[-1] == pytest.approx(max(scores))


def test_ten_thousand_trials_stay_exact() -> None:
    scores = np.arange(10_000) / 10_000
    mean, _ = expected_maximum(scores, [1, 10, 9_999])
    # The largest of n of 0..B-1 is n (B + 1) / (n + 1) - 1 on average.
    exact = [(n * 10_001 / (n + 1) - 1) / 10_000 for n in (1, 10, 9_999)]
    assert mean == pytest.approx(exact, abs=1e-9)


def test_trials_count_once_and_cost_all_their_replicates(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"trial": 0, "val_accuracy": 0.6, "wall_s": 10},
            {"trial": 0, "val_accuracy": 0.8, "wall_s": 10, "replicate": 2},
            {"trial": 1, "val_accuracy": 0.9, "wall_s": 20},
            {"trial": 2, "val_accuracy": None, "wall_s": 60, "state": "failed"},
        ]
    )
    table = expected_best(trials)
    assert list(table["n"]) == [1, 2]
    assert list(table["expected_best"]) == pytest.approx([0.8, 0.9])
    assert list(table["budget_s"]) == pytest.approx([50, 100])  # the failed trial's minute is charged
    assert set(table["n_without_score"]) == {1}


def test_pruned_trials_count_with_their_best_so_far(make_trials: MakeTable) -> None:
    states = ("completed", "pruned", "diverged", "timeout", "running", "failed")
    trials = make_trials({"state": state, "val_accuracy": 0.5} for state in states)
    table = expected_best(trials)
    assert table["n_trials"].iloc[0] == 4
    assert table["n"].max() == 4


def test_confirming_runs_are_not_part_of_the_search(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"trial": 0, "val_accuracy": 0.5},
            {"trial": 0, "val_accuracy": 0.9, "replicate": 2, "phase": "confirm"},
        ]
    )
    assert list(expected_best(trials)["expected_best"]) == [0.5]


def test_lower_losses_are_better(make_trials: MakeTable) -> None:
    table = expected_best(make_trials([{"val_loss": 0.5}, {"val_loss": 0.3}]), score="val_loss")
    assert list(table["expected_best"]) == pytest.approx([0.4, 0.3])


def test_each_level_has_a_curve_of_its_own_trials_and_time(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"cell": "rnn", "val_accuracy": 0.5, "wall_s": 1},
            {"cell": "rnn", "val_accuracy": 0.6, "wall_s": 3},
            {"cell": "gru", "val_accuracy": 0.7, "wall_s": 9},
            {"cell": "lstm", "state": "failed", "wall_s": 9},
            {"cell": None, "val_accuracy": 0.1, "wall_s": 9},
        ]
    )
    table = expected_best(trials, by="cell")
    assert list(table["level"]) == ["gru", "rnn", "rnn"]
    assert list(table["n"]) == [1, 1, 2]
    assert list(table["budget_s"]) == pytest.approx([9, 2, 4])


def test_long_searches_are_thinned_but_keep_both_ends(make_trials: MakeTable) -> None:
    table = expected_best(make_trials({"val_accuracy": n / 1000} for n in range(1000)), max_points=50)
    assert len(table) <= 50
    assert (table["n"].min(), table["n"].max()) == (1, 1000)
    assert table["n"].is_unique


@pytest.mark.parametrize("by", [None, "cell"])
def test_no_scored_trials_give_an_empty_curve(make_trials: MakeTable, by: str | None) -> None:
    table = expected_best(make_trials([{"cell": "rnn", "state": "failed"}]), by)
    assert table.empty
    assert "expected_best" in table.columns
    assert expected_best(make_trials([{"cell": "rnn"}]).iloc[:0], by).empty
