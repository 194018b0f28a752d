from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.optimism import (
    accuracy_half_width,
    binomial_half_width,
    expected_maximum_of_normals,
    pooled_sd,
    selection_optimism,
)

MakeTable = Callable[..., pd.DataFrame]


def test_half_widths_are_those_of_the_notebooks_splits() -> None:
    widths = 100 * binomial_half_width(0.88, [25_000, 5_000, 0])
    # 0.40 and 0.90 by the normal approximation; Wilson's farther end lies (p - 1/2) 1.96^2 / n further out.
    assert widths[:2] == pytest.approx([0.409, 0.930], abs=0.001)
    assert np.isnan(widths[2])


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (1, 0.0),
        (2, 1 / np.sqrt(np.pi)),  # exact
        (3, 1.5 / np.sqrt(np.pi)),  # exact
        (10, 1.538753),  # Teichroew's tables (1956)
        (50, 2.249074),
        (100, 2.507594),
    ],
)
def test_expected_maxima_are_the_tabulated_ones(n: int, expected: float) -> None:
    assert expected_maximum_of_normals(n) == pytest.approx(expected, abs=1e-5)


def test_expected_maximum_of_many_is_still_exact_and_of_none_is_missing() -> None:
    assert expected_maximum_of_normals(10_000) == pytest.approx(3.8516, abs=2e-4)
    assert np.isnan(expected_maximum_of_normals(0))


def test_pooling_weighs_by_degrees_of_freedom() -> None:
    assert pooled_sd([1.0, 3.0, np.nan], [2, 4, 1]) == pytest.approx(np.sqrt((1 + 3 * 9) / 4))
    assert np.isnan(pooled_sd([np.nan], [1]))


def settings_of_equal_worth(make_trials: MakeTable, seed: int, sd_between: float) -> pd.DataFrame:
    """40 settings, 3 replicates, seed noise 0.01: the study picks the best mean."""
    rng = np.random.default_rng(seed)
    worth = 0.8 + rng.normal(0, sd_between, 40)
    return make_trials(
        {
            "trial": trial,
            "replicate": replicate,
            "units": trial,
            "val_accuracy": worth[trial] + rng.normal(0, 0.01),
        }
        for trial in range(40)
        for replicate in (1, 2, 3)
    )


def test_among_equal_settings_the_winners_lead_is_luck(make_trials: MakeTable) -> None:
    tables = [selection_optimism(settings_of_equal_worth(make_trials, seed, 0.0), 5000) for seed in range(12)]
    rows = pd.concat(tables)
    # The best of 40 means of three: 2.16 * 0.01 / sqrt(3). One seed left out knows 0.01 / sqrt(36) of it.
    assert rows["optimism"].mean() == pytest.approx(0.0125, abs=3 * 0.0017)
    assert rows["shrunken"].mean() == pytest.approx(0.8, abs=0.005)
    assert rows["replicate_sd"].iloc[0] == pytest.approx(0.01, rel=0.4)  # 80 freedoms: five standard errors


def test_a_hopeless_setting_does_not_hide_the_luck_among_the_others(make_trials: MakeTable) -> None:
    losses = []
    for seed in range(12):
        trials = settings_of_equal_worth(make_trials, seed, 0.0)
        trials.loc[trials["units"] == 0, "val_accuracy"] -= 0.3
        losses.append(selection_optimism(trials, 5000)["optimism"].iloc[0])
    assert np.mean(losses) == pytest.approx(0.0125, abs=3 * 0.0017)


def test_what_the_winner_loses_is_worked_by_hand(make_trials: MakeTable) -> None:
    scores = {0: (0.70, 0.76), 1: (0.78, 0.74), 2: (0.71, 0.72)}
    trials = make_trials(
        {"trial": t, "replicate": r, "units": t, "val_accuracy": v}
        for t, pair in scores.items()
        for r, v in enumerate(pair, start=1)
    )
    row = selection_optimism(trials, 1000).iloc[0]
    # By the first seed setting 1 wins: 0.78 to 0.74, while all move from 0.73 to 0.74 on average. By the
    # second setting 0 wins: 0.76 to 0.70, all from 0.74 to 0.73.
    lost = ((0.04 + 0.01) + (0.06 - 0.01)) / 2
    assert row["optimism"] == pytest.approx(lost * np.sqrt(1 / 2))
    assert row["optimism_at_most"] == pytest.approx(0.846284 * np.sqrt(0.76 * 0.24 / 1000), rel=1e-4)
    assert (row["setting"], row["n_settings"], row["n_replicates"]) == (1, 3, 2)


def test_all_of_a_few_texts_right_is_no_certainty() -> None:
    # Wilson's lower end for 80 of 80 is 80 / (80 + 1.96^2).
    assert binomial_half_width(1.0, 80) == pytest.approx(1 - 80 / (80 + 1.959964**2), rel=1e-6)


def test_seeds_and_texts_add_up_as_squares() -> None:
    texts = float(binomial_half_width(0.9, 1000))
    seeds = 4.302653 * 0.01 / np.sqrt(3)
    assert accuracy_half_width(0.9, 0.01, 3, 1000) == pytest.approx(np.hypot(texts, seeds), rel=1e-6)
    assert accuracy_half_width(0.9, np.nan, 1, 1000) == pytest.approx(texts)


def test_confirming_and_sealed_runs_are_kept_apart_from_the_search(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"trial": 0, "units": 1, "val_accuracy": 0.90},
            {"trial": 1, "units": 2, "val_accuracy": 0.85},
            {"trial": 0, "units": 1, "val_accuracy": 0.87, "replicate": 2, "phase": "confirm"},
            {
                "trial": 0,
                "units": 1,
                "val_accuracy": 0.89,
                "replicate": 3,
                "phase": "confirm",
                "test_accuracy": 0.86,
            },
        ]
    )
    row = selection_optimism(trials, 100).iloc[0]
    assert row["best"] == 0.90
    assert (row["confirmed"], row["n_confirmed"]) == (pytest.approx(0.88), 2)
    assert row["val_minus_test"] == pytest.approx(0.02)  # of the confirmed 0.88


def test_without_replicates_only_the_upper_figure_is_known(make_trials: MakeTable) -> None:
    row = selection_optimism(make_trials([{"units": n, "val_accuracy": 0.8} for n in range(4)]), 100).iloc[0]
    assert np.isnan(row["optimism"])
    assert row["optimism_at_most"] == pytest.approx(1.029375 * 0.04, rel=1e-4)


def test_one_setting_was_not_picked_from_any(make_trials: MakeTable) -> None:
    row = selection_optimism(make_trials([{"units": 1, "val_accuracy": 0.8}]), 100).iloc[0]
    assert (row["optimism"], row["optimism_at_most"]) == (0.0, pytest.approx(0.0))


@pytest.mark.parametrize("state", ["failed", "pruned", "running"])
def test_nothing_completed_gives_no_row(make_trials: MakeTable, state: str) -> None:
    table = selection_optimism(make_trials([{"state": state, "val_accuracy": 0.5, "units": 1}]), 0)
    assert table.empty
    assert "optimism" in table.columns


def test_constant_accuracy_and_an_unknown_split_do_not_fail(make_trials: MakeTable) -> None:
    rows = [{"trial": t, "replicate": r, "units": t, "val_accuracy": 0.5} for t in range(4) for r in (1, 2)]
    row = selection_optimism(make_trials(rows), 0).iloc[0]
    assert row["optimism"] == 0
    assert np.isnan(row["optimism_at_most"])
