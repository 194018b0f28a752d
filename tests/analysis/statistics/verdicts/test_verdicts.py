from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.errors import AnalysisError
from analysis.records.schema import StudyFacts
from analysis.statistics.comparisons.rules import Rule
from analysis.statistics.comparisons.texts import Hits
from analysis.statistics.settings import scores_at_epoch
from analysis.statistics.verdicts import IN_FEW_SETTINGS, compare_levels, compare_settings, compare_studies

MakeTable = Callable[..., pd.DataFrame]
FEW = Rule(resamples=200)


def grid(seed: int = 0, n_seeds: int = 3, lstm: float = 0.03, noise: float = 0.005) -> list[dict[str, Any]]:
    """A full grid in which lstm is `lstm` better, and nothing else matters but units."""
    rng = np.random.default_rng(seed)
    settings = product(("rnn", "lstm"), (8, 16, 32, 64), (True, False))
    return [
        {
            "trial": trial,
            "replicate": replicate,
            "cell": cell,
            "units": units,
            "bidirectional": both,
            "val_accuracy": 0.7 + lstm * (cell == "lstm") + units / 2000 + rng.normal(0, noise),
        }
        for trial, (cell, units, both) in enumerate(settings)
        for replicate in range(1, n_seeds + 1)
    ]


def test_a_planted_effect_is_found_in_a_grid_and_paired(make_trials: MakeTable) -> None:
    table = compare_levels(make_trials(grid()), rule=FEW)
    cell = table[table["factor"] == "cell"].iloc[0]
    assert (cell["a"], cell["b"], cell["answer"]) == ("lstm", "rnn", "better")
    assert (cell["method"], cell["unit"], cell["n_pairs"], cell["n_units"]) == ("paired", "setting", 24, 8)
    assert cell["effect_low_pp"] < 3 < cell["effect_high_pp"]
    assert cell["balanced"]
    assert len(table) == 1 + 6 + 1
    assert (table["n_comparisons"] == 8).all()


def test_the_effect_is_the_paired_one_worked_by_hand(make_trials: MakeTable) -> None:
    trials = make_trials(grid())
    wide = trials.pivot_table(index=["units", "bidirectional"], columns="cell", values="val_accuracy")
    expected = stats.ttest_rel(wide["lstm"], wide["rnn"])
    row = compare_levels(trials, ["cell"], rule=FEW).iloc[0]
    assert row["p_value"] == pytest.approx(expected.pvalue)
    assert row["effect_pp"] == pytest.approx(100 * (wide["lstm"] - wide["rnn"]).mean())


def test_nothing_is_better_where_nothing_is(make_trials: MakeTable) -> None:
    row = compare_levels(make_trials(grid(lstm=0.0)), ["cell"], rule=FEW).iloc[0]
    assert row["answer"] != "better"
    assert row["effect_pp"] >= 0  # `a` is the side ahead, whatever the answer


@pytest.mark.parametrize(("scatter", "more"), [(0.0001, 1), (0.001, 4)])
def test_two_seeds_ask_for_the_third_that_a_test_needs_and_for_more_where_they_differ(
    make_trials: MakeTable, scatter: float, more: int
) -> None:
    rows = [
        {
            "trial": trial,
            "replicate": replicate,
            "cell": cell,
            "val_accuracy": 0.8 + trial * (0.0015 + (replicate - 1.5) * scatter),
        }
        for trial, cell in enumerate(("rnn", "gru"))
        for replicate in (1, 2)
    ]
    row = compare_levels(make_trials(rows), rule=FEW).iloc[0]
    assert (row["answer"], row["more"], row["more_of"]) == ("not enough runs", more, "seed")
    assert np.isnan(row["p_value"])
    assert row["n_comparisons"] == 0


def search(confounded: bool, effect: float, n: int = 120) -> list[dict[str, Any]]:
    """A random search; if confounded, lstm was mostly tried with the better, larger layers."""
    rng = np.random.default_rng(3)
    rows = []
    for _ in range(n):
        is_lstm = rng.random() < 0.5
        share = (0.8 if is_lstm else 0.2) if confounded else 0.5
        units = 64 if rng.random() < share else 16
        accuracy = 0.7 + effect * is_lstm + 0.05 * (units == 64) + rng.normal(0, 0.01)
        rows.append(
            {
                "cell": "lstm" if is_lstm else "gru",
                "units": units,
                "learning_rate": float(10 ** rng.uniform(-4, -2)),
                "val_accuracy": accuracy,
            }
        )
    return rows


def test_unlike_company_is_adjusted_for_and_said(make_trials: MakeTable) -> None:
    row = compare_levels(make_trials(search(confounded=True, effect=0.0)), ["cell"], rule=FEW).iloc[0]
    assert row["method"] == "regression"
    assert not row["balanced"]
    assert "not balanced" in row["note"]
    assert abs(row["effect_pp"]) < 1  # the raw means differ by three points
    assert row["answer"] == "inside the noise"


