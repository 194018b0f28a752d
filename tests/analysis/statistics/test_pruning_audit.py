from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from analysis import Study, summarize
from analysis.report.build import build_report
from analysis.statistics.evidence import Evidence
from analysis.statistics.expected_best import expected_best
from analysis.statistics.optimism import selection_optimism
from analysis.statistics.pruning_audit import audit_by_run, summarize_audit
from analysis.statistics.settings import summarize_settings
from analysis.statistics.verdicts import compare_levels, compare_settings

MakeTrials = Callable[..., pd.DataFrame]


def row(trial: int, phase: str, state: str, accuracy: float, **others: Any) -> dict[str, Any]:
    numbers = {"trial": trial, "seed": 7, "units": 8 * (trial + 1), "val_loss": 1 - accuracy}
    replicate = 2001 if phase == "audit" else 1
    return (
        numbers | {"phase": phase, "state": state, "val_accuracy": accuracy, "replicate": replicate} | others
    )


@pytest.fixture
def trials(make_trials: MakeTrials) -> pd.DataFrame:
    """Two completed runs and four stopped ones; of three that were finished, one would have been best."""
    return make_trials(
        [
            row(0, "search", "completed", 0.80),
            row(1, "search", "completed", 0.86),
            row(2, "search", "pruned", 0.60, epochs_run=1),
            row(2, "audit", "completed", 0.88),
            row(3, "search", "pruned", 0.61, epochs_run=2),
            row(3, "audit", "completed", 0.83),
            row(4, "search", "pruned", 0.62),
            row(4, "audit", "failed", float("nan")),
            row(5, "search", "pruned", 0.63),
        ]
    )


def test_a_stopped_run_that_is_finished_takes_its_place_among_the_completed(trials: pd.DataFrame) -> None:
    table = audit_by_run(trials)

    assert table["trial"].tolist() == [2, 3, 4]
    assert table["place"].tolist()[:2] == [1, 2]
    assert table["place"].isna().tolist() == [False, False, True]
    assert table["stopped_after"].tolist()[:2] == [1, 2]
    assert table["when_stopped"].tolist() == [0.60, 0.61, 0.62]
    assert table["finished"].tolist()[:2] == [0.88, 0.83]
    assert table["regret"].tolist()[:2] == pytest.approx([0.02, 0.0])


def test_by_loss_less_is_better(trials: pd.DataFrame) -> None:
    table = audit_by_run(trials, "val_loss")

    assert table["place"].tolist()[:2] == [1, 2]
    assert table["best_completed"].tolist() == pytest.approx([0.14] * 3)
    assert table["regret"].tolist()[:2] == pytest.approx([0.02, 0.0])


def test_the_share_of_wrong_stops_has_wilsons_interval(trials: pd.DataFrame) -> None:
    (summary,) = summarize_audit(trials, audit_by_run(trials)).to_dict("records")

    assert (summary["n_pruned"], summary["n_audited"], summary["n_finished"]) == (4, 3, 2)
    assert summary["n_wrong"] == 1
    assert summary["share"] == 0.5
    # Wilson (1927), 1 of 2 at z = 1.96: (0.5 +- z / sqrt(n) * sqrt((1/4 + z^2 / 4n)) / ...), by hand.
    assert (summary["low"], summary["high"]) == pytest.approx((0.0945, 0.9055), abs=1e-4)


def test_an_equal_figure_is_no_wrong_stop(make_trials: MakeTrials) -> None:
    trials = make_trials(
        [
            row(0, "search", "completed", 0.8),
            row(1, "search", "pruned", 0.6),
            row(1, "audit", "completed", 0.8),
        ]
    )

    assert audit_by_run(trials)["place"].tolist() == [2]


def test_without_a_completed_run_nothing_is_judged(make_trials: MakeTrials) -> None:
    trials = make_trials([row(1, "search", "pruned", 0.6), row(1, "audit", "completed", 0.8)])

    (summary,) = summarize_audit(trials, audit_by_run(trials)).to_dict("records")

    assert summary["n_finished"] == 0


def test_no_other_statistic_knows_of_the_audit(trials: pd.DataFrame) -> None:
    without = trials[trials["phase"] != "audit"].reset_index(drop=True)

    for statistic in (
        summarize_settings,
        compare_levels,
        compare_settings,
        expected_best,
        lambda table: selection_optimism(table, 400),
        lambda table: summarize_settings(table, phase="search"),
    ):
        assert_frame_equal(statistic(trials), statistic(without))


def audit(study: Study, accuracy: float) -> Study:
    """The study with its first pruned run finished at some accuracy."""
    first = study.trials[study.trials["state"] == "pruned"].head(1)
    finished = first.assign(
        phase="audit",
        state="completed",
        val_accuracy=accuracy,
        reason=None,
    )
    return replace(study, trials=pd.concat([study.trials, finished], ignore_index=True))


def test_the_report_says_how_often_stopping_was_wrong_and_counts_it_nowhere_else(
    make_study: Callable[..., Study],
) -> None:
    study = make_study(prune_fraction=0.4)
    audited = audit(study, 0.999)

    report, plain = build_report(audited), build_report(study)

    (finding,) = [f for f in summarize(audited) if f.kind == "audit"]
    assert "1 of 1 would have ended above the best completed run" in finding.text
    assert {s.anchor for s in report.sections} - {s.anchor for s in plain.sections} == {"audit"}
    assert [f.text for f in report.findings if f.kind != "audit"] == [f.text for f in plain.findings]
    assert [f.value for f in report.facts] == [f.value for f in plain.facts]
    for name, table in plain.tables.items():
        if name not in ("trials", "epochs"):
            assert_frame_equal(report.tables[name], table)


def test_a_study_without_an_audit_has_no_such_chapter(small_study: Study) -> None:
    assert Evidence(small_study).audit.empty
    assert "audit" not in {section.anchor for section in build_report(small_study).sections}
