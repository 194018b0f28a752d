"""Studies that went wrong, or that hold little: each gets a report that says what it cannot say."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis import (
    Study,
    from_frame,
    import_study,
    load,
    summarize,
    write_comparison,
    write_parquet,
    write_report,
)
from analysis.report.build import build_report
from analysis.report.content import Chart, Grid
from analysis.report.write import write_folder
from analysis.statistics.verdicts import compare_studies
from analysis.words.numbers import NONE

NO_LOSSES = "UPDATE epochs SET val_loss=NULL, train_loss=NULL"
NO_FIGURES = f"{NO_LOSSES}, val_accuracy=NULL, train_accuracy=NULL"
CONSTANT = "UPDATE epochs SET val_accuracy=0.5, train_accuracy=0.5, val_loss=0.69, train_loss=0.69"
UNKNOWN_COST = "UPDATE attempts SET n_weights=NULL, wall_s=NULL, setup_s=NULL, node=NULL, started_at=NULL"


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def write_text(study: Study, folder: Path) -> str:
    """The report without figures: quick, and all words are there."""
    report = build_report(study)
    page = write_folder(report, folder, format="html")
    write_folder(report, folder, format="md")
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(re.findall(r' id="([^"]+)"', text))
    return text


@pytest.mark.parametrize(
    ("plan", "statements", "expected"),
    [
        ({"n_trials": 0}, [], "No run completed"),
        ({"n_trials": 1, "n_seeds": 1, "fail_fraction": 0}, [], "with one seed"),
        ({}, ["UPDATE attempts SET state='running'"], "24 runs had not ended"),
        ({}, ["UPDATE attempts SET state='failed'", "DELETE FROM epochs"], "24 of 24 runs failed"),
        ({}, ["UPDATE attempts SET state='pruned'"], "No run was trained to its end"),
        ({"max_epochs": 1}, [], "no onset can be told"),
        ({"n_seeds": 1}, [], "with one seed"),
        ({}, [CONSTANT], "50.0%"),
        ({}, [NO_LOSSES], "No completed run has the three epochs from which an onset can be told"),
        ({}, [NO_FIGURES], "No run completed"),
        ({}, ["UPDATE epochs SET val_loss=9e999"], "Best setting"),
        ({"n_classes": 200}, [], "200: class 0"),
        ({"n_validation": 0, "n_predicted": 0}, [], "Best setting"),
        ({}, ["UPDATE attempts SET params='{}'"], "Nothing was varied"),
        ({}, ["DELETE FROM predictions", "DELETE FROM labels"], "nothing can be said of calibration"),
        ({}, ["DELETE FROM baselines"], "No baseline was fitted"),
        ({}, [UNKNOWN_COST], "Best setting"),
        ({"objective": "val_loss"}, [], "by validation loss at the best epoch"),
    ],
)
def test_an_odd_study_has_a_report_that_says_what_it_cannot_say(
    write_database: Callable[..., Path],
    tmp_path: Path,
    plan: dict[str, Any],
    statements: list[str],
    expected: str,
) -> None:
    path = write_database(**plan)
    change(path, *statements)

    assert expected in write_text(load(path), tmp_path / "report")


def test_conditional_parameters_that_are_not_set_are_named_so(
    write_database: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_database()
    change(path, "UPDATE attempts SET params=json_remove(params, '$.layers') WHERE trial % 2")

    assert "not set in 12 runs" in write_text(load(path), tmp_path / "report")


def test_a_missing_test_split_is_said(write_database: Callable[..., Path], tmp_path: Path) -> None:
    path = write_database()
    change(path, """UPDATE meta SET value=replace(value, '"n_test":25000', '"n_test":0')""")

    page = write_text(load(path), tmp_path / "report")

    assert re.search(r"test split</td><td>none", page)


def test_derived_tables_without_the_database_are_enough(small_study: Study, tmp_path: Path) -> None:
    write_parquet(small_study, tmp_path)
    page = write_text(load(tmp_path), tmp_path / "report")
    assert "Best setting" in page
    assert "There is no manifest.json" in page


def test_a_damaged_database_beside_derived_tables_is_said_first(
    write_database: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_database()
    write_parquet(load(path), path.parent)
    path.write_bytes(path.read_bytes()[:9000])

    first = summarize(load(path.parent))[0]

    assert first.text.startswith("records.db is damaged")
    assert first.tone == "warning"


def test_the_notebooks_one_setting_gets_its_conclusion_from_the_data(
    write_database: Callable[..., Path],
) -> None:
    plan = {"n_trials": 1, "n_seeds": 1, "fail_fraction": 0, "prune_fraction": 0, "max_epochs": 5}
    path = write_database(**plan, validated_on="test", objective="val_loss")
    losses, accuracies = [0.3206, 0.3091, 0.3465, 0.4009, 0.4434], [0.8659, 0.8684, 0.8514, 0.8543, 0.8584]
    for epoch, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True), start=1):
        change(path, f"UPDATE epochs SET val_loss={loss}, val_accuracy={accuracy} WHERE epoch={epoch}")  # noqa: S608

    texts = {finding.kind: finding.text for finding in summarize(load(path))}

    assert texts["conclusion"] == (
        "The validation loss is lowest at epoch 2 (0.3091) and rises after it, to 0.4434 at epoch 5; "
        "validation accuracy stays below 90% in every epoch (at most 86.84%)."
    )
    assert texts["onset"] == "The one completed run begins to overfit after epoch 2."
    assert texts["validated-on-test"].startswith("Validation was done on the test split")


def test_one_setting_on_other_texts_is_not_held_against_the_notebooks_question(
    write_database: Callable[..., Path],
) -> None:
    plan = {"n_trials": 1, "n_seeds": 1, "fail_fraction": 0, "prune_fraction": 0, "max_epochs": 3}
    path = write_database(**plan, source="questions.csv")
    for epoch, accuracy in enumerate([0.55, 0.6313, 0.6], start=1):
        change(path, f"UPDATE epochs SET val_loss=1.0/epoch, val_accuracy={accuracy} WHERE epoch={epoch}")  # noqa: S608

    texts = {finding.kind: finding.text for finding in summarize(load(path))}

    assert texts["conclusion"] == (
        "The validation loss still falls at the last epoch, 3 (0.3333); validation accuracy is highest at "
        "epoch 2 (63.1%)."
    )


def test_a_rise_in_the_last_epoch_alone_is_no_onset_and_the_report_says_so(
    write_database: Callable[..., Path],
) -> None:
    plan = {"n_trials": 1, "n_seeds": 1, "fail_fraction": 0, "prune_fraction": 0, "max_epochs": 5}
    path = write_database(**plan)
    for epoch, loss in enumerate([0.3433, 0.3376, 0.3334, 0.3385, 0.4548], start=1):
        change(path, f"UPDATE epochs SET val_loss={loss} WHERE epoch={epoch}")  # noqa: S608

    texts = {finding.kind: finding.text for finding in summarize(load(path))}

    assert "rises after it, to 0.4548 at epoch 5" in texts["conclusion"]
    assert "in too few epochs to call it an onset" in texts["onset"]


HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture
def hostile_study(write_database: Callable[..., Path]) -> Study:
    """Texts that would run in a page, a spreadsheet or a figure, wherever data can put one."""
    path = write_database(name="=cmd()", classes=(HOSTILE, "=cmd()"), source="<img src=x onerror=alert(1)>")
    for trial in range(12):
        params = {"cell": f"<b>{trial % 3}", "$x^2$": "$\\frac{", HOSTILE: trial % 2, "日本": "語\u2028"}
        change(path, f"UPDATE attempts SET params='{json.dumps(params)}' WHERE trial={trial}")  # noqa: S608
    change(path, f"UPDATE attempts SET reason='=HYPERLINK(\"http://evil\") {HOSTILE}'")  # noqa: S608
    change(path, f"UPDATE baselines SET name='{HOSTILE}' || name")  # noqa: S608
    return load(path)


@pytest.mark.parametrize("figures", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_texts_from_data_are_only_texts(hostile_study: Study, tmp_path: Path, figures: bool) -> None:
    page = write_report(hostile_study, tmp_path / "report", figures=figures).read_text(encoding="utf-8")

    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>" not in page
    # One block of data and our own script, each closed by itself.
    assert len(re.findall(r"<script", page)) == len(re.findall(r"</script", page)) == 2
    for table in (tmp_path / "report" / "tables").iterdir():
        cells = re.split(r'[,\n]"?', table.read_text(encoding="utf-8"))
        assert not [cell for cell in cells if cell.startswith("=")], table.name


def test_texts_from_data_are_no_markdown(hostile_study: Study, tmp_path: Path) -> None:
    text = write_report(hostile_study, tmp_path, format="md", figures=False).read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)<", text)


def test_studies_of_one_name_and_one_that_failed_can_be_compared(
    small_study: Study, make_study: Callable[..., Study], tmp_path: Path
) -> None:
    failed = make_study(fail_fraction=1.0)
    page = write_comparison([small_study, failed, small_study], tmp_path / "report", figures=False)
    text = page.read_text(encoding="utf-8")
    assert "synthetic (2)" in text
    assert "synthetic (3)" in text


def test_runs_of_which_only_losses_were_recorded_have_a_report(tmp_path: Path) -> None:
    rows = [
        {"run": run, "epoch": epoch, "units": units, "val_loss": 1 / epoch, "loss": 1 / epoch}
        for run, units in (("a", 8), ("b", 16), ("c", 16))
        for epoch in range(1, 5)
    ]

    text = write_text(from_frame(pd.DataFrame(rows), ["units"]), tmp_path)

    assert "No accuracy of a completed run was recorded" in text
    assert not (tmp_path / "faults.log").exists()


NO_ACCURACIES = "UPDATE epochs SET val_accuracy=NULL, train_accuracy=NULL"


def test_a_study_of_losses_alone_says_what_is_missing_and_not_that_nothing_completed(
    write_database: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_database(objective="val_loss")
    change(path, NO_ACCURACIES)

    text = write_text(load(path), tmp_path / "report")
    report = build_report(load(path))
    said = [finding.text for finding in report.findings]
    said += [f"{fact.value} {fact.detail}" for fact in report.facts]
    said += [getattr(block, "reading", "") for part in report.sections for block in part.blocks]

    assert not [sentence for sentence in said if NONE in sentence]
    assert "No accuracy of a completed run was recorded" in text
    assert "No run completed" not in text
    assert "Too few completed runs share all else" not in text
    assert "Learning curves: loss" in text
    assert "Learning curves: accuracy" not in text


def test_runs_with_one_figure_each_have_no_best_epoch_and_no_last(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("run,units,seed,val_loss,val_accuracy\na,8,1,0.5,0.8\nb,8,2,0.4,0.7\nc,4,1,0.6,0.6\n")

    for objective in ("val_loss", "val_accuracy"):
        study = import_study(path, objective=objective)
        report = build_report(study)
        write_text(study, tmp_path / objective)

        said = [finding.text for finding in report.findings] + [fact.label for fact in report.facts]
        (ranking,) = [part for part in report.sections if part.anchor == "ranking"]
        for block in ranking.blocks:
            said += [block.title] if isinstance(block, Chart | Grid) else []
            said += [block.reading] if isinstance(block, Chart) else []
            said += list(map(str, block.shown)) if isinstance(block, Grid) else []
        assert "best epoch" not in " ".join(said)
        assert " last" not in " ".join(said)
        assert NONE not in " ".join(said)
        assert "\u00b1" not in ranking.lead


def test_a_mean_over_runs_says_how_many_reached_each_epoch(write_database: Callable[..., Path]) -> None:
    path = write_database(n_trials=1, n_seeds=2, fail_fraction=0, prune_fraction=0, max_epochs=5)
    change(path, "DELETE FROM epochs WHERE replicate=2 AND epoch>3")

    (text,) = [finding.text for finding in summarize(load(path)) if finding.kind == "conclusion"]

    assert text.startswith("The validation loss, averaged over the 1 to 2 runs that reached each epoch, ")


def test_a_comparison_counts_no_completed_run_among_those_that_did_not(
    write_database: Callable[..., Path], small_study: Study
) -> None:
    path = write_database(objective="val_loss", fail_fraction=0, prune_fraction=0)
    change(path, NO_ACCURACIES)

    (note,) = compare_studies(
        {"a": load(path).trials, "b": small_study.trials.query("state == 'completed'")}
    )["note"]

    assert "did not complete" not in note
    assert "24 completed runs have no validation accuracy" in note
