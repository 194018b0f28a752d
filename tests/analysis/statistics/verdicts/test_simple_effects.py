from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis.statistics.verdicts import compare_levels, compare_within

MakeTable = Callable[..., pd.DataFrame]


def test_levels_that_change_places_are_told_apart_at_each_level_of_the_other(make_trials: MakeTable) -> None:
    rng = np.random.default_rng(0)
    rows = [
        {
            "trial": 10 * both + 5 * (cell == "lstm") + units,
            "replicate": seed,
            "seed": seed,
            "cell": cell,
            "bidirectional": bool(both),
            "units": 8 * (1 + units),
            "val_accuracy": 0.8 + 0.03 * ((cell == "lstm") == both) + rng.normal(0, 0.003),
        }
        for cell in ("gru", "lstm")
        for both in (0, 1)
        for units in range(5)
        for seed in (1, 2)
    ]
    trials = make_trials(rows)
    within = compare_within(trials, [("cell", "bidirectional")])
    assert within["at_level"].tolist() == [False, True]
    assert within["a"].tolist() == ["gru", "lstm"]
    assert within["answer"].tolist() == ["better", "better"]
    assert (within["n_comparisons"] == 2).all()
    assert compare_levels(trials, ["cell"])["answer"].tolist() != ["better"]
