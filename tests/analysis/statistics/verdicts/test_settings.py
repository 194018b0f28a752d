from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.comparisons.texts import Hits
from analysis.statistics.verdicts import compare_best_by_level, compare_settings

MakeTable = Callable[..., pd.DataFrame]


def confirmed(cells: Sequence[str], means: Sequence[float], n_seeds: int = 5) -> list[dict[str, Any]]:
    """Settings, one a trial, searched once and trained again on fresh seeds, near their means."""
    rng = np.random.default_rng(0)
    own = [{"trial": trial, "cell": cell, "units": 8 * (1 + trial)} for trial, cell in enumerate(cells)]
    searched = [row | {"val_accuracy": 0.5} for row in own]
    fresh = [
        row
        | {"phase": "confirm", "replicate": seed, "seed": seed, "val_accuracy": mean + noise}
        | {"test_accuracy": mean + noise}
        for row, mean in zip(own, means, strict=True)
        for seed, noise in enumerate(rng.normal(0, 0.001, n_seeds), start=1)
    ]
    return [*searched, *fresh]


def test_the_best_setting_of_each_level_is_compared_over_fresh_seeds(make_trials: MakeTable) -> None:
    trials = make_trials(confirmed(["lstm", "gru", "lstm"], [0.80, 0.83, 0.90]))
    table = compare_best_by_level(trials, "cell", ranked=[0, 1, 2])
    row = table.iloc[0]
    assert len(table) == 1
    assert (row["a"], row["b"]) == ("gru", "lstm")
    assert (row["setting_a"], row["setting_b"]) == (1, 0)
    assert row["effect_pp"] == pytest.approx(3.0, abs=0.2)
    assert (row["answer"], row["n_pairs"]) == ("better", 5)


def test_levels_of_which_one_was_confirmed_are_not_compared(make_trials: MakeTable) -> None:
    trials = make_trials(confirmed(["lstm", "lstm"], [0.80, 0.83]))
    assert compare_best_by_level(trials, "cell", ranked=[0, 1]).empty


def test_few_test_texts_do_not_tell_settings_apart_that_seeds_do(make_trials: MakeTable) -> None:
    trials = make_trials(confirmed(["lstm", "gru"], [0.983, 0.987]))
    seeds_alone = compare_settings(trials, score="test_accuracy")
    with_texts = compare_settings(trials, score="test_accuracy", n_texts=557)
    assert seeds_alone["effect_low_pp"].iloc[0] > 0
    assert with_texts["effect_low_pp"].iloc[0] < 0
    assert with_texts["answer"].tolist() == ["not enough runs"]
    assert with_texts["scope"].tolist() == [""]
    # Both by the half-widths of independent shares: 1.96 sqrt(0.015 * 0.985 + 0.019 * 0.981) / sqrt(559).
    half = (with_texts["effect_high_pp"] - with_texts["effect_low_pp"]) / 2
    assert half.iloc[0] == pytest.approx(1.52, abs=0.05)


def test_what_is_known_of_common_errors_narrows_a_verdict_on_test_texts(make_trials: MakeTable) -> None:
    trials = make_trials(confirmed(["lstm", "gru"], [0.80, 0.83]))
    fresh = trials[trials["phase"] == "confirm"]
    right = np.arange(200) < 160  # the same texts are right in all runs
    keys = zip(fresh["trial"], fresh["phase"], fresh["replicate"], strict=True)
    hits = Hits.of(dict.fromkeys(keys, right))
    wide = compare_settings(trials, score="test_accuracy", n_texts=200)
    narrow = compare_settings(trials, score="test_accuracy", hits=hits, n_texts=200)
    assert wide["answer"].tolist() == ["not enough runs"]
    assert narrow["answer"].tolist() == ["better"]