def test_levels_around_a_baseline_are_compared_at_the_baseline_and_it_is_said(make_trials: MakeTable) -> None:
    # Cell b adds 0.1; units and layers are moved for cell a alone, and settings are too few for a model.
    settings = [("a", 8, 1), ("b", 8, 1), ("a", 16, 1), ("a", 32, 1), ("a", 8, 2)]
    noise = (0.001, -0.002, 0.0, 0.002, -0.001)
    trials = make_trials(
        [
            {
                "trial": number,
                "replicate": seed,
                "cell": cell,
                "units": units,
                "layers": layers,
                "val_accuracy": 0.6 + 0.1 * (cell == "b") + noise[(seed + number) % 5],
            }
            for number, (cell, units, layers) in enumerate(settings)
            for seed in range(1, 7)
        ]
    )

    (row,) = compare_levels(trials, ["cell"]).to_dict("records")

    assert (row["a"], row["b"], row["method"], row["unit"]) == ("b", "a", "paired", "seed")
    assert row["n_pairs"] == 6
    assert row["effect_pp"] == pytest.approx(10.0, abs=0.3)
    assert row["answer"] == "better"
    assert IN_FEW_SETTINGS in row["note"]


def test_a_search_can_find_an_effect_too(make_trials: MakeTable) -> None:
    row = compare_levels(make_trials(search(confounded=True, effect=0.02)), ["cell"], rule=FEW).iloc[0]
    assert (row["a"], row["answer"]) == ("lstm", "better")
    assert row["effect_low_pp"] < 2 < row["effect_high_pp"]


def test_numbers_tried_in_many_values_are_compared_by_ranges(make_trials: MakeTable) -> None:
    table = compare_levels(make_trials(search(confounded=False, effect=0.0)), ["learning_rate"], rule=FEW)
    assert len(table) == 6
    assert all(" to " in level for level in table["a"])


def test_parameters_that_only_one_level_has_do_not_keep_it_from_pairing(make_trials: MakeTable) -> None:
    rows = grid()
    for row in rows:
        row["forget_bias"] = 1.0 if row["cell"] == "lstm" else None
    row = compare_levels(make_trials(rows), ["cell"], rule=FEW).iloc[0]
    assert (row["method"], row["n_pairs"]) == ("paired", 24)


def test_runs_cut_short_are_left_out_and_counted(make_trials: MakeTable) -> None:
    trials = make_trials(grid())
    is_worst = trials["trial"] < 3
    trials.loc[is_worst, "state"] = "pruned"
    trials.loc[is_worst, "val_accuracy"] = 0.99
    row = compare_levels(trials, ["cell"], rule=FEW).iloc[0]
    assert (row["n_left_out"], row["n_pairs"]) == (9, 15)
    assert "9 runs that did not complete" in row["note"]
    assert row["a"] == "lstm"


def test_runs_cut_short_can_be_compared_at_an_equal_number_of_epochs(
    make_trials: MakeTable, make_epochs: MakeTable
) -> None:
    trials = make_trials(grid())
    trials.loc[trials["cell"] == "rnn", "state"] = "pruned"
    curves = {key: [0.5, 0.4] for key in zip(trials["trial"], trials["replicate"], strict=True)}
    epochs = make_epochs(curves, val_accuracy=[0.6, 0.7])
    scored = scores_at_epoch(epochs, trials, 2)
    scored["score"] += 0.05 * (scored["cell"] == "lstm") + 0.001 * scored["replicate"] * scored["trial"] / 16
    row = compare_levels(scored, ["cell"], "score", states=("completed", "pruned"), rule=FEW).iloc[0]
    assert (row["n_left_out"], row["answer"]) == (0, "better")


def test_a_level_of_which_nothing_completed_is_still_named(make_trials: MakeTable) -> None:
    trials = make_trials(grid())
    trials.loc[trials["cell"] == "rnn", "state"] = "failed"
    row = compare_levels(trials, ["cell"], rule=FEW).iloc[0]
    assert {row["a"], row["b"]} == {"rnn", "lstm"}
    assert (row["a"], row["answer"], row["n_left_out"]) == ("lstm", "better", 24)
    assert "24 of 24 at rnn" in row["note"]


