from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.errors import AnalysisError
from analysis.statistics.effects import best_by_level, cell_means, interactions, marginal_effects

MakeTable = Callable[..., pd.DataFrame]


def grid(noise: float = 0.0, together: float = 0.0) -> list[dict[str, Any]]:
    """Cells add 0, 1 and 2 points, units 1 point per doubling; lstm with 64 units adds `together`."""
    rng = np.random.default_rng(0)
    cells = {"rnn": 0.0, "gru": 0.01, "lstm": 0.02}
    return [
        {
            "cell": cell,
            "units": units,
            "layers": layers,
            "val_accuracy": 0.7
            + cells[cell]
            + 0.01 * np.log2(units / 16)
            + together * (cell == "lstm" and units == 64)
            + rng.normal(0, noise),
        }
        for cell, units, layers in product(cells, (16, 32, 64), (1, 2, 3))
    ]


def test_means_by_level_are_worked_over_settings(make_trials: MakeTable) -> None:
    rows = grid()
    twice = [{**row, "trial": n, "replicate": r} for n, row in enumerate(rows) for r in (1, 2)]
    table = marginal_effects(make_trials(twice)).set_index(["factor", "level"])
    gru = table.loc[("cell", "gru")]
    assert (gru["n_settings"], gru["n_runs"]) == (9, 18)
    assert gru["mean"] == pytest.approx(0.72)
    scores = [row["val_accuracy"] for row in rows if row["cell"] == "gru"]
    assert gru["high"] == pytest.approx(np.mean(scores) + stats.t.ppf(0.975, 8) * stats.sem(scores))
    assert table.loc[("units", 64), "mean"] - table.loc[("units", 16), "mean"] == pytest.approx(0.02)


def test_no_interval_of_an_accuracy_leaves_what_accuracies_can_be(make_trials: MakeTable) -> None:
    rows = [
        {"cell": cell, "units": units, "val_accuracy": accuracy, "val_loss": accuracy}
        for cell, accuracies in {"gru": (0.6, 0.98, 1.0), "rnn": (0.0, 0.02, 0.4)}.items()
        for units, accuracy in zip((16, 32, 64), accuracies, strict=True)
    ]
    trials = make_trials(rows)
    ends = ["low", "high", "adjusted_low", "adjusted_high"]
    accuracy, loss = (marginal_effects(trials, score=score)[ends] for score in ("val_accuracy", "val_loss"))
    assert accuracy.min().min() == 0.0
    assert accuracy.max().max() == 1.0
    assert loss.max().max() > 1.0


def test_in_a_balanced_grid_adjusting_changes_nothing(make_trials: MakeTable) -> None:
    table = marginal_effects(make_trials(grid(noise=0.005)))
    assert table["adjusted"].to_numpy() == pytest.approx(table["mean"].to_numpy())
    assert (table["adjusted_high"] > table["adjusted"]).all()


def test_adjusting_takes_off_the_company_a_level_was_tried_in(make_trials: MakeTable) -> None:
    rows = [
        row for row in grid(noise=1e-5) if row["cell"] != "rnn" or row["units"] == 64 or row["layers"] == 1
    ]
    table = marginal_effects(make_trials(rows)).set_index(["factor", "level"])
    raw = table.loc[("cell", "gru"), "mean"] - table.loc[("cell", "rnn"), "mean"]
    adjusted = table.loc[("cell", "gru"), "adjusted"] - table.loc[("cell", "rnn"), "adjusted"]
    assert raw < 0.008
    assert adjusted == pytest.approx(0.01, abs=1e-4)


def test_levels_that_cannot_be_told_apart_are_not_adjusted(make_trials: MakeTable) -> None:
    rows = [{**row, "twin": row["cell"].upper()} for row in grid()]
    table = marginal_effects(make_trials(rows)).set_index(["factor", "level"])
    assert table.loc["cell", "adjusted"].isna().all()
    assert table.loc["units", "adjusted"].notna().all()


def test_the_best_of_many_is_compared_with_as_few_as_the_other_level_has(make_trials: MakeTable) -> None:
    rows = [{"cell": "rnn", "n": n, "val_accuracy": v} for n, v in enumerate((0.5, 0.6))]
    rows += [{"cell": "gru", "n": n, "val_accuracy": v} for n, v in enumerate((0.3, 0.5, 0.7))]
    table = best_by_level(make_trials(rows), ["cell"]).set_index("level")
    assert (table.loc["gru", "best"], table.loc["gru", "setting"], table.loc["gru", "n_equal"]) == (0.7, 4, 2)
    assert table.loc["gru", "best_of_equal"] == pytest.approx((0.5 + 0.7 + 0.7) / 3)
    assert table.loc["rnn", "best_of_equal"] == 0.6


