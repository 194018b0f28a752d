from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from analysis.statistics.comparisons.lines import Answered, compare_with_lines
from analysis.statistics.comparisons.macro_f1 import macro_f1, resample_macro_f1
from analysis.statistics.comparisons.texts import Hits

MakeTable = Callable[..., pd.DataFrame]


def line(accuracy: float) -> pd.DataFrame:
    return pd.DataFrame({"name": ["NB-SVM"], "val_accuracy": [accuracy]})


def test_the_luckiest_of_many_is_not_above_a_line_that_one_alone_would_be(make_trials: MakeTable) -> None:
    alone = make_trials([{"units": 1, "val_accuracy": 0.90}])
    many = make_trials([{"units": n, "val_accuracy": 0.90 - n / 1e4} for n in range(40)])
    # sqrt(2 * 0.1 * 0.9 / 2000) is 0.0095: 2.5 points are 2.6 of it, over 1.96 and under 3.02 for forty.
    assert compare_with_lines(alone, line(0.875), 2000)["answer"].tolist() == ["above"]
    row = compare_with_lines(many, line(0.875), 2000).iloc[0]
    assert (row["answer"], row["n_settings"]) == ("not told", 40)
    assert compare_with_lines(many, line(0.95), 2000)["answer"].tolist() == ["below"]


def test_all_right_on_a_few_texts_is_not_above_nearly_all(make_trials: MakeTable) -> None:
    row = compare_with_lines(make_trials([{"units": 1, "val_accuracy": 1.0}]), line(79 / 80), 80).iloc[0]
    assert row["answer"] == "not told"
    assert row["low"] < 0 < row["high"]


def test_fresh_seeds_judge_a_line_where_there_are_some(make_trials: MakeTable) -> None:
    rows = [{"trial": n, "units": n, "val_accuracy": 0.9 - n / 1e4} for n in range(40)]
    rows += [
        {"trial": 3, "units": 3, "val_accuracy": 0.899 + r / 1e4, "replicate": 1000 + r, "phase": "confirm"}
        for r in (1, 2, 3)
    ]
    row = compare_with_lines(make_trials(rows), line(0.875), 2000).iloc[0]
    assert (row["answer"], row["n_settings"], row["setting"]) == ("above", 1, 3)


def test_without_lines_or_runs_nothing_is_compared(make_trials: MakeTable) -> None:
    assert compare_with_lines(make_trials([{"units": 1, "val_accuracy": 0.9}]), line(0.8).iloc[:0], 100).empty
    assert compare_with_lines(make_trials([{"units": 1, "state": "failed"}]), line(0.8), 100).empty


def judged_alike(
    rng: np.random.Generator, n_settings: int, n_texts: int, *, n_seeds: int = 1, lead: float = 0.0
) -> tuple[pd.DataFrame, Answered]:
    """Settings and a line of one accuracy, all but for `lead`, that find the same texts hard."""
    hard = rng.normal(size=n_texts)

    def draw() -> Any:
        return 0.7 * hard + np.sqrt(0.51) * rng.normal(size=n_texts)

    by_line = draw() < 1.0
    right = {
        (trial, "search", seed): draw() < 1.0 + lead
        for trial in range(n_settings)
        for seed in range(1, n_seeds + 1)
    }
    answered = Answered(
        labels=np.ones(n_texts, dtype=np.int64),
        n_classes=2,
        predictions={key: hits.astype(np.float32) for key, hits in right.items()},
        lines={"line": by_line.astype(np.uint16)},
        hits=Hits.of(right),
    )
    rows = pd.DataFrame(
        [
            {"trial": trial, "replicate": seed, "units": trial, "val_accuracy": hits.mean()}
            for (trial, _, seed), hits in right.items()
        ]
    )
    return rows, answered