def test_the_best_setting_is_compared_with_the_next_and_the_choice_is_paid_for(
    make_trials: MakeTable,
) -> None:
    trials = make_trials(grid(n_seeds=5, noise=0.001))
    table = compare_settings(trials, n_best=4, rule=FEW)
    assert len(table) == 3
    assert (table["n_comparisons"] == 16 * 15 // 2).all()
    assert set(trials.loc[trials["trial"].isin(table["a"]), "cell"]) == {"lstm"}
    assert table["note"].str.contains("confirm").all()
    clear = table[table["effect_pp"] > 1]
    assert (clear["answer"] == "better").all()


def test_confirming_runs_judge_alone(make_trials: MakeTable) -> None:
    search_rows = [{"trial": t, "units": t, "seed": 1, "val_accuracy": 0.9 - t / 100} for t in range(6)]
    confirm_rows = [
        {
            "trial": t,
            "units": t,
            "replicate": r,
            "phase": "confirm",
            "val_accuracy": 0.8 + t / 50 + r * t / 1000,
        }
        for t in range(2)
        for r in range(2, 8)
    ]
    table = compare_settings(make_trials([*search_rows, *confirm_rows]), rule=FEW)
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["a"], row["b"], row["n_pairs"], row["n_comparisons"]) == (1, 0, 6, 1)
    assert row["note"] == ""
    assert row["answer"] == "better"


def facts(**changes: Any) -> StudyFacts:
    plain: dict[str, Any] = {
        "name": "s",
        "source": "imdb",
        "classes": ("neg", "pos"),
        "n_train": 100,
        "n_validation": 50,
        "n_test": 50,
        "max_epochs": 5,
        "design": "grid",
        "space": {},
    }
    return StudyFacts(**(plain | changes))


def test_studies_are_compared_over_the_settings_and_seeds_they_share(make_trials: MakeTable) -> None:
    first, second = make_trials(grid()), make_trials(grid(seed=1))
    second["val_accuracy"] = first["val_accuracy"] + 0.01 + 0.001 * np.sin(np.arange(len(first)))
    table = compare_studies({"old": first, "new": second[second["units"] > 8]}, rule=FEW)
    row = table.iloc[0]
    assert (row["a"], row["b"], row["answer"], row["n_pairs"]) == ("new", "old", "better", 36)
    assert row["effect_pp"] == pytest.approx(1, abs=0.1)
    assert "only settings that both completed" in row["note"]


def test_studies_without_a_common_setting_are_not_ranked(make_trials: MakeTable) -> None:
    first = make_trials(grid())
    row = compare_studies({"a": first, "b": first.assign(units=first["units"] + 1)}, rule=FEW).iloc[0]
    assert (row["answer"], row["method"]) == ("not enough runs", "none")
    assert "no setting completed in both" in row["note"]


def test_studies_on_other_texts_are_said_to_be(make_trials: MakeTable) -> None:
    trials = make_trials(grid())
    known = {"a": facts(), "b": facts(n_validation=60, source="reuters")}
    row = compare_studies({"a": trials, "b": trials}, facts=known, rule=FEW).iloc[0]
    assert "differ in source of the texts and validation texts" in row["note"]
    assert compare_studies({"a": trials, "b": trials}, facts={"a": facts(), "b": facts()})["note"][0] == ""


