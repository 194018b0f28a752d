from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.fronts import accuracy_cost_front, find_front

MakeTable = Callable[..., pd.DataFrame]


def test_the_front_is_what_nothing_cheaper_beats() -> None:
    costs = [1, 2, 2, 3, 4, 4]
    scores = [0.5, 0.6, 0.7, 0.7, 0.9, 0.9]
    assert list(find_front(costs, scores)) == [True, False, True, False, True, True]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=25))
def test_the_front_agrees_with_comparing_all_pairs(points: list[tuple[int, int]]) -> None:
    expected = [
        not any(c <= cost and s >= score and (c, s) != (cost, score) for c, s in points)
        for cost, score in points
    ]
    costs, scores = [cost for cost, _ in points], [score for _, score in points]
    assert list(find_front(costs, scores)) == expected


def test_points_that_are_not_known_are_not_on_the_front() -> None:
    assert list(find_front([1, np.nan, 2], [np.nan, 0.9, 0.1])) == [False, False, True]


def test_settings_are_judged_by_completed_runs_only(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"trial": 0, "units": 8, "val_accuracy": 0.8, "wall_s": 10},
            {"trial": 0, "units": 8, "val_accuracy": 0.6, "wall_s": 20, "replicate": 2},
            {"trial": 1, "units": 16, "val_accuracy": 0.9, "wall_s": 30},
            {"trial": 2, "units": 32, "val_accuracy": 0.65, "wall_s": 40},
            {"trial": 3, "units": 64, "val_accuracy": 0.99, "wall_s": 1, "state": "pruned"},
        ]
    )
    table = accuracy_cost_front(trials, "wall_s")
    assert list(table["setting"]) == [0, 1, 2]
    assert list(table["cost"]) == [15, 30, 40]
    assert list(table["score"]) == pytest.approx([0.7, 0.9, 0.65])
    assert list(table["on_front"]) == [True, True, False]
    assert list(table["units"]) == [8, 16, 32]


def test_weights_are_a_cost_too(make_trials: MakeTable) -> None:
    trials = make_trials(
        {"units": n, "val_accuracy": n / 10, "n_weights": 10 * n, "wall_s": 1} for n in (1, 2)
    )
    assert list(accuracy_cost_front(trials, "n_weights")["on_front"]) == [True, True]
    assert list(accuracy_cost_front(trials, "wall_s")["on_front"]) == [True, False]


def test_nothing_completed_gives_an_empty_front(make_trials: MakeTable) -> None:
    assert accuracy_cost_front(make_trials([{"units": 8, "state": "failed"}])).empty