def compare(make_trials: MakeTable, rows: pd.DataFrame, answered: Answered) -> pd.Series:
    lines = pd.DataFrame(
        {
            "name": list(answered.lines),
            "val_accuracy": [(own == answered.labels).mean() for own in answered.lines.values()],
        }
    )
    trials = make_trials(rows.to_dict("records"))
    table = compare_with_lines(trials, lines, len(answered.labels), answered=answered)
    return table.iloc[0]


def test_one_run_is_compared_by_mcnemars_exact_test(make_trials: MakeTable) -> None:
    # 9 texts the run alone gets right, 1 the line alone: 2 (1 + 10) / 2^10.
    labels = np.ones(40, dtype=np.int64)
    run, line = np.ones(40, dtype=np.float32), np.ones(40, dtype=np.uint16)
    run[:1], line[1:10] = 0, 0
    answered = Answered(labels=labels, n_classes=2, predictions={(0, "search", 1): run}, lines={"line": line})
    row = compare(make_trials, pd.DataFrame([{"units": 1, "val_accuracy": run.mean()}]), answered)
    assert row["p_value"] == pytest.approx(22 / 1024)
    assert row["difference"] == pytest.approx(8 / 40)
    # Half a text more of each kind: (9.5 + 1.5 - 8^2 / 42) / 42^2 is the variance.
    half = 1.959964 * np.sqrt((11 - 64 / 42) / 42**2)
    assert row["high"] - row["difference"] == pytest.approx(half, rel=1e-5)
    assert (row["answer"], row["paired"]) == ("above", True)


def test_pairing_by_text_tells_what_independent_errors_cannot(make_trials: MakeTable) -> None:
    labels = np.ones(1000, dtype=np.int64)
    line = np.ones(1000, dtype=np.uint16)
    line[:130] = 0
    run = line.astype(np.float32)
    run[:20] = 1  # all that the line gets right, and twenty texts more
    rows = pd.DataFrame([{"units": 1, "val_accuracy": run.mean()}])
    answered = Answered(labels=labels, n_classes=2, predictions={(0, "search", 1): run}, lines={"line": line})
    apart = replace(answered, predictions={})
    assert compare(make_trials, rows, answered)["answer"] == "above"
    assert compare(make_trials, rows, apart)["answer"] == "not told"
    assert not compare(make_trials, rows, apart)["paired"]


@pytest.mark.slow
def test_the_best_of_many_as_good_as_the_line_is_seldom_above_it(make_trials: MakeTable) -> None:
    told = [compare(make_trials, *judged_alike(np.random.default_rng(seed), 20, 200)) for seed in range(30)]
    # At a rate of 2.5% more than 3 of 30 would be above once in 160 such tests; unpicked, every fifth is.
    assert sum(row["low_alone"] > 0 for row in told) > 3
    assert sum(row["answer"] == "above" for row in told) <= 3
    assert 0.3 < np.mean([row["by_luck"] for row in told]) < 0.7


def test_what_settings_have_in_common_makes_picking_cheaper_than_bonferronis_bound(
    make_trials: MakeTable,
) -> None:
    rows, answered = judged_alike(np.random.default_rng(1), 40, 500)
    known = compare(make_trials, rows, answered)
    bound = compare(make_trials, rows, replace(answered, hits=None))
    assert known["low_alone"] > known["low"] > bound["low"]
    assert bound["low_alone"] == known["low_alone"]


def test_seeds_and_texts_both_widen_what_is_said_of_several_runs(make_trials: MakeTable) -> None:
    rows, answered = judged_alike(np.random.default_rng(2), 1, 2000, n_seeds=4)
    row = compare(make_trials, rows, answered)
    right = np.array([values > 0.5 for values in answered.predictions.values()])
    d = right.astype(float) - (answered.lines["line"] == 1)
    # Texts by what different runs agree on, seeds by what their means differ by.
    centred = d - d.mean(axis=1, keepdims=True)
    products = (centred.sum(axis=0) ** 2).sum() - (centred**2).sum()
    by_texts = products / (4 * 3) / (2000 - 1) / 2000
    by_seeds = right.mean(axis=1).var(ddof=1) / 4
    freedom = 3 * ((by_texts + by_seeds) / by_seeds) ** 2
    half = stats.t.ppf(0.975, freedom) * np.sqrt(by_texts + by_seeds)
    assert row["high"] - row["difference"] == pytest.approx(half, rel=1e-6)