ODD: dict[str, list[dict[str, Any]]] = {
    "no trials": [],
    "one trial": [{"cell": "rnn", "val_accuracy": 0.5}],
    "all failed": [{"cell": "rnn", "state": "failed"}, {"cell": "gru", "state": "failed"}],
    "all running": [{"cell": "rnn", "state": "running"}, {"cell": "gru", "state": "running"}],
    "one seed": [{"cell": "rnn", "val_accuracy": 0.5}, {"cell": "gru", "val_accuracy": 0.6}],
    "constant": [
        {"cell": cell, "units": u, "replicate": r, "val_accuracy": 0.5}
        for cell in ("rnn", "gru")
        for u in range(12)
        for r in (1, 2, 3)
    ],
    "NaN scores": [{"cell": "rnn", "val_accuracy": np.nan}, {"cell": "gru", "val_accuracy": np.nan}],
    "conditional": [
        {"cell": "rnn", "layers": None, "val_accuracy": 0.5},
        {"cell": "gru", "layers": 2, "val_accuracy": 0.6},
        {"cell": None, "layers": 3, "val_accuracy": 0.6},
    ],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_get_an_answer_that_claims_nothing(make_trials: MakeTable, name: str) -> None:
    trials = make_trials(ODD[name])
    tables = [
        compare_levels(trials, rule=FEW),
        compare_settings(trials, rule=FEW),
        compare_studies({"x": trials, "y": trials}, rule=FEW),
    ]
    kinds = {name: kind for name, kind in tables[-1].dtypes.items() if name not in ("a", "b")}
    for table in tables:
        assert not (table["answer"] == "better").any()
        assert {name: table.dtypes[name] for name in kinds} == kinds


def test_no_studies_and_one_study_have_nothing_to_compare(make_trials: MakeTable) -> None:
    assert compare_studies({}).empty
    assert compare_studies({"a": make_trials(grid())}).empty


def test_an_unknown_factor_is_named(make_trials: MakeTable) -> None:
    with pytest.raises(AnalysisError, match="lacks the column 'cells_typo'"):
        compare_levels(make_trials(grid()), ["cells_typo"])


def test_same_seed_same_verdicts(make_trials: MakeTable) -> None:
    trials = make_trials(search(confounded=False, effect=0.005))
    first, again, other = (compare_levels(trials, rule=FEW, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["p_better_low"].equals(other["p_better_low"])


def lost_runs(n_lost: int, lead: float) -> list[dict[str, Any]]:
    """Two cells under ten seeds; gru is ahead by `lead` where it completes."""
    rng = np.random.default_rng(5)
    return [
        {
            "trial": trial,
            "replicate": seed,
            "cell": cell,
            "state": "diverged" if cell == "gru" and seed <= n_lost else "completed",
            "val_accuracy": 0.8 + lead * (cell == "gru") + rng.normal(0, 0.005),
        }
        for trial, cell in enumerate(("rnn", "gru"))
        for seed in range(1, 11)
    ]


def test_runs_that_diverged_keep_their_level_from_being_called_better(make_trials: MakeTable) -> None:
    whole = compare_levels(make_trials(lost_runs(0, 0.02)), rule=FEW).iloc[0]
    assert (whole["a"], whole["answer"]) == ("gru", "better")
    row = compare_levels(make_trials(lost_runs(4, 0.02)), rule=FEW).iloc[0]
    assert row["answer"] != "better"
    assert "4 of 10 at gru" in row["note"]
    assert "without them" in row["note"]


def test_levels_whose_weak_runs_a_scheduler_stopped_are_not_told_apart(make_trials: MakeTable) -> None:
    trials = make_trials(grid())
    trials.loc[trials["units"] == 8, "state"] = "pruned"
    row = compare_levels(trials, ["cell"], rule=FEW).iloc[0]
    assert (row["answer"], row["confounded"]) == (
        "cannot be told apart",
        "the scheduler's choice of the runs to finish",
    )
    fair = compare_levels(trials, ["cell"], strata=["cell"], rule=FEW).iloc[0]
    assert fair["answer"] == "better"


def test_factors_that_go_together_are_named(make_trials: MakeTable) -> None:
    rows = [
        {
            "trial": t,
            "replicate": r,
            "cell": "ab"[t],
            "units": 8 * (1 + t),
            "val_accuracy": 0.8 + t / 50 + r / 1e3,
        }
        for t in (0, 1)
        for r in range(1, 13)
    ]
    row = compare_levels(make_trials(rows), ["cell"], rule=FEW).iloc[0]
    assert (row["answer"], row["confounded"]) == ("cannot be told apart", "units")
    assert pd.isna(row["more"])


def test_a_verdict_says_what_it_is_about(make_trials: MakeTable) -> None:
    rows = [row for row in grid() if row["units"] == 8 and row["bidirectional"]]
    assert compare_levels(make_trials(rows), ["cell"], rule=FEW)["scope"][0] == (
        "for this setting of all else and this validation split"
    )
    rows = [row for row in grid() if row["replicate"] == 1]
    assert (
        compare_levels(make_trials(rows), ["cell"], rule=FEW)["scope"][0]
        == "for this seed and this validation split"
    )


def test_texts_that_suit_one_level_are_the_luck_of_the_draw(make_trials: MakeTable) -> None:
    # Of 100 texts gru gets 10 right that rnn gets wrong, and rnn 4 that gru does: six points, in every run.
    rng = np.random.default_rng(0)
    rows, right = [], {}
    for trial, cell in enumerate(("rnn", "gru")):
        base = np.repeat([True, trial == 1, trial == 0], [86, 10, 4])
        for replicate in range(1, 6):
            own = base ^ (rng.random(100) < 0.01)
            right[trial, "search", replicate] = own
            rows.append({"trial": trial, "replicate": replicate, "cell": cell, "val_accuracy": own.mean()})
    blind = compare_levels(make_trials(rows), rule=FEW).iloc[0]
    row = compare_levels(make_trials(rows), hits=Hits.of(right), rule=FEW).iloc[0]
    assert blind["answer"] == "better"
    assert row["answer"] == "not enough runs"
    assert row["scope"] == "for this setting of all else"
    # McNemar's variance of a difference of shares: (10 + 4) / 100 - 0.06^2, over 100 texts.
    assert row["by_texts"] == pytest.approx((0.14 - 0.0036) / 100, rel=0.1)


def test_runs_of_the_confirmation_judge_no_level(make_trials: MakeTable) -> None:
    trials = make_trials(grid())
    chosen = trials[trials["trial"] == 15].assign(phase="confirm", replicate=[1001, 1002, 1003])
    both = pd.concat([trials, chosen], ignore_index=True)
    pd.testing.assert_frame_equal(compare_levels(both, rule=FEW), compare_levels(trials, rule=FEW))
