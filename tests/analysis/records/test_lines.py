from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from analysis import load
from analysis.errors import AnalysisError
from analysis.records.schema import BASELINE_COLUMNS


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_lines_come_with_their_figures_and_what_they_say_of_each_text(
    write_database: Callable[..., Path],
) -> None:
    study = load(write_database())

    line = study.baselines.iloc[-1]
    answers = study.line_answers["validation"][line["name"]]
    assert tuple(study.baselines) == BASELINE_COLUMNS
    assert (answers == study.labels).mean() == pytest.approx(line["val_accuracy"], abs=0.5 / len(answers))
    assert line["val_macro_f1"] == line["val_accuracy"]


def test_studies_that_kept_no_answers_of_lines_open_without(write_database: Callable[..., Path]) -> None:
    study = load(write_database(has_lines=False))

    assert study.line_answers == {}
    assert study.baselines["val_accuracy"].notna().all()
    assert study.baselines[list(BASELINE_COLUMNS[4:])].isna().all(axis=None)


def test_a_split_that_was_opened_has_figures_of_its_own(write_database: Callable[..., Path]) -> None:
    path = write_database()
    change(
        path,
        "INSERT INTO lines (name, split, predicted, accuracy, macro_f1)"
        " VALUES ('majority class', 'test', zeroblob(50000), 0.25, 0.125)",
    )

    study = load(path)

    row = study.baselines.set_index("name").loc["majority class"]
    assert (row["test_accuracy"], row["test_macro_f1"]) == (0.25, 0.125)
    assert len(study.line_answers["test"]["majority class"]) == 25_000


@pytest.mark.parametrize(
    "statement",
    ["UPDATE lines SET predicted = X'00'", "UPDATE lines SET predicted = randomblob(length(predicted))"],
)
def test_answers_that_fit_no_such_study_are_told(write_database: Callable[..., Path], statement: str) -> None:
    path = write_database()
    change(path, statement)

    with pytest.raises(AnalysisError, match="what a line to beat says of 400 validation texts is broken"):
        load(path)