def test_the_luck_of_the_best_epoch_is_taken_off(make_trials: MakeTable) -> None:
    trials = make_trials([{"units": 1, "val_accuracy": 0.90}]).assign(score=0.88)
    row = compare_with_lines(trials, line(0.875), 2000).iloc[0]
    assert (row["luck"], row["difference"]) == (pytest.approx(0.02), pytest.approx(0.005))
    assert row["answer"] == "not told"


def test_a_setting_is_picked_by_what_the_study_asks_for(make_trials: MakeTable) -> None:
    trials = make_trials(
        [
            {"units": 1, "val_accuracy": 0.90, "val_macro_f1": 0.4, "val_loss": 0.5},
            {"units": 2, "val_accuracy": 0.85, "val_macro_f1": 0.7, "val_loss": 0.6},
        ]
    )
    by_f1 = compare_with_lines(trials, line(0.8), 500, objective="val_macro_f1").iloc[0]
    by_loss = compare_with_lines(trials, line(0.8), 500, objective="val_loss").iloc[0]
    assert (by_f1["setting"], by_f1["mean"]) == (1, 0.85)
    assert by_loss["setting"] == 0


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_macro_f1_is_scikit_learns_on_these_texts_and_on_drawn_ones(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, n_classes, 200)
    predicted = np.where(rng.random((3, 200)) < 0.6, labels, rng.integers(0, n_classes, (3, 200)))
    expected = [f1_score(labels, own, average="macro") for own in predicted]
    assert macro_f1(labels, predicted, n_classes).tolist() == pytest.approx(expected)
    draws = resample_macro_f1(labels, predicted, n_classes, resamples=400)
    rows = rng.integers(0, 200, (400, 200))
    plain = [macro_f1(labels[row], predicted[:1, row], n_classes)[0] for row in rows]
    assert draws.shape == (400, 3)
    assert draws[:, 0].mean() == pytest.approx(np.mean(plain), abs=0.01)
    assert draws[:, 0].std() == pytest.approx(np.std(plain), rel=0.2)


def test_a_rare_class_never_found_shows_in_macro_f1_alone(make_trials: MakeTable) -> None:
    labels = np.repeat([0, 1, 2], [480, 480, 40])
    line = labels.astype(np.uint16)
    line[:60] = 1
    blind = np.eye(3, dtype=np.float32)[np.where(labels == 2, 0, labels)]
    answered = Answered(
        labels=labels, n_classes=3, predictions={(0, "search", 1): blind}, lines={"line": line}
    )
    rows = pd.DataFrame([{"units": 1, "val_accuracy": 0.96}])
    row = compare(make_trials, rows, answered)
    assert row["difference"] > 0
    assert row["f1_answer"] == "below"
    assert row["f1_low"] < row["f1_difference"] < row["f1_high"] < 0


def test_what_judges_settings_stands_beside_each_line(make_trials: MakeTable) -> None:
    trials = make_trials([{"units": 1, "val_accuracy": 0.9, "val_roc_auc": 0.757}])
    lines = pd.DataFrame(
        {"name": ["a", "b"], "val_accuracy": [0.7, 0.8], "val_roc_auc": [0.793, float("nan")]}
    )
    table = compare_with_lines(trials, lines, 500, objective="val_roc_auc").set_index("name")
    assert table["objective"].tolist() == [0.757, 0.757]
    assert table["objective_line"]["a"] == 0.793
    assert np.isnan(table["objective_line"]["b"])