def test_the_best_settings_spread_over_its_replicates_is_given(make_trials: MakeTable) -> None:
    rows = [{"trial": 0, "replicate": r, "cell": "rnn", "val_accuracy": v} for r, v in ((1, 0.5), (2, 0.6))]
    rows.append({"trial": 1, "replicate": 1, "cell": "gru", "val_accuracy": 0.4})
    table = best_by_level(make_trials(rows)).set_index("level")
    assert table.loc["rnn", "best"] == pytest.approx(0.55)
    assert table.loc["rnn", "best_sd"] == pytest.approx(np.std([0.5, 0.6], ddof=1))
    assert np.isnan(table.loc["gru", "best_sd"])


def test_a_pair_that_works_together_is_found_and_only_that(make_trials: MakeTable) -> None:
    table = interactions(make_trials(grid(noise=0.002, together=0.02)))
    first = table.iloc[0]
    assert {first["factor_a"], first["factor_b"]} == {"cell", "units"}
    assert first["p_corrected"] < 0.001
    assert first["share"] > 5 * first["share_expected"]
    assert (table["p_corrected"].iloc[1:] > 0.05).all()


def test_the_test_of_a_pair_is_the_two_way_anova(make_trials: MakeTable) -> None:
    formulas = pytest.importorskip("statsmodels.formula.api")
    from statsmodels.stats.anova import anova_lm

    rows = grid(noise=0.005, together=0.01)
    table = interactions(make_trials(rows), ["cell", "units"])
    frame = pd.DataFrame(rows)
    small = formulas.ols("val_accuracy ~ C(cell) + C(units) + C(layers)", frame).fit()
    large = formulas.ols("val_accuracy ~ C(cell) * C(units) + C(layers)", frame).fit()
    expected = anova_lm(small, large).iloc[1]
    assert table["p_value"].item() == pytest.approx(expected["Pr(>F)"])
    assert table["freedom"].item() == 4
    total = ((frame["val_accuracy"] - frame["val_accuracy"].mean()) ** 2).sum()
    assert table["share"].item() == pytest.approx(expected["ss_diff"] / total)


def test_without_noise_or_settings_left_a_pair_says_nothing(make_trials: MakeTable) -> None:
    assert interactions(make_trials(grid()))["p_value"].isna().all()
    few = [row for row in grid(noise=0.01) if row["layers"] == 1]
    assert interactions(make_trials(few))["p_value"].isna().all()


def test_maps_show_the_mean_of_settings_at_two_factors(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"trial": 0, "replicate": 1, "cell": "rnn", "units": 8, "layers": 1},
            {"trial": 0, "replicate": 2, "cell": "rnn", "units": 8, "layers": 1},
            {"trial": 1, "replicate": 1, "cell": "rnn", "units": 8, "layers": 2},
            {"trial": 2, "replicate": 1, "cell": "gru", "units": 8, "layers": 1},
            {"trial": 3, "replicate": 1, "cell": "gru", "units": 16, "layers": 1, "state": "pruned"},
        ]
    )
    gaps = trials[["trial", "replicate"]].assign(gap=[0.1, 0.3, 0.4, 0.5, 0.9])
    table = cell_means(gaps, trials, ("cell", "units"), "gap")
    assert list(zip(table["row"], table["column"], strict=True)) == [("gru", 8), ("rnn", 8)]
    assert list(table["n_settings"]) == [1, 2]
    assert list(table["mean"]) == pytest.approx([0.5, 0.3])


def test_maps_take_nullable_values(make_trials: MakeTable) -> None:
    trials = make_trials([{"cell": "rnn", "units": 8}, {"cell": "gru", "units": 8}])
    onsets = trials[["trial", "replicate"]].assign(onset=pd.array([3, None], dtype="Int64"))
    assert list(cell_means(onsets, trials, ("cell", "units"), "onset")["mean"]) == [3.0]


ODD: dict[str, list[dict[str, Any]]] = {
    "no trials": [],
    "one trial": [{"cell": "rnn", "units": 8, "val_accuracy": 0.5}],
    "all failed": [
        {"cell": "rnn", "units": 8, "state": "failed"},
        {"cell": "gru", "units": 8, "state": "failed"},
    ],
    "constant": [{"cell": c, "units": u, "val_accuracy": 0.5} for c in "abc" for u in range(5)],
    "conditional": [
        {"cell": c, "units": u if c == "a" else None, "val_accuracy": u / 10} for c in "ab" for u in range(8)
    ],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_give_tables_of_the_same_columns(make_trials: MakeTable, name: str) -> None:
    trials, full = make_trials(ODD[name]), make_trials(grid(noise=0.01))
    for function in (marginal_effects, best_by_level, interactions):
        table, expected = function(trials), function(full)
        assert list(table.columns) == list(expected.columns)
        assert dict(table.dtypes) == dict(expected.dtypes)


def test_an_unknown_factor_is_named_and_a_constant_one_has_no_effect(make_trials: MakeTable) -> None:
    trials = make_trials([{**row, "fixed": 1} for row in grid()])
    with pytest.raises(AnalysisError, match="lacks the column 'typo'"):
        marginal_effects(trials, ["typo"])
    assert marginal_effects(trials, ["fixed"]).empty
