from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from study.cli.tables import print_studies
from study.store.directory import StudyDirectory


def make_records(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE attempts (trial, phase, replicate, state)")
    connection.execute("CREATE TABLE epochs (trial, val_accuracy, note)")
    connection.executemany(
        "INSERT INTO attempts VALUES (?, 'search', 1, ?)", [(0, "completed"), (1, "running")]
    )
    connection.executemany("INSERT INTO epochs VALUES (?, 0.75, ?)", [(0, "a" * 500)] * 500)
    connection.commit()
    return connection


def test_a_study_whose_process_died_in_a_transaction_is_listed_as_it_was_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = tmp_path / "studies" / "torn"
    torn.mkdir(parents=True)
    with closing(make_records(tmp_path / "whole" / "records.db")) as connection:
        connection.execute("PRAGMA cache_size = 1")  # so that pages are written before the end
        connection.execute("UPDATE epochs SET val_accuracy = 0.99")
        for ending in ("", "-journal"):
            shutil.copyfile(tmp_path / "whole" / f"records.db{ending}", torn / f"records.db{ending}")

    print_studies(tmp_path / "studies")

    (line,) = [line for line in capsys.readouterr().out.splitlines() if "torn" in line]
    assert line.split()[1:5] == ["2", "interrupted", "(1)", "0.750"]


def test_a_study_that_cannot_be_read_is_listed_beside_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_records(tmp_path / "sound" / "records.db").close()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "records.db").write_bytes(b"this is no database" * 100)

    print_studies(tmp_path)

    listed = capsys.readouterr().out
    assert "unreadable" in listed
    assert "0.750" in listed


def test_a_study_that_nobody_works_on_is_called_interrupted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "studies" / ("x" * 120)
    with closing(make_records(folder / "records.db")) as connection:
        connection.commit()

    print_studies(tmp_path / "studies")
    left = capsys.readouterr().out
    with StudyDirectory(folder).lock():
        print_studies(tmp_path / "studies")

    assert "interrupted (1)" in left
    assert "x" * 120 in left
    assert "interrupted" not in capsys.readouterr().out
