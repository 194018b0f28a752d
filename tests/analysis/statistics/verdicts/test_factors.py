from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.statistics.verdicts import compare_levels, judge_factors

MakeTable = Callable[..., pd.DataFrame]


def grid(scores: np.ndarray[Any, Any], factor: str = "units") -> list[dict[str, Any]]:
    """Runs of a full grid from scores of shape (levels, other settings, seeds)."""
    n_levels, n_others, n_seeds = scores.shape
    return [
        {
            "trial": level * n_others + other,
            "replicate": seed + 1,
            "seed": seed,
            factor: 16 * 2**level if factor == "units" else "abcdefg"[level],
            "layers": 1 + other,
            "val_accuracy": scores[level, other, seed],
        }
        for level in range(n_levels)
        for other in range(n_others)
        for seed in range(n_seeds)
    ]


def test_of_two_levels_it_is_the_test_of_the_pair(make_trials: MakeTable) -> None:
    rng = np.random.default_rng(2)
    trials = make_trials(grid(0.8 + rng.normal(0, 0.01, (2, 4, 3))))
    whole = judge_factors(trials, ["units"]).iloc[0]
    pair = compare_levels(trials, ["units"]).iloc[0]
    assert whole["method"] == "crossed"
    assert whole["p_value"] == pytest.approx(pair["p_value"])
    assert whole["freedom"] == pytest.approx(pair["freedom"])


def test_with_settings_alone_it_is_the_f_test_of_blocks(make_trials: MakeTable) -> None:
    scores = 0.8 + np.random.default_rng(3).normal(0, 0.01, (4, 6, 1)) + np.arange(4)[:, None, None] * 0.003
    found = judge_factors(make_trials(grid(scores)), ["units"]).iloc[0]
    wide = scores[:, :, 0]
    by_level = 6 * ((wide.mean(axis=1) - wide.mean()) ** 2).sum() / 3
    left = wide - wide.mean(axis=1, keepdims=True) - wide.mean(axis=0) + wide.mean()
    noise = (left**2).sum() / 15
    assert found["f_value"] == pytest.approx(by_level / noise)
    assert (found["freedom_levels"], found["freedom"]) == (3, 15)
    assert found["p_value"] == pytest.approx(stats.f.sf(by_level / noise, 3, 15))


def test_scores_that_follow_ordered_levels_show_a_trend(make_trials: MakeTable) -> None:
    noise = np.random.default_rng(4).normal(0, 0.002, (4, 3, 3))
    found = judge_factors(
        make_trials(grid(0.8 + 0.01 * np.arange(4)[:, None, None] + noise)), ["units"]
    ).iloc[0]
    assert found["answer"] == "levels differ"
    assert found["trend_low_pp"] < 1.0 < found["trend_high_pp"]
    assert found["trend_pp"] == pytest.approx(1.0, abs=0.1)


def test_names_have_no_trend(make_trials: MakeTable) -> None:
    scores = 0.8 + np.random.default_rng(4).normal(0, 0.002, (4, 3, 3))
    found = judge_factors(make_trials(grid(scores, "cell")), ["cell"]).iloc[0]
    assert found["p_value"] > 0
    assert np.isnan(found["trend_pp"])


def test_a_search_is_judged_by_the_additive_model(make_trials: MakeTable) -> None:
    rng = np.random.default_rng(5)
    level, rate = rng.integers(0, 3, 60), rng.uniform(1e-4, 1e-2, 60)
    scores = 0.8 + 0.02 * level + rng.normal(0, 0.005, 60)
    rows = [
        {"units": 16 * 2 ** int(k), "learning_rate": r, "val_accuracy": s}
        for k, r, s in zip(level, rate, scores, strict=True)
    ]
    found = judge_factors(make_trials(rows)).set_index("factor")
    assert found.loc["units", "method"] == "regression"
    assert found["answer"].to_dict() == {"units": "levels differ", "learning_rate": "not shown to differ"}
    assert found.loc["units", "trend_low_pp"] < 2.0 < found.loc["units", "trend_high_pp"]


def test_levels_among_which_a_scheduler_chose_are_not_told_apart(make_trials: MakeTable) -> None:
    rows = grid(0.8 + np.random.default_rng(6).normal(0, 0.01, (2, 4, 3)))
    for row in rows[:6]:
        row["state"] = "pruned"
    trials = make_trials(rows)
    assert judge_factors(trials, ["units"])["answer"].tolist() == ["cannot be told"]
    assert judge_factors(trials, ["units"], strata=["units"])["answer"].tolist() != ["cannot be told"]
