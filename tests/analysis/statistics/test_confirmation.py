from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from analysis.records.schema import Objective
from analysis.statistics.confirmation import confirmation_by_setting
from analysis.statistics.intervals import wilson_interval

MakeTrials = Callable[..., pd.DataFrame]


def make(make_trials: MakeTrials, rows: list[tuple[int, int, str, float, float | None]]) -> pd.DataFrame:
    """Trials from (trial, replicate, phase, validation accuracy, test accuracy)."""
    return make_trials(
        [
            {
                "trial": trial,
                "replicate": replicate,
                "phase": phase,
                "state": "completed",
                "val_accuracy": validation,
                "test_accuracy": test,
                "units": 8 * (trial + 1),
            }
            for trial, replicate, phase, validation, test in rows
        ]
    )


def test_the_search_is_compared_with_fresh_seeds_and_they_with_the_test(make_trials: MakeTrials) -> None:
    trials = make(
        make_trials,
        [
            (0, 1, "search", 0.90, None),
            (0, 1, "confirm", 0.86, 0.84),
            (0, 2, "confirm", 0.88, 0.86),
            (1, 1, "search", 0.70, None),
        ],
    )

    (row,) = confirmation_by_setting(trials, 1000, 2000).to_dict("records")

    assert row["searched"] == pytest.approx(0.90)
    assert row["confirmed"] == pytest.approx(0.87)
    assert row["test"] == pytest.approx(0.85)
    assert row["optimism"] == pytest.approx(0.03)
    assert row["val_minus_test"] == pytest.approx(0.02)
    # Student's over seeds, t(0.975, 1) = 12.706, sd = 0.02 / sqrt(2), n = 2; beside it 1,000 texts.
    texts = 0.87 - wilson_interval(870, 1000)[0]
    assert row["confirmed_half_width"] == pytest.approx(((12.706 * 0.01) ** 2 + texts**2) ** 0.5, rel=1e-3)


def test_without_a_confirmation_there_is_nothing_to_compare(make_trials: MakeTrials) -> None:
    assert confirmation_by_setting(make(make_trials, [(0, 1, "search", 0.9, None)]), 1000, 2000).empty


@pytest.mark.parametrize(("objective", "best"), [("val_accuracy", 0), ("val_roc_auc", 1), ("val_loss", 1)])
def test_confirmed_settings_stand_in_the_order_of_the_objective(
    make_trials: MakeTrials, objective: Objective, best: int
) -> None:
    trials = make(make_trials, [(0, 1, "confirm", 0.9, 0.9), (1, 1, "confirm", 0.8, 0.8)])
    trials = trials.assign(val_roc_auc=[0.6, 0.7], val_loss=[0.5, 0.4])

    table = confirmation_by_setting(trials, 100, 100, objective)

    assert table["setting"].tolist() == [best, 1 - best]
    assert table["objective"].tolist() == trials[objective].loc[[best, 1 - best]].tolist()
