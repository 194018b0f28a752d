"""Reports of studies whose settings are judged by another metric than accuracy."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Study, load, summarize
from analysis.plots.figures import expected_best
from analysis.report.build import build_report
from analysis.report.chapters.beat import is_behind_a_line
from analysis.report.chapters.calibration import read_calibration
from analysis.report.chapters.factor import read_effects
from analysis.report.chapters.overfit import _read_map
from analysis.report.chapters.ranking import ranking_chapter
from analysis.report.chapters.search import read_expected_best, search_chapter
from analysis.report.chapters.verdict import verdict_chapter
from analysis.report.content import Chart, Grid
from analysis.statistics.evidence import Evidence

Judge = Callable[..., Path]


@pytest.fixture
def judge(write_database: Callable[..., Path]) -> Judge:
    """Writes a study of two classes, 275 texts and 25, one run of each setting, with figures by setting."""

    def write(
        accuracies: Sequence[float], scores: Sequence[float] = (), metric: str = "val_macro_f1"
    ) -> Path:
        path = write_database(
            n_trials=len(accuracies),
            n_seeds=1,
            n_validation=300,
            n_predicted=len(accuracies),
            classes=("ham", "spam"),
            source="mails.csv",
            objective=metric if scores else "val_accuracy",
            prune_fraction=0,
            fail_fraction=0,
        )
        labels = np.array([0] * 275 + [1] * 25, dtype="<u2").tobytes()
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE labels SET labels = ?", (labels,))
            for trial, accuracy in enumerate(accuracies):
                db.execute("UPDATE epochs SET val_accuracy = ? WHERE trial = ?", (accuracy, trial))
            for trial, score in enumerate(scores):
                change = f"UPDATE epochs SET {metric} = ? - 0.01 * abs(epoch - 2) WHERE trial = ?"  # noqa: S608
                db.execute(change, (score, trial))
            db.execute("UPDATE lines SET macro_f1 = 0.478 WHERE name = 'majority class'")
        return path

    return write


def find(path: Path, kind: str) -> str:
    return " ".join(finding.text for finding in summarize(load(path)) if finding.kind == kind)


@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [
        (0.99, ""),
        (0.92, "would reach 91.7%: the best setting's 92.0% \u00b1 3.6 cannot be told from it."),
        (0.847, "would reach 91.7%, more than the best setting's 84.7% \u00b1 4.5."),
    ],
)
def test_the_majority_class_lies_below_the_best_above_it_or_cannot_be_told(
    judge: Judge, accuracy: float, expected: str
) -> None:
    text = find(judge([accuracy, accuracy - 0.01]), "blindness")

    assert text == (f"The majority class alone, ham, {expected}" if expected else "")


def test_beside_the_majority_class_stands_what_the_study_judges_by(judge: Judge) -> None:
    text = find(judge([0.847, 0.917], [0.574, 0.478]), "blindness")

    assert text.endswith(
        "more than the best setting's 84.7% \u00b1 4.5. By macro-F1, the objective, it has 0.478 and the "
        "best setting 0.574."
    )


def test_the_ranking_shows_what_it_is_ranked_by(judge: Judge) -> None:
    evidence = Evidence(load(judge([0.847, 0.83, 0.917], [0.55, 0.574, 0.478])))

    section = ranking_chapter(evidence)

    chart, grid = section.blocks
    assert isinstance(chart, Chart)
    assert isinstance(grid, Grid)
    assert grid.shown["macro-F1, best epoch"].tolist() == ["0.574", "0.550", "0.478"]
    assert grid.shown["last epoch"].tolist() == ["0.534", "0.510", "0.438"]
    assert grid.shown["lost"].tolist() == ["0.040"] * 3
    assert [text[:5] for text in grid.shown["accuracy, best epoch"]] == ["83.0%", "84.7%", "91.7%"]
    assert chart.title == "Validation macro-F1 at the best and at the last epoch"
    assert chart.reading == (
        "The best setting reaches 0.574 at its best epoch and ends at 0.534; training on costs 0.040 on "
        "average."
    )
    assert chart.draw().axes[0].get_xlabel() == "validation macro-F1"
    assert "by validation macro-F1 at the best epoch" in section.lead


def test_columns_of_the_exported_ranking_say_whose_they_are(judge: Judge) -> None:
    evidence = Evidence(load(judge([0.847, 0.83], [0.55, 0.574])))

    (grid,) = [block for block in ranking_chapter(evidence).blocks if isinstance(block, Grid)]

    assert grid.frame["val_macro_f1"].tolist() == pytest.approx([0.574, 0.55])
    assert {"val_macro_f1_low", "val_macro_f1_last", "val_accuracy_half_width"} <= set(grid.frame)
    assert not {"mean", "low", "high", "half_width"} & set(grid.frame)


def test_of_one_seed_the_best_setting_has_no_interval_of_its_score(judge: Judge) -> None:
    text = find(judge([0.847, 0.83], [0.55, 0.574]), "best")

    assert ", with a validation macro-F1 of 0.574 at its best epoch with one seed, and 0.534 at" in text
    assert "Its accuracy is 83.0% \u00b1 4.7 at that best epoch (the margin is for other texts" in text


def test_a_score_has_the_interval_of_its_own_seeds(make_study: Callable[..., Study]) -> None:
    study = make_study(n_trials=2, n_seeds=3, objective="val_loss", prune_fraction=0, fail_fraction=0)
    top = Evidence(study).ranking.iloc[0]

    (text,) = [finding.text for finding in summarize(study) if finding.kind == "best"]

    interval = f"{top['val_loss']:.3f} ({top['low']:.3f} to {top['high']:.3f})"
    assert f"a validation loss of {interval} at its best epoch over 3 seeds" in text


def test_the_figures_at_the_top_and_all_trials_begin_with_the_objective(judge: Judge) -> None:
    report = build_report(load(judge([0.847, 0.83], [0.55, 0.574])))

    best, epoch, *_ = report.facts
    assert (best.label, best.value) == ("best validation macro-F1", "0.574")
    assert best.detail.endswith("; accuracy 83.0% \u00b1 4.7")
    assert epoch.detail.endswith("0.534 at the last")
    assert report.rows is not None
    assert report.rows.columns[:3].tolist() == ["trial", "val_macro_f1", "val_accuracy"]


def test_the_expected_best_is_one_of_what_the_study_judges_by(judge: Judge) -> None:
    evidence = Evidence(load(judge([0.8, 0.81, 0.82, 0.83], [0.5, 0.52, 0.6, 0.55], "val_roc_auc")))

    chart = search_chapter(evidence).blocks[0]

    assert isinstance(chart, Chart)
    assert chart.title == "Expected best ROC AUC by budget"
    assert "improved the expected best ROC AUC by 0.0" in chart.reading
    assert "points" not in chart.reading
    assert chart.draw().axes[0].get_ylabel() == "expected best ROC AUC"


def test_of_cells_that_find_the_same_none_is_said_to_lead(judge: Judge) -> None:
    evidence = Evidence(load(judge([0.9] * 12)))

    reading = read_expected_best(evidence)

    assert re.search(r"\d trials? each, \w+ and \w+ would be expected to find the same accuracy\.", reading)
    assert reading.endswith("hardly improved the expected best accuracy.")


def test_where_cells_do_not_vary_the_one_curve_is_of_all_trials(one_setting: Study) -> None:
    figure = expected_best(one_setting)

    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["all trials"]
    tips = [url for marks in figure.axes[0].collections for url in marks.get_urls() or () if url]
    assert [tip.split(":")[1] for tip in tips] == ["all trials"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (0.793, "TF-IDF + logistic regression (0.793) is ahead of it"),
        (0.7574, "no line is ahead of it, the nearest TF-IDF + logistic regression (0.757)"),
    ],
)
def test_lines_to_beat_are_compared_by_what_the_study_judges_by(
    judge: Judge, line: float, expected: str
) -> None:
    path = judge([0.95, 0.94], [0.757, 0.751], "val_roc_auc")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE lines SET roc_auc = CASE name WHEN 'majority class' THEN 0.5 ELSE ? END", (line,))

    text = find(path, "baseline")

    assert text.startswith("By accuracy, the best setting, 95.0%, ")
    assert f" By ROC AUC, the objective, it has 0.757, and {expected}; how far" in text
    assert is_behind_a_line(Evidence(load(path)))


def test_what_is_compared_by_accuracy_says_so_and_who_leads_by_the_objective(judge: Judge) -> None:
    path = judge([0.847, 0.83, 0.917], [0.55, 0.574, 0.478])
    label = Evidence(load(path)).ranking["label"].tolist()

    settings, optimism, levels = (find(path, kind) for kind in ("settings", "optimism", "levels"))

    assert settings.startswith(f"By accuracy: {label[2]} is ")
    assert settings.endswith(
        f" By macro-F1, the objective, {label[0]} is first: 0.574, and 0.478 for the most accurate setting."
    )
    assert optimism.startswith(f"The most accurate setting, {label[2]}, was picked out of 3")
    assert levels.startswith("By accuracy: ") or not levels
    section = verdict_chapter(Evidence(load(path)))
    assert "Comparisons here are by accuracy, not by macro-F1, which ranks the settings" in section.lead
    titles = [block.title for block in section.blocks if isinstance(block, Chart | Grid)]
    assert titles[-2:] == ["The most accurate setting against the next", "Settings compared by accuracy"]


def test_a_study_of_accuracy_says_nothing_of_by_what_it_compares(small_study: Study) -> None:
    assert not [finding.text for finding in summarize(small_study) if "By accuracy" in finding.text]
    assert "by accuracy" not in verdict_chapter(Evidence(small_study)).lead


def test_levels_that_are_printed_alike_are_not_told_as_different(judge: Judge) -> None:
    evidence = Evidence(load(judge([0.9, 0.9, 0.9001, 0.9])))

    reading = read_effects(evidence)

    assert re.fullmatch(
        r"Mean accuracy differs by no factor: 90.0% at each level of [\w ]+, as they were tried\.",
        reading,
    )


def test_a_gap_that_is_printed_alike_everywhere_has_no_ends() -> None:
    table = pd.DataFrame({"row": ["gru", "lstm"], "column": [11, 12], "mean": [0.02, 0.0204]})

    assert _read_map(table, "cell", "units") == (
        "Mean of train minus validation accuracy over settings: 2.0 points everywhere."
    )


def test_calibration_of_one_run_of_several_says_so(
    one_setting: Study, make_study: Callable[..., Study]
) -> None:
    alone = make_study(n_trials=2, n_seeds=1, prune_fraction=0, fail_fraction=0)

    assert re.match(
        r"At its best epoch, one run of .+, the best of 3 by accuracy, is [\d.]+% sure",
        read_calibration(Evidence(one_setting)),
    )
    assert "one run" not in read_calibration(Evidence(alone))
