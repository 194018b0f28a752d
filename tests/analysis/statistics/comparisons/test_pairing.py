from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.comparisons.pairing import contrast_pairs, find_pairs
from analysis.statistics.comparisons.rules import RULE
from analysis.statistics.settings import scored_runs

MakeTable = Callable[..., pd.DataFrame]


def sides(trials: pd.DataFrame, factor: str = "cell") -> tuple[pd.DataFrame, pd.DataFrame]:
    runs = scored_runs(trials)
    return runs[runs[factor] == "a"], runs[runs[factor] == "b"]


def test_runs_are_paired_where_parameters_and_seed_agree(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"cell": "a", "units": 8, "seed": 1, "val_accuracy": 0.6},
            {"cell": "a", "units": 8, "seed": 2, "val_accuracy": 0.7},
            {"cell": "a", "units": 16, "seed": 1, "val_accuracy": 0.8},
            {"cell": "b", "units": 8, "seed": 2, "val_accuracy": 0.5},
            {"cell": "b", "units": 8, "seed": 3, "val_accuracy": 0.1},
            {"cell": "b", "units": 16, "seed": 1, "val_accuracy": 0.4},
        ]
    )
    pairs = find_pairs(*sides(trials), ["units"])
    assert pairs.shares_seeds
    assert sorted(zip(pairs.table["a"], pairs.table["b"], strict=True)) == [(0.7, 0.5), (0.8, 0.4)]
    assert pairs.coverage == 1.0


def test_values_not_set_agree_with_each_other_only(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"cell": "a", "dropout": None, "val_accuracy": 0.6},
            {"cell": "b", "dropout": None, "val_accuracy": 0.5},
            {"cell": "a", "dropout": 0.1, "val_accuracy": 0.6},
            {"cell": "b", "dropout": 0.2, "val_accuracy": 0.5},
        ]
    )
    pairs = find_pairs(*sides(trials), ["dropout"])
    assert len(pairs.table) == 1
    assert pairs.coverage == 0.5


def test_the_coverage_of_the_lesser_side_is_that_of_the_side_with_fewer_settings(
    make_trials: MakeTable,
) -> None:
    # Around a baseline (cell a, units 8): the other cell was tried in its company alone.
    trials = make_trials(
        [
            {"cell": "a", "units": 8, "val_accuracy": 0.6},
            {"cell": "a", "units": 16, "val_accuracy": 0.6},
            {"cell": "a", "units": 32, "val_accuracy": 0.6},
            {"cell": "b", "units": 8, "val_accuracy": 0.5},
        ]
    )
    pairs = find_pairs(*sides(trials), ["units"])
    assert pairs.coverage == pytest.approx(1 / 3)
    assert pairs.lesser_coverage == 1.0
    swapped = find_pairs(*reversed(sides(trials)), ["units"])
    assert swapped.lesser_coverage == 1.0


def test_repeated_runs_are_averaged_before_pairing(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"cell": "a", "seed": 1, "val_accuracy": 0.6},
            {"cell": "a", "seed": 1, "val_accuracy": 0.8},
            {"cell": "b", "seed": 1, "val_accuracy": 0.5},
        ]
    )
    assert find_pairs(*sides(trials), []).table["a"].tolist() == pytest.approx([0.7])


def test_settings_without_common_seeds_are_paired_by_their_means(make_trials: MakeTable) -> None:
    trials = make_trials(
        {"cell": cell, "units": units, "seed": seed, "val_accuracy": 0.5 + units / 100 + bonus}
        for cell, bonus, seeds in (("a", 0.1, (1, 2)), ("b", 0.0, (3, 4)))
        for units in (8, 16, 32)
        for seed in seeds
    )
    pairs = find_pairs(*sides(trials), ["units"])
    assert not pairs.shares_seeds
    assert (pairs.n_blocks, len(pairs.table)) == (3, 3)
    contrast = contrast_pairs(pairs, RULE, np.random.default_rng(0))
    assert (contrast.method, contrast.unit, contrast.effect) == ("paired", "setting", pytest.approx(0.1))


def test_one_chance_seed_in_common_does_not_replace_the_settings(make_trials: MakeTable) -> None:
    trials = make_trials(
        {"cell": cell, "units": units, "seed": 7 if units == 1 else 10 * units + index, "val_accuracy": 0.5}
        for index, cell in enumerate("ab")
        for units in range(1, 6)
    )
    pairs = find_pairs(*sides(trials), ["units"])
    assert len(pairs.table) == 5


def test_one_setting_without_common_seeds_is_compared_run_by_run(make_trials: MakeTable) -> None:
    trials = make_trials(
        {"cell": cell, "seed": seed, "val_accuracy": 0.5 + seed / 100}
        for cell, seeds in (("a", (4, 5, 6)), ("b", (1, 2, 3)))
        for seed in seeds
    )
    contrast = contrast_pairs(find_pairs(*sides(trials), []), RULE, np.random.default_rng(0))
    assert (contrast.method, contrast.n_units, contrast.p_better) == ("unpaired", 3, 1.0)


def with_own_seeds(make_trials: MakeTable, n_seeds: int) -> pd.DataFrame:
    """Two cells under seeds of their own, of which each moves all settings of its cell by some points."""
    shift = {"a": (0.02, -0.02, 0.03), "b": (0.01, -0.03, 0.0)}
    return make_trials(
        {
            "cell": cell,
            "units": units,
            "seed": 10 * number + index,
            "val_accuracy": 0.5 + units / 100 + shift[cell][index] + ((units + index) % 3) / 1000,
        }
        for number, cell in enumerate("ab")
        for units in range(1, 13)
        for index in range(n_seeds)
    )


def test_seeds_that_move_all_settings_of_one_side_alike_are_counted(make_trials: MakeTable) -> None:
    pairs = find_pairs(*sides(with_own_seeds(make_trials, 3)), ["units"])
    contrast = contrast_pairs(pairs, RULE, np.random.default_rng(0))

    # The variances of either side's three shifts, 7.0 and 4.33 points^2, each over three seeds.
    assert 1e4 * contrast.by_seed == pytest.approx((7.0 + 4.33) / 3, rel=0.05)
    assert contrast.p_value > 0.3


def test_what_a_sides_only_seed_did_is_not_known_and_the_verdict_is_about_it(make_trials: MakeTable) -> None:
    pairs = find_pairs(*sides(with_own_seeds(make_trials, 1)), ["units"])

    assert contrast_pairs(pairs, RULE, np.random.default_rng(0)).n_seeds == 1


def test_seeds_of_which_each_run_has_its_own_show_between_settings(make_trials: MakeTable) -> None:
    trials = with_own_seeds(make_trials, 1)
    pairs = find_pairs(*sides(trials.assign(seed=range(len(trials)))), ["units"])

    assert contrast_pairs(pairs, RULE, np.random.default_rng(0)).n_seeds == 0


@pytest.mark.parametrize("cells", ["aa", "bb", ""])
def test_a_side_without_runs_has_no_pairs(make_trials: MakeTable, cells: str) -> None:
    trials = make_trials(
        [{"cell": cell, "units": 1, "val_accuracy": 0.5} for cell in cells] or [{"cell": "c"}]
    )
    trials = trials.assign(units=1)
    pairs = find_pairs(*sides(trials), ["units"])
    assert (len(pairs.table), pairs.coverage, pairs.n_blocks) == (0, 0.0, 0)
    assert contrast_pairs(pairs, RULE, np.random.default_rng(0)).method == "none"
