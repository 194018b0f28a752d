from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.intervals import wilson_interval
from analysis.statistics.verdicts import collapse_floor, compare_lost, share_lost

MakeTable = Callable[..., pd.DataFrame]


def two_cells(n: int = 10) -> list[dict[str, Any]]:
    """LSTM is two points ahead of GRU where it learns; it diverges once and collapses twice."""
    noise = np.random.default_rng(0).normal(0, 0.005, (2, n))
    rows = [
        {
            "trial": cell,
            "replicate": seed + 1,
            "seed": seed,
            "cell": ("gru", "lstm")[cell],
            "val_accuracy": 0.80 + 0.02 * cell + noise[cell, seed],
        }
        for cell in (0, 1)
        for seed in range(n)
    ]
    rows[n] |= {"state": "diverged", "val_accuracy": float("nan")}
    for row in rows[n + 1 : n + 3]:
        row["val_accuracy"] = 0.5
    return rows


def test_lost_runs_are_counted_by_kind_with_wilsons_interval(make_trials: MakeTable) -> None:
    rows = [*two_cells(), {"trial": 1, "replicate": 11, "cell": "lstm", "state": "pruned"}]
    table = share_lost(make_trials(rows), floor=0.55).set_index("level")
    lstm = table.loc["lstm"]
    low, high = wilson_interval(3, 10)
    assert (lstm["n_runs"], lstm["n_failed"], lstm["n_diverged"], lstm["n_collapsed"]) == (10, 0, 1, 2)
    assert (lstm["share"], lstm["low"], lstm["high"]) == (0.3, pytest.approx(low), pytest.approx(high))
    assert table.loc["gru", "share"] == 0


def test_a_verdict_that_hangs_on_lost_runs_is_given_both_ways(make_trials: MakeTable) -> None:
    table = compare_lost(make_trials(two_cells()), floor=0.55)
    row = table.iloc[0]
    assert (row["a"], row["b"], row["n_lost_a"], row["n_lost_b"]) == ("lstm", "gru", 3, 0)
    assert row["effect_pp_without"] == pytest.approx(2.0, abs=0.4)
    assert row["answer_without"] == "better"
    # Three of ten runs at 0.5 in place of 0.82: 9.6 points less.
    assert row["effect_pp_worst"] == pytest.approx(2.0 - 9.6, abs=0.5)
    assert row["effect_low_pp_worst"] < row["effect_pp_worst"] < row["effect_high_pp_worst"]
    assert row["answer_worst"] == "not enough runs"


def test_levels_that_lost_nothing_are_not_compared_again(make_trials: MakeTable) -> None:
    rows = [row | {"state": "completed"} for row in two_cells() if row["val_accuracy"] > 0.6]
    assert compare_lost(make_trials(rows), floor=0.55).empty


def test_a_run_has_collapsed_only_where_others_learned() -> None:
    assert collapse_floor(0.5, 1000, 0.9) == pytest.approx(0.531, abs=0.001)
    assert collapse_floor(0.5, 1000, 0.55) == -math.inf
    assert collapse_floor(float("nan"), 1000, 0.9) == -math.inf
